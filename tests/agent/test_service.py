"""The agent at work: real folders, a real log, and rules that would start each other."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from klapp.service import Service
from tests.agent.house import House

WAIT = 15


class Running:
    """A service on a house, and what it said."""

    def __init__(self, house: House, service: Service, said: list[str]) -> None:
        self.house = house
        self.service = service
        self.said = said

    def until(self, look: Callable[[], object]) -> None:
        end = time.monotonic() + WAIT
        while not look():
            assert time.monotonic() < end, f"waited in vain; it said {self.said}"
            time.sleep(0.02)

    def names(self, folder: str) -> list[str]:
        return sorted(path.name for path in (self.house.person / folder).iterdir())

    def rest(self) -> None:
        """Long enough for whatever would come next to have come."""
        time.sleep(2.5)


Start = Callable[..., AbstractContextManager[Running]]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    @contextmanager
    def begin(*coworkers: str, folders: tuple[str, ...] = ("In",)) -> Iterator[Running]:
        house = House(tmp_path)
        for folder in folders:
            (house.person / folder).mkdir(exist_ok=True)
        for number, text in enumerate(coworkers):
            house.coworker(text, f"c{number}")
        said: list[str] = []
        with house.agent() as agent:
            for number in range(len(coworkers)):
                agent.approve(f"c{number}")
            with Service(agent, said.append) as service:
                yield Running(house, service, said)

    return begin


def test_what_came_while_klapp_was_off_is_found_once(tmp_path: Path) -> None:
    house = House(tmp_path)
    (house.person / "In").mkdir()
    (house.person / "Out").mkdir()
    house.file("In/before", b"0")
    house.coworker(mover("Mover", "In", "Out"))

    def at_work() -> Running:
        said: list[str] = []
        agent = house.agent()
        agent.approve("one")
        return Running(house, Service(agent, said.append), said)

    for number, expected in ((1, []), (2, ["came"]), (3, ["came", "came later"])):
        running = at_work()
        with running.service.agent, running.service:
            if expected:
                running.until(lambda expected=expected: running.names("Out") == expected)  # noqa: B023
                running.until(lambda expected=expected: len(list(running.service.agent.log())) == len(expected))  # noqa: B023
            running.rest()
            assert running.names("In") == ["before"]
            assert running.names("Out") == expected
        house.file("In/came" if number == 1 else "In/came later", b"1")


def mover(name: str, source: str, goal: str) -> str:
    return f'coworker "{name}"\nmay read "~/{source}/*"\nmay remove "~/{source}/*"\nmay write "~/{goal}/*"\n\nwhen file arrives in "~/{source}"\n  move file to "~/{goal}/"\nend\n'


RENAMER = """coworker "Renamer"
may read "~/In/*"
may remove "~/In/*"
may write "~/In/*"

when file arrives in "~/In"
  rename file to "x{file.name}"
end
"""


def test_a_rule_that_feeds_itself_runs_once_for_each_version(start: Start) -> None:
    with start(RENAMER) as running:
        running.house.file("In/a", b"1")
        running.until(lambda: running.names("In") == ["xa"])
        running.until(lambda: any("for ever" in sentence for sentence in running.said))
        running.rest()
        assert running.names("In") == ["xa"]
        (running.house.person / "In" / "xa").write_bytes(b"a person's change")
        running.until(lambda: running.names("In") == ["xxa"])
        running.rest()
        assert running.names("In") == ["xxa"]
        assert sum("for ever" in sentence for sentence in running.said) == 1


def test_coworkers_that_feed_each_other_end(start: Start) -> None:
    back = mover("Back", "Out", "In").replace('"~/In/"', '"~/In/x{file.name}"')
    with start(mover("There", "In", "Out"), back, folders=("In", "Out")) as running:
        running.house.file("In/a", b"1")
        running.until(lambda: any("for ever" in sentence for sentence in running.said))
        running.rest()
        assert running.names("In") == ["xa"]
        assert len(list(running.service.agent.log())) == 2


def test_what_was_undone_is_not_done_again_at_once(start: Start) -> None:
    with start(mover("Mover", "In", "Out"), folders=("In", "Out")) as running:
        running.house.file("In/a", b"1")
        running.until(lambda: running.names("Out") == ["a"])
        running.until(lambda: list(running.service.agent.log()))
        running.service.agent.undo([1])
        running.rest()
        assert running.names("In") == ["a"]
        running.house.file("In/b", b"2")
        running.until(lambda: running.names("Out") == ["b"])


def test_files_of_several_folders_are_run_in_the_order_they_came(start: Start) -> None:
    with start(mover("One", "In", "Out"), mover("Two", "Other", "Out"), folders=("In", "Other", "Out")) as running:
        for number in range(20):
            running.house.file(f"{'In' if number % 2 else 'Other'}/{number:02}", b"x")
        running.until(lambda: len(running.names("Out")) == 20)
        running.until(lambda: [report["outcome"] for report in running.service.agent.log()] == ["done"] * 20)


def test_an_edited_coworker_is_reloaded_and_a_broken_one_keeps_its_last_good_version(start: Start) -> None:
    with start(mover("Mover", "In", "Out"), folders=("In", "Out")) as running:
        path = running.house.home.coworkers / "c0.klr"
        good = path.read_text(encoding="utf-8")
        path.write_text(good.replace("move file", "mvoe file"), encoding="utf-8")
        running.until(lambda: any("last good version" in sentence for sentence in running.said))
        running.house.file("In/a", b"1")
        running.until(lambda: running.names("Out") == ["a"])
        path.write_text(good + "\n# mended\n", encoding="utf-8")
        running.until(lambda: running.said[-1] == '"Mover" is loaded.')
        path.write_text(good.replace('"~/Out/*"', '"~/Out/*", "~/Else/*"'), encoding="utf-8")
        running.until(lambda: "waits for your approval" in running.said[-1])
        running.house.file("In/b", b"2")
        running.rest()
        assert running.names("In") == ["b"]
