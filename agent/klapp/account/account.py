"""The account itself: made, logged in to, changed, removed. Every one of these stands in the log."""

from __future__ import annotations

import copy
import platform
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from klapp.account import factors, moments, passkeys
from klapp.account.errors import AccountError, NeedsLogin
from klapp.account.lockout import FREE, Lockout
from klapp.account.moments import Clock
from klapp.account.policy import ALONE, Policy, normalised
from klapp.account.sessions import Sessions
from klapp.audit.events import Event, KeyUsed, LockedOut, LoggedIn, LoggedOut, SettingChanged, acting_now
from klapp.vault.header import from_text, to_text
from klapp.vault.shelf import Shelf
from klapp.vault.stretching import Cost

_NAME, _PENDING, _POLICY = "account", "account:pending", "account:policy"
REFUSED = "The password or the code is not right. Nothing was opened; try again."
"""One sentence for both, so that nobody learns which of them was right."""


class Account:
    """The account of one state folder; there may be none, and then everything is open to who runs klapp.

    ``record`` writes to the log, ``tell`` shows the person a notice. Methods raise AccountError with what is wrong.
    """

    def __init__(
        self,
        home: Path,
        shelf: Shelf,
        record: Callable[[Event], None],
        tell: Callable[[str], None] = lambda _: None,
        *,
        clock: Clock = moments.now,
        cost: Cost | None = None,
    ) -> None:
        self._home = home
        self._shelf = shelf
        self._record = record
        self._tell = tell
        self._cost = cost or Cost()
        self._lockout = Lockout(shelf, clock)
        self._sessions = Sessions(shelf, clock)
        self._challenges = passkeys.Challenges()

    # -- looking ------------------------------------------------------------------------------------------------------

    @property
    def exists(self) -> bool:
        """Whether there is one."""
        return self._shelf.get(_NAME) is not None

    def status(self, session: str = "", *, by_person: bool = True) -> dict[str, Any]:
        """What everybody at this machine may know."""
        kept = self._shelf.get(_NAME)
        if kept is None:
            return {"exists": False}
        return {
            "exists": True,
            "name": kept["name"],
            "second_factor": _has_second(kept),
            "totp": bool(kept["totp"]),
            "passkeys": [one["name"] for one in _passkeys(kept)],
            "recovery_codes": len(kept["codes"]),
            "open": self._sessions.use(session, self._policy(), by_person=by_person) is None,
            "sessions": self._sessions.all(),
            "failures": self._lockout.failures(),
            "wait": round(self._lockout.wait()),
        }

    def demand(self, session: str, *, fresh: bool = False, by_person: bool = True) -> None:
        """Go on only where there is no account, or this session holds; raises NeedsLogin otherwise. Something that is not
        asked ``by_person``, such as a page that keeps itself up to date, does not keep the session from ending."""
        if not self.exists:
            return
        why = self._sessions.use(session, self._policy(), fresh=fresh, by_person=by_person)
        if why is None:
            return
        if why in ("idle", "over"):
            self._end(why, session)
        raise NeedsLogin(
            "This is for who has logged in within the last five minutes. Do so with: klapp unlock"
            if why == "not fresh"
            else "This is locked by your account. Log in with: klapp unlock"
        )

    # -- making and removing ------------------------------------------------------------------------------------------

    def create(self, name: str, password: str) -> list[str]:
        """Make the account; gives its recovery codes, which are shown this once."""
        if self.exists:
            raise AccountError("There is an account already. See it with: klapp account status")
        if not name.strip() or len(name) > 100 or not name.isprintable():
            raise AccountError("The account needs a name of up to 100 letters.")
        judged = self._policy().judge(password, second_factor=False, about=self._about(name))
        codes = factors.recovery_codes()
        kept = {
            "name": name,
            "password": factors.password_kept(judged, self._cost),
            "alone": True,
            "totp": None,
            "codes": factors.codes_kept(codes),
        }
        self._change(kept, "it was made")
        return codes

    def remove(self, session: str) -> None:
        """Remove the account: everything is open again to who runs klapp."""
        self.demand(session, fresh=True)
        self.discard("it was removed")

    def discard(self, why: str) -> None:
        """Remove the account for who has opened the vault in a way that is better than any session."""
        with self._shelf.together():
            self._record(KeyUsed("the account", why))
            for name in (_NAME, _PENDING):
                self._shelf.delete(name)
            self._sessions.end()
            self._lockout.passed()

    # -- logging in and out -------------------------------------------------------------------------------------------

    def login(self, password: str, code: str = "", passkey: str = "", origin: str = "") -> str:
        """The token of a new session. ``code`` is of the app or a recovery code, where there is a second factor;
        ``passkey`` what a browser answers to ``passkey_options``, at a page of that ``origin``."""
        if not self.exists:
            raise AccountError("There is no account, so nothing is locked. Make one with: klapp account create")
        kept = self._account()
        before = copy.deepcopy(kept)
        left = factors.without(kept["codes"], code) if code else None
        self._lockout.enter(with_recovery_code=left is not None)
        step = factors.step_of(from_text(kept["totp"]["secret"]), code, kept["totp"]["used"]) if kept["totp"] else None
        right = factors.is_password(kept["password"], normalised(password))
        signed = (
            passkeys.authenticated(self._challenges, _passkeys(kept), passkey, origin)
            if passkey and _passkeys(kept)
            else None
        )
        second = not _has_second(kept) or step is not None or left is not None or signed is not None
        if not (right and second):
            self._failed()
        if left is not None:
            kept["codes"] = left
        if step is not None:
            kept["totp"]["used"] = step
        if signed is not None:
            kept["passkeys"] = signed
        kept["password"] = self._strengthened(kept["password"], normalised(password))
        how = (
            "password"
            if not _has_second(kept)
            else "password and passkey"
            if signed is not None
            else "password and code"
            if step is not None
            else "password and recovery code"
        )
        with self._shelf.together():
            if self._account() != before:  # another login has used the same code meanwhile, or the account is another
                raise AccountError(REFUSED)
            self._record(LoggedIn(kept["name"], how, "let in"))
            self._lockout.passed()
            self._shelf.put(_NAME, kept)
            token = self._sessions.begin(acting_now().origin)
        if left is not None:
            self._tell(
                f"A recovery code of your account was used. {len(left)} {'is' if len(left) == 1 else 'are'} left."
            )
        return token

    def _failed(self) -> None:
        self._record(LoggedIn(self._name(), "password", "refused"))
        failures, wait = self._lockout.failures(), self._lockout.wait()
        if failures > FREE:
            self._record(LockedOut(self._name(), f"in {wait:.0f} seconds", failures))
            self._tell(
                f"There were {failures} failed logins to your klapp account. If that was not you, look at who uses this machine."
            )
        raise AccountError(REFUSED)

    def _strengthened(self, kept: dict[str, Any], password: str) -> dict[str, Any]:
        cheaper = Cost(*kept["cost"]).is_less_than(self._cost)
        return factors.password_kept(password, self._cost) if cheaper else kept

    def logout(self, session: str) -> None:
        """End a session; one that is over is fine."""
        self._end("asked", session)

    def lock(self, why: str) -> int:
        """End all sessions, such as when the screen is locked; gives how many there were."""
        return self._end(why) if self.exists else 0

    def _end(self, why: str, session: str | None = None) -> int:
        """End a session, or all; gives how many there were."""
        with self._shelf.together():
            if ended := self._sessions.end(session):
                self._record(LoggedOut(self._name(), why))
        return ended

    # -- changing -----------------------------------------------------------------------------------------------------

    def change_password(self, session: str, password: str) -> None:
        """Another password; with the old one, every session ends."""
        self.demand(session, fresh=True)
        kept = self._account()
        judged = self._policy().judge(password, second_factor=_has_second(kept), about=self._about(kept["name"]))
        kept["password"] = factors.password_kept(judged, self._cost)
        kept["alone"] = len(judged) >= ALONE
        with self._shelf.together():
            self._change(kept, "its password was changed")
            self._sessions.end()

    def begin_totp(self, session: str) -> str:
        """The address for an app; the second factor holds when ``confirm_totp`` gets a code of it."""
        self.demand(session, fresh=True)
        secret = factors.fresh_secret()
        self._shelf.put(_PENDING, to_text(secret))
        return factors.address(secret, self._name())

    def confirm_totp(self, session: str, code: str) -> None:
        """Make the app that was begun with the second factor."""
        self.demand(session, fresh=True)
        pending = self._shelf.get(_PENDING)
        secret = from_text(pending) if pending else b""
        step = factors.step_of(secret, code, 0) if secret else None
        if step is None:
            raise AccountError("This is not the code that the app shows now. Nothing was changed; look at the clocks.")
        kept = self._account()
        kept["totp"] = {"secret": to_text(secret), "used": step}
        with self._shelf.together():
            self._change(kept, "codes of an app are its second factor from now on")
            self._shelf.delete(_PENDING)

    def remove_totp(self, session: str) -> None:
        """Do without the second factor; the password has to be long enough to stand alone."""
        self.demand(session, fresh=True)
        kept = self._account()
        if not kept["alone"] and not _passkeys(kept):
            raise AccountError(
                f"The password is too short to stand alone. Choose one of {ALONE} characters first: klapp account password"
            )
        kept["totp"] = None
        self._change(kept, "codes of an app are not its second factor any more")

    def passkey_options(self) -> str:
        """What a browser is asked for at a login, as JSON; good for one answer."""
        return passkeys.authentication(self._challenges, _passkeys(self._account()))

    def begin_passkey(self, session: str) -> str:
        """What a browser is asked for a new passkey, as JSON; it holds when ``confirm_passkey`` gets the answer."""
        self.demand(session, fresh=True)
        kept = self._account()
        if len(_passkeys(kept)) >= passkeys.MOST:
            raise AccountError(f"There are {passkeys.MOST} passkeys already. Remove one first.")
        return passkeys.registration(self._challenges, kept["name"], _passkeys(kept))

    def confirm_passkey(self, session: str, answer: str, origin: str, name: str) -> None:
        """Make the passkey that was begun with a second factor, under a name for the person."""
        self.demand(session, fresh=True)
        kept = self._account()
        made = passkeys.registered(self._challenges, answer, origin, name)
        kept["passkeys"] = [*_passkeys(kept), made]
        self._change(kept, "a passkey is its second factor from now on")

    def remove_passkey(self, session: str, index: int) -> None:
        """Do without one passkey, by its place among those of ``status``."""
        self.demand(session, fresh=True)
        kept = self._account()
        left = _passkeys(kept)
        if not 0 <= index < len(left):
            raise AccountError("There is no such passkey.")
        del left[index]
        if not left and not kept["totp"] and not kept["alone"]:
            raise AccountError(f"The password is too short to stand alone. Choose one of {ALONE} characters first.")
        kept["passkeys"] = left
        self._change(kept, "a passkey is not its second factor any more")

    def new_codes(self, session: str) -> list[str]:
        """New recovery codes; the old ones are good for nothing any more."""
        self.demand(session, fresh=True)
        kept, codes = self._account(), factors.recovery_codes()
        kept["codes"] = factors.codes_kept(codes)
        self._change(kept, "it has new recovery codes")
        return codes

    # -- small parts --------------------------------------------------------------------------------------------------

    def _change(self, kept: dict[str, Any], what: str) -> None:
        """Have the account be another, and the log say so: both or neither."""
        with self._shelf.together():
            self._record(KeyUsed("the account", what))
            self._shelf.put(_NAME, kept)

    def _account(self) -> dict[str, Any]:
        kept = self._shelf.get(_NAME)
        if kept is None:
            raise AccountError("There is no account. Make one with: klapp account create")
        return dict(kept)

    def _name(self) -> str:
        return str(self._account()["name"])

    def _policy(self) -> Policy:
        """What is asked now. The log is told when it is something else than it was: the file is anybody's to write."""
        policy = Policy.of(self._home)
        before = Policy.of_json(self._shelf.get(_POLICY))
        if policy != before:
            with self._shelf.together():
                self._record(SettingChanged("", "policy of the account", before.in_words(), policy.in_words()))
                self._shelf.put(_POLICY, policy.to_json())
        return policy

    @staticmethod
    def _about(name: str) -> Sequence[str]:
        return [name, *name.split(), platform.node()]


def _passkeys(kept: dict[str, Any]) -> list[dict[str, Any]]:
    """Those of an account; older ones say nothing of them."""
    return list(kept.get("passkeys", ()))


def _has_second(kept: dict[str, Any]) -> bool:
    return bool(kept["totp"] or kept.get("passkeys"))
