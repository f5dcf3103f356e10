"""The folders of a mail account on its server: a mail in them is found, marked and moved (RFC 3501, 6851, 4315).

A move is one command where the server has it. Elsewhere the mail is copied, and only then removed, by its own number:
a server that can remove nothing but all that is marked as deleted is left alone, since others may have marked mails there.
"""

from __future__ import annotations

import base64
import hashlib
import imaplib
import re
import time
from collections.abc import Sequence
from typing import NamedTuple

from klapp.mail.imap import Connection, MailError

SEEN, FLAGGED = r"\Seen", r"\Flagged"
_STATUS = re.compile(rb"\b(UIDVALIDITY|UIDNEXT) ([0-9]{1,10})\b")
_PERSONAL = re.compile(rb'\(\("((?:[^"\\]|\\.)*)" (?:"(\\?.)"|NIL)')
_NAMED = re.compile(rb'\(([^)]*)\) (?:"\\?."|NIL) (?:"((?:[^"\\]|\\.)*)"|([^ "]+))')
_LISTED = re.compile(rb'\([^)]*\) (?:"(\\?.)"|NIL) ')


class Spot(NamedTuple):
    """Where a mail is: its ``folder`` from the top of the account, the folder's ``validity`` and its number (0: not known)."""

    folder: str
    validity: int
    uid: int


class Folders(Connection):
    """The folders of an account, to be changed. One is open at a time; numbers are of the one that is open."""

    _refusal = "does not do that with this folder or mail"
    _prefix = ""
    _sign = "/"

    def _begin(self) -> None:
        """Learn how the server names folders: what stands before them, and what divides them (RFC 2342)."""
        if "NAMESPACE" in self._wire.capabilities:
            found = _PERSONAL.search(_first(self._told(self._wire.namespace)))
            if found is not None:
                self._prefix = found[1].decode("ascii", "replace")
                self._sign = (found[2] or b"").decode("ascii", "replace")[-1:]
                return
        found = _LISTED.match(_first(self._told(self._wire.list, '""', '""')))
        self._sign = (found[1] or b"").decode("ascii", "replace")[-1:] if found else "/"

    @property
    def moves(self) -> bool:
        """Whether a mail can be moved here without touching any other."""
        return bool({"MOVE", "UIDPLUS"}.intersection(self._wire.capabilities))

    def _named(self, folder: str) -> str:
        """A folder as the server names it, quoted."""
        parts = folder.split("/")
        if len(parts) > 1 and not self._sign:
            raise MailError(f"{self.account.server} has no folders within folders. Nothing was changed.")
        if self._sign != "/" and any(self._sign and self._sign in part for part in parts):
            raise MailError(
                f"{self.account.server} divides folders by `{self._sign}`, so none can be called “{folder}”. Nothing was changed."
            )
        name = folder if folder.upper() == "INBOX" else self._prefix + self._sign.join(parts)
        return '"' + in_utf7(name).replace("\\", "\\\\").replace('"', '\\"') + '"'

    @property
    def keeps_what_is_sent(self) -> bool:
        """Whether the server is known to keep a copy of each mail that is sent by it: Gmail does."""
        return "X-GM-EXT-1" in self._wire.capabilities

    def for_sent(self, usual: Sequence[str]) -> str:
        """The folder for what was sent: the one that the server tells (RFC 6154), or one of the usual names; the first of
        these is made where there is none."""
        names = []
        for line in self._told(self._wire.list, '""', '"*"'):
            found = _NAMED.fullmatch(line.strip()) if isinstance(line, bytes) else None
            if found is None:
                continue
            name = self._told_name(found[2] if found[2] is not None else found[3])
            if rb"\sent" in found[1].lower().split():
                return name
            names.append(name)
        chosen = next((name for name in usual if name in names), "")
        return chosen or self.next_in(usual[0], make=True).folder

    def _told_name(self, name: bytes) -> str:
        """A folder as the server tells it, with `/` between its parts."""
        plain = from_utf7(name.replace(b'\\"', b'"').replace(b"\\\\", b"\\").decode("ascii", "replace"))
        plain = plain.removeprefix(self._prefix)
        return plain.replace(self._sign, "/") if self._sign else plain

    def append(self, folder: str, mail: bytes) -> None:
        """Put a mail into a folder, as read."""
        when = imaplib.Time2Internaldate(time.time())
        self._told(self._wire.append, self._named(folder), rf"({SEEN})", when, mail)

    def open(self, folder: str) -> int:
        """Open a folder; gives the validity of its numbers."""
        self._told(self._wire.select, self._named(folder))
        return self._number("UIDVALIDITY")

    def next_in(self, folder: str, *, make: bool = False) -> Spot:
        """The folder with the number that the next mail in it will have, at least. A missing one is made."""
        name = self._named(folder)
        try:
            answer = _first(self._told(self._wire.status, name, "(UIDVALIDITY UIDNEXT)"))
        except MailError as error:
            if not make or not error.refused:
                raise
            self._make(folder, name)
            return self.next_in(folder)
        told = {key: int(number) for key, number in _STATUS.findall(answer)}
        if len(told) != 2:
            raise MailError(f"{self.account.server} does not number its mails, so none could be told from another.")
        return Spot(folder, told[b"UIDVALIDITY"], told[b"UIDNEXT"])

    def _make(self, folder: str, name: str) -> None:
        self._told(self._wire.create, name)
        try:
            self._told(self._wire.subscribe, name)
        except MailError as error:
            if not error.refused:
                raise

    def flags(self, uid: int) -> frozenset[str] | None:
        """The flags of a mail; None where there is none of that number."""
        for one in self._told(self._wire.uid, "FETCH", str(uid), "(UID FLAGS)"):
            if isinstance(one, bytes) and re.search(rb"\bUID %d\b" % uid, one):
                found = re.search(rb"\bFLAGS \(([^)]*)\)", one)
                if found is not None:
                    return frozenset(found[1].decode("ascii", "replace").split())
        return None

    def same(self, uids: list[int], digest: bytes) -> int:
        """The number of the mail among these that is, byte for byte, the one of a SHA-256; 0 for none."""
        for uid, raw in self.mails(uids):
            if hashlib.sha256(raw).digest() == digest:
                return uid
        return 0

    def of_message(self, message_id: str) -> list[int]:
        """The numbers of the mails with a Message-ID."""
        safe = re.fullmatch(r"[!#-\[\]-~]{1,900}", message_id)
        return self._search(1, "HEADER", "Message-ID", f'"{message_id}"') if safe else []

    def set_flag(self, uid: int, flag: str, on: bool) -> None:
        """Set a flag of a mail, or take it away."""
        self._told(self._wire.uid, "STORE", str(uid), f"{'+' if on else '-'}FLAGS.SILENT", f"({flag})")

    def move(self, uid: int, folder: str) -> Spot:
        """Move a mail to another folder; gives where it is now, its number if the server tells it."""
        name = self._named(folder)
        if "MOVE" in self._wire.capabilities:
            self._told(self._wire.uid, "MOVE", str(uid), name)
        else:
            self._told(self._wire.uid, "COPY", str(uid), name)
        told = (self._wire.response("COPYUID")[1][-1] or b"").split()
        known = len(told) == 3 and told[0].isdigit() and told[2].isdigit()
        if "MOVE" not in self._wire.capabilities:
            self.remove(uid)
        return Spot(folder, int(told[0]), int(told[2])) if known else Spot(folder, 0, 0)

    def remove(self, uid: int) -> None:
        """Remove a mail, of which there is a copy in another folder by now; no other mail with it (RFC 4315)."""
        if "UIDPLUS" not in self._wire.capabilities:
            raise MailError(f"{self.account.server} can not remove a single mail. It lies in both folders now.")
        self.set_flag(uid, r"\Deleted", on=True)
        self._told(self._wire.uid, "EXPUNGE", str(uid))


def _first(answer: list[object]) -> bytes:
    return next((one for one in answer if isinstance(one, bytes)), b"")


def in_utf7(name: str) -> str:
    """The name of a folder in the encoding of RFC 3501, section 5.1.3: UTF-7 with `&` and `,`."""

    def encoded(match: re.Match[str]) -> str:
        packed = base64.b64encode(match[0].encode("utf-16-be", "surrogatepass")).decode("ascii")
        return f"&{packed.rstrip('=').replace('/', ',')}-"

    return re.sub(r"[^ -~]+", encoded, name.replace("&", "&-"))


def from_utf7(name: str) -> str:
    """The opposite of ``in_utf7``; what is no such encoding is left as it is."""

    def decoded(match: re.Match[str]) -> str:
        if not match[1]:
            return "&"
        packed = match[1].replace(",", "/")
        try:
            return base64.b64decode(packed + "=" * (-len(packed) % 4)).decode("utf-16-be")
        except ValueError:
            return match[0]

    return re.sub(r"&([A-Za-z0-9+,]*)-", decoded, name)
