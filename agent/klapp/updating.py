"""Whether there is a newer klapp: the part of the agent's facade behind ``klapp update``, the tray and the page.

It asks one place, and only when a person does, or once a week where a person has said so. What it believes is signed, not
older than what it knew, and not over; see ``klapp.updates``. It says what is new and what to do, and does none of it.
"""

from __future__ import annotations

import os
import secrets
import sys
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from importlib import metadata
from typing import Any

from klapp.audit.events import NetworkContact, RequestBegun, SettingChanged, UpdateChecked
from klapp.audit.log import Log
from klapp.network import Broker
from klapp.notices import Kind, Notice, opens
from klapp.notices.notice import message
from klapp.signednote import BadNote, Verifier
from klapp.updates import Release, Unreached, Untrusted, newer, place_of, publisher, read
from klapp.vault.shelf import Shelf

_SHELF, _KNOWN = "updates", "update known:"
EVERY = ("never", "week")
AGAIN = timedelta(days=7)
SOONER = timedelta(days=1)
"""After a check that reached nobody."""
SPREAD = 12 * 3600
"""Seconds within which each klapp has a moment of its own, so that not all of them ask at once."""
ENDINGS = {"win32": (".exe",), "darwin": (".pkg",)}
"""How the installers of a system end; elsewhere it is Debian's."""
NONE = "none"


class Updating:
    """Knows the place, the key, and what was said last. Takes and gives data that JSON can hold; raises ValueError with a
    sentence for a person."""

    METHODS = frozenset({"status", "check", "verify", "change", "skip"})

    def __init__(
        self,
        log: Log,
        shelf: Shelf,
        broker: Broker,
        tell: Callable[[Notice], None],
        clock: Callable[[], datetime],
        home: str,
        version: str = "",
    ) -> None:
        """``home`` is the person's home folder; ``version`` is this klapp's own where ""."""
        self._log = log
        self._shelf = shelf
        self._broker = broker
        self._tell = tell
        self._clock = clock
        self._home = home
        self.version = version or metadata.version("klapp")
        self._one = threading.Lock()

    # -- what is known ------------------------------------------------------------------------------------------------

    def status(self) -> dict[str, Any]:
        """{"version", "place", "key", "every", "checked" (ISO, or ""), "result", "found"}; ``found`` is as for ``found``."""
        kept = self._kept()
        told = {"version": self.version, "place": self._place(), "key": self._key_text(), "every": kept["every"]}
        return told | {"checked": kept["checked"], "result": kept["result"], "found": self.found()}

    def found(self) -> dict[str, Any] | None:
        """The newer klapp that is known of, or None: {"version", "security", "notes", "over", "skipped", "files"}.

        ``security`` tells that a hole is known in this one, ``over`` that what was signed holds no more, ``files`` are the
        installers for this system.
        """
        release = self._known()
        if release is None or not newer(release.version, self.version):
            return None
        return {
            "version": release.version,
            "security": newer(release.secure, self.version),
            "notes": release.notes,
            "over": self._is_over(release),
            "skipped": self._kept()["skipped"] == release.version,
            "files": [name for name in release.installers if name.endswith(ENDINGS.get(sys.platform, (".deb",)))],
        }

    def due(self) -> datetime | None:
        """When to ask next by itself; None for never."""
        kept = self._kept()
        if kept["every"] != "week" or not self._place() or not self._key_text():
            return None
        now = self._clock()
        last = datetime.fromisoformat(kept["checked"]) if kept["checked"] else datetime.min
        if not datetime.min < last <= now:  # never, or by a clock that was set back since
            return now
        return last + (SOONER if kept["result"] == "failed" else AGAIN) + timedelta(seconds=kept["spread"])

    # -- what is done -------------------------------------------------------------------------------------------------

    def check(self) -> dict[str, Any]:
        """Ask now: {"result", "sentence", "found"}, the result as ``UpdateChecked`` has it. The log tells of it."""
        place = self._place()
        if not place or not self._key_text():
            raise ValueError(
                "klapp does not know whom to ask. Name the place and the key: klapp update from, klapp update key"
            )
        with self._one:
            if "://" in place:
                self._log.record(RequestBegun("klapp", place, ""))
            result, sentence, newest = self._asked(place)
            with self._log.transaction():
                self._log.record(UpdateChecked(place, result, newest))
                self._keep(checked=self._clock().isoformat(timespec="seconds"), result=result)
        return {"result": result, "sentence": sentence, "found": self.found() if result == "newer" else None}

    def _asked(self, place: str) -> tuple[str, str, str]:
        """What came of asking: the result, a sentence, and the newest version, or ""."""
        try:
            note = read(place, self._broker, self._noted)
        except Unreached as error:
            return "failed", str(error), ""
        try:
            release = self._believed(note)
        except Untrusted as error:
            return "refused", f"What {place} says of the newest klapp is not to be trusted. {error}", ""
        self._shelf.put(self._known_key(), {"number": release.number, "text": release.text()})
        if not newer(release.version, self.version):
            return "current", f"klapp {self.version} is the newest.", release.version
        return "newer", _told(release, self.version), release.version

    def _believed(self, note: str) -> Release:
        """The statement of a note, where it is signed, not older than the last one, and not over. Raises Untrusted."""
        release, known = Release.of_note(note, self._key()), self._known()
        if known is not None and release.number < known.number:
            raise Untrusted(f"It is older than what was there before: of {release.released}, not of {known.released}.")
        if known is not None and release.number == known.number and release != known:
            raise Untrusted("It says another thing than before under the same number.")
        if self._is_over(release):
            raise Untrusted(
                f"It held until {release.expires}: the place stands still, or somebody keeps what is newer from you."
            )
        return release

    def verify(self, name: str, sha256: str) -> dict[str, Any]:
        """Whether a file of this name and SHA-256 (hexadecimal) is an installer that the publisher signed:
        {"fine", "sentence"}."""
        known = self._known()
        if known is None:
            raise ValueError("klapp knows of no release yet. Ask first: klapp update check")
        if self._is_over(known):
            raise ValueError(f"What klapp knows of releases held until {known.expires}. Ask anew: klapp update check")
        signed = next((one for one, sum in known.installers.items() if secrets.compare_digest(sum, sha256)), "")
        if not signed:
            return {
                "fine": False,
                "sentence": f"{name} is none of the files that {self._key().name} signed for klapp {known.version}. Do not install it.",
            }
        sentence = f"{name} is {signed} of klapp {known.version}, as {self._key().name} signed it."
        if newer(self.version, known.version):
            sentence += f" This klapp is newer: {self.version}."
        return {"fine": True, "sentence": sentence, "file": signed}

    def change(self, name: str, value: str) -> dict[str, Any]:
        """Set ``place``, ``key`` or ``every`` as a person typed it; "none" gives back the place or key that klapp came
        with. Gives the status."""
        before = self.status()
        chosen = self._chosen(name, value, can_ask=bool(before["place"] and before["key"]))
        with self._shelf.together():
            self._keep(**chosen)
            after = self.status()
            if after[name] != before[name]:
                self._log.record(SettingChanged("klapp", f"updates {name}", before[name] or NONE, after[name] or NONE))
        return after

    def _chosen(self, name: str, value: str, *, can_ask: bool) -> dict[str, Any]:
        """What is to be kept where a person typed this value of a setting."""
        match name:
            case "place":
                return {"place": "" if value == NONE else place_of(value, self._home)}
            case "key":
                try:
                    return {"key": "" if value == NONE else str(Verifier.of(value))}
                except BadNote as error:
                    raise ValueError(str(error)) from error
            case "every":
                if value not in EVERY:
                    raise ValueError(f"klapp asks by itself every {EVERY[1]}, or {EVERY[0]}.")
                if value == "week" and not can_ask:
                    raise ValueError("First name the place and the key: klapp update from, klapp update key")
                return {"every": value, "spread": secrets.randbelow(SPREAD)}
        raise ValueError(f"Updates have no setting {name!r}.")

    def skip(self, version: str) -> None:
        """Show no more that there is this version; the next one is shown again."""
        self._keep(skipped=version)

    def ask(self, asked: bool) -> None:
        """Check, and tell; where no person ``asked``, only what is new, and each version once."""
        try:
            notice = self._notice(self.check(), asked)
        except ValueError as error:
            notice = message("klapp", str(error)) if asked else None
        if notice is not None:
            self._tell(notice)

    def _notice(self, outcome: dict[str, Any], asked: bool) -> Notice | None:
        found = outcome["found"]
        if found is not None:
            if not asked and self._kept()["told"] == found["version"]:
                return None
            self._keep(told=found["version"])
            kind = Kind.UPDATE if found["security"] else Kind.MESSAGE
        elif outcome["result"] == "refused":
            kind = Kind.ANOMALY
        elif asked:
            kind = Kind.MESSAGE
        else:
            return None
        plain = "klapp was asked whether there is a newer one."
        private = outcome["sentence"] if found is None else ""
        return Notice(
            kind, "klapp", plain if private else outcome["sentence"], private, "update", (opens("Look", "/checkup"),)
        )

    # -- what is kept -------------------------------------------------------------------------------------------------

    def _kept(self) -> dict[str, Any]:
        first = {
            "place": "",
            "key": "",
            "every": "never",
            "checked": "",
            "result": "",
            "skipped": "",
            "told": "",
            "spread": 0,
        }
        return first | (self._shelf.get(_SHELF) or {})

    def _keep(self, **changed: Any) -> None:
        self._shelf.put(_SHELF, self._kept() | changed)

    def _place(self) -> str:
        return self._kept()["place"] or publisher.PLACE

    def _key_text(self) -> str:
        return self._kept()["key"] or publisher.KEY

    def _key(self) -> Verifier:
        return Verifier.of(self._key_text())

    def _known_key(self) -> str:
        """What one key has signed says nothing of what another has."""
        return _KNOWN + self._key_text()

    def _known(self) -> Release | None:
        kept = self._shelf.get(self._known_key())
        try:
            return Release.of_text(kept["text"]) if kept else None
        except Untrusted:  # kept by a klapp that wrote it in another form
            return None

    def _is_over(self, release: Release) -> bool:
        return self._clock().date().isoformat() > release.expires

    def _noted(self, host: str, result: str, received: int) -> None:
        self._log.record(NetworkContact("klapp", host, result, 0, received))


def _told(release: Release, version: str) -> str:
    hole = f", and closes a hole in {version}" if newer(release.secure, version) else f"; this is {version}"
    return f"klapp {release.version} is there{hole}."


def how_to(place: str, files: list[str]) -> list[str]:
    """What a person does to have the newer klapp, a sentence each."""
    if not files:
        return ["There is no installer of it for this system."]
    name = files[0]
    lies = "" if "://" in place else os.path.join(place if os.path.isdir(place) else os.path.dirname(place), name)
    path = lies if lies and os.path.isfile(lies) else name
    get = "" if path == lies else f"Get {name} from where you got klapp. "
    install = (
        f"sudo apt install {path if os.path.isabs(path) else f'./{path}'}" if name.endswith(".deb") else f"open {path}"
    )
    return [f"{get}Look whether it is what was signed: klapp update verify {path}", f"Then quit klapp, and: {install}"]
