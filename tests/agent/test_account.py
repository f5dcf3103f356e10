"""The account: passwords by the rules, factors by their RFCs, waits that no kill and no clock shortens, locked doors."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klapp import gate
from klapp.account import factors
from klapp.account.account import REFUSED, Account
from klapp.account.errors import AccountError, NeedsLogin
from klapp.account.lockout import FREE, LONGEST, MOST
from klapp.account.moments import Moment
from klapp.account.policy import ALONE, FILE, Policy
from klapp.audit.events import Event, SettingChanged
from klapp.vault.database import connect
from klapp.vault.header import from_text
from klapp.vault.shelf import Shelf
from klapp.vault.stretching import Cost
from tests.agent.house import CHEAP, House

PASSWORD = "seven wet otters sing"
APP_SECRET = b"12345678901234567890"


@dataclass
class Bench:
    """An account on a real database, with a clock that a test sets."""

    home: Path
    moment: Moment = field(default_factory=lambda: Moment("boot 1", 1000.0))
    events: list[Event] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.home.mkdir(exist_ok=True)
        self.connection = connect(self.home / "klapp.db", b"k" * 32)
        self.shelf = Shelf(self.connection, RLock())
        self.account = Account(
            self.home, self.shelf, self.events.append, self.notices.append, clock=lambda: self.moment, cost=CHEAP
        )

    def later(self, seconds: float, boot: str | None = None) -> None:
        self.moment = Moment(boot or self.moment.boot, self.moment.seconds + seconds if boot is None else seconds)

    def with_app(self, session: str) -> Callable[[], str]:
        """Have an app as second factor; gives what shows the code of it."""
        self.account.begin_totp(session)
        secret = from_text(self.shelf.get("account:pending"))
        used = [0]

        def code() -> str:
            import time

            step = max(int(time.time() // factors.STEP) - 1, used[0] + 1)
            used[0] = step
            return factors.one_time_code(secret, step)

        self.account.confirm_totp(session, code())
        return code


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "state")


# -- passwords --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("short", "at least 15"),
        ("seven wet tree", "at least 15"),
        ("passwordpassword", "easily guessed"),
        ("password password", "easily guessed"),
        ("iloveyou-iloveyou", "easily guessed"),
        ("aaaaaaaaaaaaaaaaaaaa", "easily guessed"),
        ("qwertyuiopasdfghjkl", "easily guessed"),
        ("x" * 1001, "at most"),
        ("", "at least"),
    ],
)
def test_weak_passwords_are_refused_with_a_reason(password: str, why: str) -> None:
    with pytest.raises(AccountError, match=why):
        Policy().judge(password, second_factor=False)


def test_words_of_this_place_do_not_make_a_password() -> None:
    with pytest.raises(AccountError):
        Policy().judge("maria goldschmidt", second_factor=False, about=["Maria Goldschmidt"])


@pytest.mark.parametrize(
    "password", [PASSWORD, "søvn på fjellet 7 ganger", "紅葉の山を三度歩いた秋の午後でした", "🦦🦦🐟 otters eat fish"]
)
def test_long_passwords_of_any_letters_are_taken(password: str) -> None:
    assert Policy().judge(password, second_factor=False)


@settings(max_examples=15, deadline=None)
@given(st.text(min_size=64, max_size=120))
def test_what_is_judged_is_judged_the_same_however_it_is_composed(password: str) -> None:
    import unicodedata

    def judged(text: str) -> str:
        try:
            return Policy().judge(text, second_factor=True)
        except AccountError as error:
            return str(error)

    assert judged(unicodedata.normalize("NFD", password)) == judged(unicodedata.normalize("NFC", password))


def test_a_policy_can_ask_for_more_and_never_for_less(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(
        '[password]\nshortest = 20\nclasses = ["digit", "capital"]\n[session]\nidle_minutes = 5\n'
    )
    policy = Policy.of(tmp_path)
    assert policy.idle_minutes == 5
    for password, why in ((PASSWORD[:19], "at least 20"), (PASSWORD, "digit"), (PASSWORD + "7", "capital")):
        with pytest.raises(AccountError, match=why):
            policy.judge(password, second_factor=True)
    assert policy.judge(PASSWORD.title() + " 7", second_factor=True)
    for text in (
        "[",
        "[password]\nclasses = ['runes']",
        "[session]\nidle_minutes = 60",
        "[password]\nshortest = 'no'",
        "x = 1",
    ):
        (tmp_path / FILE).write_text(text)
        with pytest.raises(AccountError, match=FILE):
            Policy.of(tmp_path)


# -- factors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moment", "code"),
    [
        (59, "94287082"), (1111111109, "07081804"), (1111111111, "14050471"),
        (1234567890, "89005924"), (2000000000, "69279037"), (20000000000, "65353130"),
    ],
)  # fmt: skip
def test_one_time_codes_by_rfc_6238(moment: int, code: str) -> None:
    """Appendix B; a code of six digits is the end of that of eight."""
    assert factors.one_time_code(APP_SECRET, moment // factors.STEP) == code[-6:]


def test_a_code_holds_a_step_to_each_side_and_once() -> None:
    code = factors.one_time_code(APP_SECRET, 1000)
    for moment, step in ((999, 1000), (1000, 1000), (1001, 1000), (998, None), (1002, None)):
        assert factors.step_of(APP_SECRET, code, 0, moment * factors.STEP) == step
    assert factors.step_of(APP_SECRET, code, 1000, 1000 * factors.STEP) is None
    assert factors.step_of(APP_SECRET, f" {code[:3]} {code[3:]}", 0, 1000 * factors.STEP) == 1000
    assert factors.step_of(APP_SECRET, "\udcff", 0, 1000 * factors.STEP) is None


def test_recovery_codes_are_good_once_each() -> None:
    codes = factors.recovery_codes()
    kept = factors.codes_kept(codes)
    assert not set(codes) & set(kept)
    left = factors.without(kept, codes[3].lower().replace("-", " "))
    assert left is not None
    assert len(left) == len(codes) - 1
    assert factors.without(left, codes[3]) is None


# -- logging in -------------------------------------------------------------------------------------------------------


def test_what_is_locked_opens_with_the_password(bench: Bench) -> None:
    bench.account.demand("")  # without an account, nothing is locked
    bench.account.create("Maria", PASSWORD)
    with pytest.raises(NeedsLogin):
        bench.account.demand("")
    with pytest.raises(AccountError, match="not right"):
        bench.account.login(PASSWORD + "!")
    session = bench.account.login(PASSWORD)
    bench.account.demand(session, fresh=True)
    with pytest.raises(NeedsLogin):
        bench.account.demand(session + "x")
    bench.account.logout(session)
    with pytest.raises(NeedsLogin):
        bench.account.demand(session)
    assert [event.kind for event in bench.events] == ["key used", "login", "login", "logout"]


def test_a_second_factor_is_needed_once_it_is_there(bench: Bench) -> None:
    codes = bench.account.create("Maria", PASSWORD)
    code = bench.with_app(bench.account.login(PASSWORD))
    for wrong in ("", "000000", "not a code"):
        with pytest.raises(AccountError) as refused:
            bench.account.login(PASSWORD, wrong)
        assert str(refused.value) == REFUSED, "who guesses does not learn which factor was right"
        bench.later(LONGEST)
    good = code()
    assert bench.account.login(PASSWORD, good)
    with pytest.raises(AccountError):
        bench.account.login(PASSWORD, good)
    bench.later(LONGEST)
    assert bench.account.login(PASSWORD, codes[0])
    assert "9 are left" in bench.notices[-1]
    with pytest.raises(AccountError):
        bench.account.login(PASSWORD, codes[0])


def test_a_short_password_needs_its_second_factor(bench: Bench) -> None:
    bench.account.create("Maria", PASSWORD)
    session = bench.account.login(PASSWORD)
    with pytest.raises(AccountError, match=str(ALONE)):
        bench.account.change_password(session, "wet7otter!x")
    code = bench.with_app(session)
    bench.account.change_password(session, "wet7otter!x")
    with pytest.raises(NeedsLogin):
        bench.account.demand(session)
    session = bench.account.login("wet7otter!x", code())
    with pytest.raises(AccountError, match="too short to stand alone"):
        bench.account.remove_totp(session)


def test_sessions_end_by_themselves(bench: Bench) -> None:
    bench.account.create("Maria", PASSWORD)
    session = bench.account.login(PASSWORD)
    bench.later(6 * 60)
    bench.account.demand(session)
    with pytest.raises(NeedsLogin, match="five minutes"):
        bench.account.demand(session, fresh=True)
    bench.later(14 * 60)
    bench.account.demand(session)
    bench.later(16 * 60)
    with pytest.raises(NeedsLogin):
        bench.account.demand(session)
    session = bench.account.login(PASSWORD)
    for _ in range(12 * 6):
        bench.later(10 * 60)
        bench.account.demand(session)
    bench.later(10 * 60)
    with pytest.raises(NeedsLogin):
        bench.account.demand(session)


def test_a_restart_of_the_machine_and_a_locked_screen_end_sessions(bench: Bench) -> None:
    bench.account.create("Maria", PASSWORD)
    session = bench.account.login(PASSWORD)
    bench.later(1, "boot 2")
    with pytest.raises(NeedsLogin):
        bench.account.demand(session)
    session = bench.account.login(PASSWORD)
    assert bench.account.lock("the screen was locked") == 1
    with pytest.raises(NeedsLogin):
        bench.account.demand(session)


# -- failures ---------------------------------------------------------------------------------------------------------


def fail(bench: Bench) -> str:
    with pytest.raises(AccountError) as refused:
        bench.account.login("a wrong password, again")
    return str(refused.value)


def test_failures_make_the_next_try_wait_longer_and_longer(bench: Bench) -> None:
    bench.account.create("Maria", PASSWORD)
    for _ in range(FREE + 1):
        assert fail(bench) == REFUSED
    assert bench.notices
    waits = []
    for _ in range(10):
        assert "next try" in fail(bench)
        wait = bench.account.status()["wait"]
        waits.append(wait)
        bench.later(wait - 1)
        assert "next try" in fail(bench)
        bench.later(2)
        assert fail(bench) == REFUSED
    assert waits[:4] == [30, 60, 120, 240]
    assert max(waits) == LONGEST
    with pytest.raises(AccountError, match="next try"):
        bench.account.login(PASSWORD)
    bench.later(LONGEST)
    assert bench.account.login(PASSWORD)
    assert bench.account.status()["failures"] == 0


def test_neither_the_clock_nor_a_restart_shortens_a_wait(bench: Bench) -> None:
    bench.account.create("Maria", PASSWORD)
    for _ in range(FREE + 1):
        fail(bench)
    bench.later(0, "boot 2")
    assert "next try" in fail(bench)
    bench.later(29)
    assert "next try" in fail(bench)
    bench.later(2)
    assert bench.account.login(PASSWORD)


def test_a_cheap_hash_of_the_password_becomes_dearer_at_a_login_and_never_cheaper(bench: Bench) -> None:
    bench.account.create("Anna", PASSWORD)
    dearer = Cost(memory_kib=2 * CHEAP.memory_kib, passes=2, lanes=1)
    for now, kept in ((dearer, dearer), (CHEAP, dearer)):
        bench.account._cost = now
        with pytest.raises(AccountError):
            bench.account.login("seven dry otters sing")
        bench.account.login(PASSWORD)
        assert bench.shelf.get("account")["password"]["cost"] == list(kept.parts())


def test_of_two_logins_at_once_with_one_code_only_one_is_let_in(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    code = bench.account.create("Anna", PASSWORD)[0]
    session = bench.account.login(PASSWORD)
    bench.with_app(session)
    real, inside = factors.is_password, []

    def meanwhile(kept: dict[str, Any], password: str) -> bool:
        if not inside:
            inside.append(None)
            inside[0] = bench.account.login(PASSWORD, code)
        return real(kept, password)

    monkeypatch.setattr(factors, "is_password", meanwhile)
    with pytest.raises(AccountError, match="not right"):
        bench.account.login(PASSWORD, code)
    assert inside[0]
    assert bench.account.status()["recovery_codes"] == 9


def test_a_policy_that_was_changed_is_told_once(bench: Bench) -> None:
    bench.account.create("Anna", PASSWORD)
    (bench.home / "policy.toml").write_text('[session]\nidle_minutes = 5\n[password]\nclasses = ["digit"]\n')
    for _ in range(2):
        bench.account.status()
    (change,) = [event for event in bench.events if isinstance(event, SettingChanged)]
    assert "idle 15 minutes" in change.before
    assert "classes digit, idle 5 minutes" in change.after
    (bench.home / "policy.toml").unlink()
    bench.account.status()
    assert [event.after for event in bench.events if isinstance(event, SettingChanged)][1] == change.before


def test_after_a_hundred_failures_a_recovery_code_is_needed(bench: Bench) -> None:
    codes = bench.account.create("Maria", PASSWORD)
    for _ in range(MOST):
        bench.later(LONGEST + 1)
        assert fail(bench) == REFUSED
    bench.later(LONGEST + 1)
    with pytest.raises(AccountError, match="recovery code"):
        bench.account.login(PASSWORD)
    assert bench.account.login(PASSWORD, codes[0])


def test_a_kill_does_not_undo_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Bench(tmp_path / "state").account.create("Maria", PASSWORD)
    for _ in range(FREE + 1):
        child = os.fork()
        if child == 0:
            # Killed while the password is looked at, before anything can be said of it.
            monkeypatch.setattr(factors, "is_password", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
            try:
                Bench(tmp_path / "state").account.login("a wrong password, again")
            finally:
                os._exit(1)
        assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
    with pytest.raises(AccountError, match="next try"):
        Bench(tmp_path / "state").account.login(PASSWORD)


# -- the doors --------------------------------------------------------------------------------------------------------


def test_every_door_is_open_or_locked_and_no_other_is_there(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.coworker('coworker "One"\nmay notify\nwhen asked\n  notify "hello"\nend\n')
    with house.agent() as agent:
        agent.account._cost = CHEAP
        for name in gate.OPEN | gate.LOCKED:
            assert callable(getattr(agent, name))
        for name in ("close", "engine", "__init__", "account", "log_store", "_tell"):
            with pytest.raises(ValueError, match="does not know"):
                gate.answer(agent, name, {})
        gate.answer(agent, "account.create", {"name": "Maria", "password": PASSWORD})
        tries: dict[str, dict[str, Any]] = {
            "approve": {"name": "one"}, "revoke": {"name": "one"}, "log": {}, "explain": {"run": 1}, "undo": {},
            "replay": {"run": 1}, "history": {"path": "/x"}, "audit": {"what": "verify"},
        }  # fmt: skip
        for name in gate.LOCKED:
            with pytest.raises(NeedsLogin):
                gate.answer(agent, name, tries.get(name, {}))
        assert gate.answer(agent, "overview", {})
        session = gate.answer(agent, "account.login", {"password": PASSWORD})
        assert gate.answer(agent, "approve", {"name": "one", "session": session})["state"] == "ready"
        with pytest.raises(ValueError, match="a text"):
            gate.answer(agent, "log", {"session": 7})
        found = agent.log_store.connection.execute("SELECT count(*) FROM entries").fetchone()
        assert found[0] > 3
