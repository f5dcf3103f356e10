"""Notices without a screen: what is shown when, over a display that remembers; what is kept, and what each button does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klapp import telling
from klapp.account.screen import ScreenWatch
from klapp.cli.main import main
from klapp.gate import answer
from klapp.notices import Action, Kind, Notice, Notices, Settings, TerminalDisplay, opens
from klapp.notices.deck import MOST, WITHIN, Deck, Pile, Showing, alone
from klapp.notices.displays import Away, Heard, PlyerDisplay
from klapp.notices.notice import message
from klapp.service import Service
from klapp.vault.shelf import Shelf
from tests.agent.house import House, until

GROUPS = st.sampled_from("abcdefgh")
EVENTS = st.one_of(
    st.tuples(st.just("put"), GROUPS, st.sampled_from(Kind), st.integers(1, 5)),
    st.tuples(st.just("wait"), st.floats(0, 40)),
    st.tuples(st.just("gone")),
    st.tuples(st.just("close"), st.booleans()),
    st.tuples(st.just("show"), st.booleans()),
)


def notice(group: str = "a", kind: Kind = Kind.MESSAGE, count: int = 1, **more: Any) -> Notice:
    return Notice(kind, group, "plain", "private", group, count=count, **more)


@given(st.lists(EVENTS, max_size=80))
def test_nothing_is_lost_and_the_rate_is_kept(events: list[tuple[Any, ...]]) -> None:
    deck, now, number = Deck(), 0.0, 0
    times: list[float] = []
    told, shown, back = Counter[str](), Counter[str](), Counter[str]()

    def show(keeps: bool) -> None:
        nonlocal number
        showing = deck.next(now, visible=True)
        if showing is None:
            return
        assert deck.wait(now) == 0
        if keeps:
            number += 1
            deck.shown(showing, showing.replaces or number, now)
            times.append(now)
            shown.update(showing.fresh)

    for event in events:
        match event:
            case "put", group, kind, count:
                deck.put(Pile.of(notice(group, kind, count)))
                told[group] += count
            case "wait", seconds:
                now += seconds
            case ("gone",):
                for pile in deck.gone():
                    back[pile.last.group] += pile.count
            case "close", by_person if deck.open:
                deck.closed(next(iter(deck.open)), by_person=by_person)
            case "show", keeps:
                show(keeps)
    while (wait := deck.wait(now)) is not None:
        now += wait + 1e-6
        show(True)
    assert shown == told + back
    assert all(later - earlier >= WITHIN for earlier, later in zip(times, times[MOST:], strict=False))


def shown_by(deck: Deck, now: float, number: int = 1, **how: Any) -> Showing:
    showing = deck.next(now, **({"visible": True} | how))
    assert showing is not None
    deck.shown(showing, showing.replaces or number, now)
    return showing


def test_a_thousand_runs_are_few_notices_that_take_each_others_place() -> None:
    deck, now, showings = Deck(), 0.0, []
    for number in range(1000):
        deck.put(Pile.of(Notice(Kind.SUMMARY, "Tidy", "plain", f"moved {number}", "summary Tidy")))
        now += 0.05
        if deck.wait(now) == 0:
            showings.append(shown_by(deck, now))
    while (wait := deck.wait(now)) is not None:
        now += wait
        showings.append(shown_by(deck, now))
    assert len(showings) <= 12
    assert [one.replaces for one in showings] == [0] + [1] * (len(showings) - 1)
    assert showings[-1].text == "1,000 runs. The last: moved 999"


def test_many_groups_are_one_notice_and_the_weightiest_comes_first() -> None:
    deck = Deck()
    for kind in (Kind.SUMMARY, Kind.UPDATE, Kind.MESSAGE):
        deck.put(Pile.of(notice(str(kind), kind)))
    assert [shown_by(deck, 0, n).kind for n in (1, 2, 3)] == [Kind.UPDATE, Kind.MESSAGE, Kind.SUMMARY]
    for number in range(9):
        deck.put(Pile.of(notice(f"g{number}")))
    showing = shown_by(deck, 0, 9)
    assert showing.title == "klapp"
    assert showing.text.endswith("and 5 more.")
    assert deck.wait(0) is None


def test_buttons_of_a_heap_are_those_that_all_of_it_has() -> None:
    deck = Deck()
    pause = Action("Pause", "pause", ("Tidy", ""))
    for run in "12":
        deck.put(Pile.of(notice(kind=Kind.FAILURE, actions=(opens("Look", "/run", run=run), pause))))
    assert shown_by(deck, 0).actions == (opens("Look", "/notices"), pause)


def test_a_locked_screen_is_told_no_names() -> None:
    deck = Deck()
    deck.put(Pile.of(notice()))
    assert shown_by(deck, 0, visible=False).text == "plain"
    for number in range(5):
        deck.put(Pile.of(notice(f"g{number}")))
    assert "private" not in shown_by(deck, 10, visible=False).text


class Recording:
    """A display that remembers, and takes nothing while it is ``away``."""

    at_once = False

    def __init__(self) -> None:
        self.away = self.held = False
        self.showings: list[Showing] = []
        self.missing: list[str] = []
        self.heard: Heard | None = None

    def start(self, heard: Heard) -> None:
        self.heard = heard

    def reachable(self) -> bool:
        return not self.away

    def missed(self, showing: Showing) -> None:
        self.missing.append(showing.text)

    def present(self, showing: Showing) -> int:
        if self.away:
            raise Away("nobody is there")
        self.showings.append(showing)
        return len(self.showings)

    def disturbs(self) -> bool:
        return not self.held

    def stop(self) -> None:
        self.heard = None


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Any]:
    """Notices over one log, made anew as after a restart: ``make(display, now)``."""
    with House(tmp_path).agent() as agent:
        store = agent.log_store
        shelf = Shelf(store.connection, store.lock)

        def make(display: Any, now: datetime = datetime(2026, 11, 20, 12)) -> Notices:
            return Notices(display, store, shelf, clock=lambda: now)

        yield make


def test_what_was_not_shown_is_shown_after_a_restart_and_once(kept: Any) -> None:
    first = Recording()
    first.away = True
    notices = kept(first)
    for number in range(3):
        notices.show("Tidy", f"a{number}.pdf is tidy")
    notices.tell(notice("other", Kind.APPROVAL))
    assert first.missing[0] == "a0.pdf is tidy"
    second = Recording()
    kept(second).close()
    assert second.showings == []  # a command that tells nothing shows nothing
    notices = kept(second)
    notices.show("Tidy", "a3.pdf is tidy")
    notices.close()
    assert sum(sum(showing.fresh.values()) for showing in second.showings) == 5
    third = Recording()
    notices = kept(third)
    notices.show("Tidy", "b.pdf is tidy")
    assert [showing.text for showing in third.showings] == ["b.pdf is tidy"]


def test_what_vanished_unseen_waits_also_over_a_restart(kept: Any) -> None:
    display = Recording()
    notices = kept(display)
    notices.start()
    heard = display.heard
    assert heard is not None
    notices.tell(notice("a", Kind.FAILURE))
    until(lambda: display.showings)
    display.away = True
    heard.gone()
    notices.stop()
    again = Recording()
    notices = kept(again)
    notices.start()
    until(lambda: again.showings)
    notices.stop()
    assert again.showings[0].title == "a"


def test_what_nobody_saw_is_erased_with_the_rest(tmp_path: Path) -> None:
    with House(tmp_path).agent() as agent:
        agent.watch.log_is_wrong("plantedNAME is not as it was")
        for text in ("plantedNAME is tidy", "all else"):
            agent.notifier._outbox.unseen([Pile.of(Notice(Kind.MESSAGE, "Tidy", "", text, "tidy"))])
        list(agent.audit("erase", subject="plantedNAME", do=True))
        kept = agent.log_store.connection.execute("SELECT value FROM shelf").fetchall()
        assert not any("plantedNAME" in value for (value,) in kept)
        assert any("all else" in value for (value,) in kept)
        assert agent.watch.open() == []


def test_quiet_hours_and_do_not_disturb_hold_back(kept: Any) -> None:
    display = Recording()
    notices = kept(display, datetime(2026, 11, 20, 23))
    notices.change(Settings().changed("quiet", "22:00-7:00"))
    notices.show("Tidy", "x")
    assert display.showings == []
    assert "quiet hours" in notices.held()
    notices.change(Settings())
    display.held = True
    notices.show("Tidy", "y")
    assert display.showings == []
    assert "not to be disturbed" in notices.held()
    display.held = False
    notices.show("Tidy", "z")
    assert [showing.text for showing in display.showings] == ["3 notices. The last: z"]
    assert notices.held() == ""


def test_names_stand_on_a_locked_screen_only_where_that_is_allowed(kept: Any) -> None:
    display = Recording()
    notices = kept(display)
    notices.locked = lambda: True
    notices.show("A", "secret.pdf")
    notices.change(Settings(names=True))
    notices.show("B", "other.pdf")
    assert [showing.text for showing in display.showings] == ["It has something to tell you.", "other.pdf"]


def test_summaries_can_be_off(kept: Any) -> None:
    display = Recording()
    notices = kept(display)
    notices.change(Settings(summaries=False))
    notices.tell(notice(kind=Kind.SUMMARY))
    assert display.showings == []
    assert notices.held() == ""


def test_settings_say_what_is_wrong_with_them() -> None:
    for name, value in (
        ("quiet", "22"),
        ("quiet", "25:00-7:00"),
        ("quiet", "7:00-7:00"),
        ("names", "maybe"),
        ("x", "on"),
    ):
        with pytest.raises(ValueError, match=r"[.]$"):
            Settings().changed(name, value)
    night = Settings().changed("quiet", "22:00 to 7:30")
    assert night.quiet == "22:00-07:30"
    day = Settings().changed("quiet", "9:00-17:00")
    hours = {hour: datetime(2026, 1, 1, hour) for hour in range(24)}
    assert [hour for hour, at in hours.items() if night.is_quiet(at)] == [*range(8), 22, 23]
    assert [hour for hour, at in hours.items() if day.is_quiet(at)] == list(range(9, 17))
    assert Settings.of_json(night.to_json() | {"unknown": 1}) == night


@given(st.builds(Notice, st.sampled_from(Kind), st.text(), st.text(min_size=1), st.text(), st.text(),
                 st.lists(st.builds(Action, st.text(), st.text(), st.tuples(st.text(), st.integers()))).map(tuple),
                 st.integers(1)))  # fmt: skip
def test_a_notice_comes_back_as_it_was(one: Notice) -> None:
    assert Notice.of_json(one.to_json()) == one


def test_plyer_is_given_what_it_can_take_and_its_troubles_are_no_ones() -> None:
    calls: list[dict[str, str]] = []
    display = PlyerDisplay(lambda **given: calls.append(given))
    showing = alone(Notice(Kind.MESSAGE, "T" * 100, "x\n\x1b" + "y" * 1000), visible=True)
    assert display.present(showing) == 1
    assert len(calls[0]["title"]) <= 63
    assert len(calls[0]["message"]) <= 255
    assert "\x1b" not in calls[0]["message"]

    def broken(**given: str) -> None:
        raise RuntimeError("no")

    with pytest.raises(Away):
        PlyerDisplay(broken).present(showing)


def test_lines_are_said_at_once_and_not_twice(kept: Any) -> None:
    said: list[str] = []
    notices = kept(TerminalDisplay(said.append))
    for number in range(20):
        notices.show("Tidy", f"{number}\x1b")
    notices.tell(notice(kind=Kind.FAILURE))  # the agent says so itself
    assert said == [f"Tidy: {number}\N{REPLACEMENT CHARACTER}" for number in range(20)]
    display = Recording()
    kept(display).show("Tidy", "later")
    assert [showing.text for showing in display.showings] == ["later"]


def test_the_screen_is_known_to_be_locked_and_open_again() -> None:
    told: list[str] = []
    watch = ScreenWatch(told.append)

    def heard(member: str, *body: Any) -> bool:
        watch._heard(SimpleNamespace(header=SimpleNamespace(fields={3: member}), body=body))
        return watch.is_locked

    assert heard("ActiveChanged", True)
    assert not heard("ActiveChanged", False)
    assert heard("Lock")
    assert not heard("Unlock")
    assert heard("PropertiesChanged", "org.freedesktop.login1.Session", {"LockedHint": ("b", True)}, [])
    assert not heard("PropertiesChanged", "org.freedesktop.login1.Session", {"LockedHint": ("b", False)}, [])
    assert not heard("PrepareForSleep", False)
    assert told == ["the screen was locked"] * 3


MOVER = 'coworker "Mover"\nmay read "~/In/*"\nmay remove "~/In/*"\nmay write "~/Out/*"\nwhen file arrives in "~/In"\n  move file to "~/Out/"\nend\n'


def test_work_is_summed_up_and_its_button_takes_it_back(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.coworker(MOVER, "mover")
    (house.person / "In").mkdir()
    display = Recording()
    house.told = display  # type: ignore[assignment]
    with house.agent() as agent, Service(agent, lambda _: None) as service:
        until(lambda: display.showings)
        assert display.showings[0].kind is Kind.APPROVAL
        assert "~/In/*" in display.showings[0].text
        assert display.showings[0].actions[0].arguments == ("/approve?name=Mover",)
        service.answer("approve", {"name": "Mover"})
        house.file("In/a.pdf", b"1")
        until(lambda: len(display.showings) > 1)
        done = display.showings[1]
        assert "a.pdf" in done.text
        number = 2
        heard = display.heard
        assert heard is not None
        heard.pressed(number, [action.label for action in done.actions].index("Undo"))
        until(lambda: (house.person / "In/a.pdf").exists())
        until(lambda: any("as it was before" in one.text for one in display.showings))
        heard.pressed(99, 0)  # of somebody else
        heard.pressed(number, 99)


def test_a_locked_account_is_asked_for_on_the_page(tmp_path: Path) -> None:
    house = House(tmp_path)
    opened: list[str] = []
    with house.agent() as agent:
        service = Service(agent, lambda _: None)
        service.open_page = lambda path="/": (opened.append(path), {"file": "", "address": ""})[1]
        agent.account.create("Ada", "seven blue herons by the lake")
        service.act("undo", (3,), origin="notice")
        assert opened == ["/run?run=3"]


def test_what_undo_says() -> None:
    done = {"coworker": "Tidy", "outcome": "done", "undoes": 3, "reason": ""}
    refused = done | {"outcome": "failed", "reason": "a.pdf has changed"}
    assert telling.undone([]) is None
    whole, part = telling.undone([done]), telling.undone([done, refused])
    assert whole is not None
    assert part is not None
    assert "as it was before" in whole.text
    assert "a.pdf" not in part.text
    assert "a.pdf" in part.full
    assert message("klapp", "x").text == "klapp has something to tell you."


def test_the_command_shows_and_sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    house = House(tmp_path)
    with house.agent() as agent:
        agent.notifier.show("Tidy", "a\x1b.pdf is tidy")
        monkeypatch.setattr("klapp.cli.notices.connected", lambda options: nullcontext(SimpleNamespace(call=call)))

        def call(method: str, **given: Any) -> Any:
            return answer(agent, method, given)

        assert main(["notices"]) == 0
        said = capsys.readouterr().out
        assert "told  Tidy: a" in said
        assert "\x1b" not in said
        assert main(["notices", "set", "quiet", "22:00-7:00"]) == 0
        assert "quiet = 22:00-07:00" in capsys.readouterr().out
        assert main(["notices", "set", "names", "perhaps"]) != 0
        assert "on or off" in capsys.readouterr().err
        assert main(["notices", "set", "names"]) == 2
        assert [entry.body["after"] for entry in agent.log_store.select("e.kind = 'setting changed'")] == [
            "22:00-07:00"
        ]
        agent.account.create("Ada", "seven blue herons by the lake")
        assert main(["notices"]) == 1
