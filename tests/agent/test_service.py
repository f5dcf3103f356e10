"""The agent at work: real folders, a real log, and rules that would start each other."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from klapp.coworkers.store import NoCoworker
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


# -- every other trigger, and options ---------------------------------------------------------------------------------


def teller(name: str, start: str, text: str = "{file.name}", more: str = "") -> str:
    return (
        f'coworker "{name}"\nmay read "~/In/*"\nmay notify\n{more}\n{start}\n  notify "{text}"\nend\n'
        if "file" in start or "folder" in start
        else f'coworker "{name}"\nmay notify\n{more}\n{start}\n  notify "{text}"\nend\n'
    )


def test_changes_leaves_folders_and_the_start_are_heard_once_each(start: Start) -> None:
    texts = (
        teller("Changed", 'when file changes in "~/In"'),
        teller("Left", 'when file leaves in "~/In"', "{file.name} had {file.size:bytes}"),
        teller("Folder", 'when folder arrives in "~/In"', "{folder.name}"),
        teller("Starter", "when klapp starts", "good morning"),
    )
    with start(*texts) as running:
        notices = running.house.told.notices
        running.until(lambda: ("Starter", "good morning") in notices)
        file = running.house.file("In/a", b"1")
        running.rest()
        file.write_bytes(b"22")
        running.until(lambda: ("Changed", "a") in notices)
        file.unlink()
        running.until(lambda: ("Left", "a had 2") in notices)
        (running.house.person / "In" / "new").mkdir()
        running.until(lambda: ("Folder", "new") in notices)
        running.rest()
        assert len(notices) == 4


FAILER = """coworker "Failer"
may read "~/In/*"
{more}
when file arrives in "~/In"{options}
  fail "no"
end
"""


def test_a_coworker_that_fails_again_and_again_is_paused_and_goes_on_when_resumed(start: Start) -> None:
    with start(FAILER.format(more="limit 2 failures", options="")) as running:
        agent, notices = running.service.agent, running.house.told.notices
        running.house.file("In/a", b"1")
        running.until(lambda: len(list(agent.log())) == 1)
        running.house.file("In/b", b"2")
        running.until(lambda: any("paused" in text for _, text in notices))
        [told] = agent.overview()
        assert told["state"] == "paused"
        assert "failed 2 times in a row" in told["why"]
        assert "klapp resume" in told["why"]
        running.house.file("In/c", b"3")
        running.until(lambda: running.service._turns.agenda.count("Failer") == 1)
        assert len(list(agent.log())) == 2
        running.service.act("resume", ("Failer",))
        running.until(lambda: len(list(agent.log())) == 3)
        assert agent.overview()[0]["state"] == "ready"


def test_a_failed_run_is_tried_again_also_after_a_restart(tmp_path: Path, start: Start) -> None:
    text = FAILER.format(more="", options=" retry 2 times after 2 seconds")
    with start(text) as running:
        # Whole and with its time at once: else it can be another version by the time that the second agent looks.
        running.house.file("Aside/a", b"1").rename(running.house.person / "In/a")
        running.until(lambda: len(list(running.service.agent.log())) == 1)
    said: list[str] = []
    with House(tmp_path).agent() as agent, Service(agent, said.append) as service:
        again = Running(House(tmp_path), service, said)
        again.until(lambda: len(list(agent.log())) == 3)
        again.rest()
        assert len(list(agent.log())) == 3
        assert service._turns.agenda.count("Failer") == 0


def test_chains_start_once_for_a_bout_and_never_go_round(start: Start) -> None:
    texts = (
        mover("Mover", "In", "Out"),
        teller("Next", 'when "Mover" finishes', "moved"),
        teller("Last", 'when "Next" finishes', "told"),
        teller("Round", 'when "Last" finishes', "round"),
        teller("First", 'when "Round" finishes', "again"),
        teller("Loop", 'when "First" finishes', "loop"),
        teller("Sad", 'when "Mover" fails', "failed"),
        teller("Itself", 'when "Itself" finishes', "x"),
    )
    with start(*texts, folders=("In", "Out")) as running:
        notices, held = running.house.told.notices, threading.Event()
        turns = running.service._turns
        turns.then(lambda: held.wait(WAIT))
        for number in range(20):
            running.house.file(f"In/{number}", b"x")
        running.until(lambda: turns._waiting["Mover"] == 20)
        held.set()
        running.until(lambda: ("Loop", "loop") in notices)
        running.rest()
        assert [name for name, _ in notices] == ["Next", "Last", "Round", "First", "Loop"]


def test_two_coworkers_that_wait_for_each_other_end(start: Start) -> None:
    texts = (
        teller("Ping", 'when file arrives in "~/In"\n  notify "ping"\nend\n\nwhen "Pong" finishes', "ping"),
        teller("Pong", 'when "Ping" finishes', "pong"),
    )
    with start(*texts) as running:
        running.house.file("In/a", b"x")
        running.until(lambda: any("for ever" in sentence for sentence in running.said))
        running.rest()
        assert [name for name, _ in running.house.told.notices] == ["Ping", "Pong", "Ping"]


def test_quiet_counts_from_the_last_change(start: Start) -> None:
    with start(
        teller("Teller", 'when file arrives in "~/In" once quiet for 4 seconds', "{file.size:bytes}")
    ) as running:
        path = running.house.file("In/a", b"1")
        time.sleep(2.5)
        path.write_bytes(b"22")
        running.until(lambda: running.house.told.notices)
        running.rest()
        assert running.house.told.notices == [("Teller", "2")]


def test_what_comes_outside_of_a_window_waits_for_it(start: Start) -> None:
    hour = time.localtime().tm_hour
    window = f"between {(hour + 2) % 24:02}:00 and {(hour + 3) % 24:02}:00"
    with start(teller("Teller", f'when file arrives in "~/In" {window}')) as running:
        running.house.file("In/a", b"1")
        agenda = running.service._turns.agenda
        running.until(lambda: agenda.count("Teller", why="window") == 1)
        due = agenda.next_due()
        assert due is not None
        assert 0 < due <= 3 * 3600
        assert running.house.told.notices == []


def test_a_start_too_many_is_left_out_where_a_rule_says_so(start: Start) -> None:
    with start(teller("Teller", 'when file arrives in "~/In" at most 2 at a time else skip')) as running:
        turns = running.service._turns
        held = threading.Event()
        turns.then(lambda: held.wait(WAIT))
        for number in range(5):
            running.house.file(f"In/{number}", b"x")
        running.until(lambda: any("left out" in sentence for sentence in running.said))
        running.rest()
        held.set()
        running.until(lambda: len(running.house.told.notices) == 2)
        running.rest()
        assert len(running.house.told.notices) == 2


def test_a_newer_start_takes_the_place_of_those_that_wait(start: Start) -> None:
    with start(teller("Teller", 'when file arrives in "~/In" at most 1 at a time else restart')) as running:
        held = threading.Event()
        running.service._turns.then(lambda: held.wait(WAIT))
        for number in range(3):
            running.house.file(f"In/{number}", b"x")
            running.rest()
        held.set()
        running.until(lambda: running.house.told.notices)
        running.rest()
        assert running.house.told.notices == [("Teller", "2")]


def test_a_paused_coworker_catches_up(start: Start) -> None:
    with start(mover("Mover", "In", "Out"), folders=("In", "Out")) as running:
        running.service.act("pause", ("Mover", ""))
        for name in ("a", "b"):
            running.house.file(f"In/{name}", b"x")
        running.until(lambda: running.service._turns.agenda.count("Mover") == 2)
        assert running.names("Out") == []
        running.service.act("resume", ("Mover",))
        running.until(lambda: running.names("Out") == ["a", "b"])


def test_next_runs_are_told_with_and_without_an_agent_at_work(tmp_path: Path, start: Start) -> None:
    with start(teller("Daily", "every day at 09:00", "x")) as running:
        [told] = running.service.agent.overview()
        assert "T09:00:00" in told["next"]
    with House(tmp_path).agent() as agent:
        [again] = agent.overview()
    assert again["next"] == told["next"]


def test_a_question_is_answered(start: Start) -> None:
    with start(teller("Asker", "when asked for month: date, n: number = 2", "{month:%Y-%m} {n}")) as running:
        agent = running.service.agent
        assert [one["name"] for one in agent.asks("Asker")] == ["month", "n"]
        with pytest.raises(NoCoworker, match="month"):
            list(agent.run("Asker"))
        [run] = [item["report"] for item in agent.run("Asker", answers={"month": "2026-03-01"}) if "report" in item]
        assert running.house.told.notices == [("Asker", "2026-03 2")]
        assert agent.replay(run["run"]) == []


def test_what_klapp_itself_could_not_carry_out_is_kept(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    with start(mover("Mover", "In", "Out"), folders=("In", "Out")) as running:

        def full(*_: object) -> Iterator[None]:
            raise OSError("the disk is full")

        monkeypatch.setattr(running.service.agent, "perform", full)
        running.house.file("In/a", b"x")
        running.until(lambda: any("the disk is full" in sentence for sentence in running.said))
        assert running.service._turns.agenda.count("Mover", why="retry") == 1
        assert running.names("In") == ["a"]
