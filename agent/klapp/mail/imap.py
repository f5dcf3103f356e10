"""Talks to an IMAP server (RFC 3501, IDLE of RFC 2177): verified TLS, a limit of bytes and time for every answer.

``imaplib`` knows the protocol's words, and is given a socket of ours: what it reads itself has no limit of time, and none
that a lying server would have to keep.
"""

from __future__ import annotations

import imaplib
import re
import select
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from klapp.mail.accounts import Account

SECONDS = 60.0
"""One command may take so long, with all of its answer."""
IDLE_SECONDS = 25 * 60.0
"""IDLE is begun anew after so long; servers may end it after half an hour (RFC 2177)."""
LARGEST_MAIL = 50_000_000
"""Bytes. Of a larger mail only the head is received."""
LARGEST_ANSWER = 8_000_000
"""Bytes of all that a server says to one command, beside the mail that was asked for."""
LONGEST_LINE = 1_000_000
MOST_AT_ONCE = 10_000
_CHUNK = 65_536
_NUMBER = re.compile(rb"[0-9]{1,10}")


class MailError(Exception):
    """A mailbox could not be read; the message is a sentence for a person, and repeats nothing that a server said.

    ``refused`` tells that the server answered, and did not do it; else nobody knows what it did.
    """

    def __init__(self, message: str, *, refused: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.refused = refused


@dataclass(frozen=True, slots=True)
class Place:
    """How far a mailbox was read: ``validity`` of its numbers, and the number that the ``next`` mail will have."""

    validity: int
    next: int


class _Wire(imaplib.IMAP4):
    """A connection with a limit. Every command begins with ``allow``."""

    def __init__(self, account: Account, context: ssl.SSLContext, seconds: float) -> None:
        self._account = account
        self._context = context
        self._seconds = seconds
        self._data = bytearray()
        self.allow()
        super().__init__(account.server, account.port, seconds)

    def open(self, host: str = "", port: int = 0, timeout: float | None = None) -> None:
        """Connect; called by ``imaplib``."""
        self.host, self.port = host, port
        plain = socket.create_connection((host, port), timeout)
        try:
            self.sock = self._secured(plain) if self._account.encryption == "tls" else plain
        except BaseException:
            plain.close()
            raise

    def _secured(self, plain: socket.socket) -> ssl.SSLSocket:
        plain.settimeout(self._left())
        return self._context.wrap_socket(plain, server_hostname=self._account.server)

    def secure(self) -> None:
        """STARTTLS. What a server, or somebody between, said too early would count as said under encryption."""
        self.allow()
        answer, _ = self._simple_command("STARTTLS")
        if answer != "OK" or self._data:
            raise MailError(f"{self._account.server} does not encrypt, so nothing was said to it.")
        self.sock = self._secured(self.sock)
        self._get_capabilities()

    def allow(self, more: int = 0) -> None:
        """Begin to count anew: the usual amount of bytes, and some ``more``."""
        self._until = time.monotonic() + self._seconds
        self._most = LARGEST_ANSWER + more

    def _left(self) -> float:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def fill(self) -> None:
        """Read what comes next."""
        self.sock.settimeout(self._left())
        data = self.sock.recv(_CHUNK)
        self._most -= len(data)
        if not data:
            raise self.abort("the connection ended")
        if self._most < 0:
            raise self.abort("the answer is too long")
        self._data += data

    def read(self, size: int) -> bytes:
        """Exactly ``size`` bytes; called by ``imaplib``."""
        if size > self._most + len(self._data):
            raise self.abort("the answer is too long")
        while len(self._data) < size:
            self.fill()
        return self._taken(size)

    def readline(self) -> bytes:
        """A line; called by ``imaplib``."""
        looked = 0
        while (end := self._data.find(b"\n", looked)) < 0:
            looked = len(self._data)
            if looked > LONGEST_LINE:
                raise self.abort("a line is too long")
            self.fill()
        return self._taken(end + 1)

    def _taken(self, size: int) -> bytes:
        data = bytes(self._data[:size])
        del self._data[:size]
        return data

    def ready(self, seconds: float) -> bool:
        """Whether there is something to read, now or within some time."""
        if self._data or (isinstance(self.sock, ssl.SSLSocket) and self.sock.pending()):
            return True
        return bool(select.select([self.sock], [], [], seconds)[0])

    def shutdown(self) -> None:
        """Close the connection; called by ``imaplib``."""
        self.sock.close()


class Connection:
    """A connection on which an account is logged in. Use it as a context manager; every method raises MailError.
    ``interrupt`` may be called by another thread."""

    _refusal = "does not let the inbox be read"

    def __init__(self, account: Account, context: ssl.SSLContext, seconds: float = SECONDS) -> None:
        self.account = account
        try:
            self._wire = _Wire(account, context, seconds)
        except (OSError, imaplib.IMAP4.error, ValueError) as error:
            raise self._failed(error) from None
        try:
            self._log_in()
            self._begin()
        except BaseException:
            self._wire.shutdown()
            raise

    def _begin(self) -> None:
        """Whatever is to be done first."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.interrupt()
        self._wire.shutdown()

    def interrupt(self) -> None:
        """End whatever goes on."""
        try:
            self._wire.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            return

    def _log_in(self) -> None:
        account, wire = self.account, self._wire
        try:
            if account.encryption == "starttls":
                wire.secure()
            wire.allow()
            if "AUTH=PLAIN" in wire.capabilities:
                wire.authenticate("PLAIN", lambda _: f"\0{account.user}\0{account.password}".encode())
            else:
                wire.login(account.user, account.password)
            wire._get_capabilities()  # they may be others now (RFC 3501, 6.2.3)
        except imaplib.IMAP4.abort as error:
            raise self._failed(error) from None
        except imaplib.IMAP4.error:
            raise MailError(
                f"{account.server} does not let {account.user} in: look at the user and password."
            ) from None
        except (OSError, ValueError) as error:
            raise self._failed(error) from None

    def _number(self, name: str) -> int:
        data = self._wire.response(name)[1][-1] or b""
        if not _NUMBER.fullmatch(data):
            raise MailError(f"{self.account.server} does not number its mails, so none could be told from another.")
        return int(data)

    def uids(self, first: int) -> list[int]:
        """The numbers of the mails from ``first`` on, in order: no more than ``MOST_AT_ONCE``."""
        return self._search(first, "UID", f"{first}:*")

    def _search(self, first: int, *criteria: str) -> list[int]:
        answer = self._told(self._wire.uid, "SEARCH", *criteria)
        words = b" ".join(part for part in answer if isinstance(part, bytes)).split()
        # `5:*` holds the last mail even where that is number 4.
        found = {int(word) for word in words if _NUMBER.fullmatch(word)}
        return sorted(uid for uid in found if uid >= first)[:MOST_AT_ONCE]

    def mails(self, uids: list[int]) -> Iterator[tuple[int, bytes]]:
        """(number, mail) of each that is still there; of one that is too large, its head alone."""
        for uid in uids:
            size = self._size(uid)
            if size is None:
                continue
            part = "BODY.PEEK[]" if size <= LARGEST_MAIL else "BODY.PEEK[HEADER]"
            answer = self._told(self._wire.uid, "FETCH", str(uid), f"(UID {part})", more=LARGEST_MAIL)
            mine = [
                one[1]
                for one in answer
                if isinstance(one, tuple) and len(one) == 2 and re.search(rb"\bUID %d\b" % uid, one[0])
            ]
            loose = [one[1] for one in answer if isinstance(one, tuple) and len(one) == 2]
            if mine or len(loose) == 1:
                yield uid, (mine or loose)[0]

    def _size(self, uid: int) -> int | None:
        for one in self._told(self._wire.uid, "FETCH", str(uid), "(UID RFC822.SIZE)"):
            if isinstance(one, bytes) and (match := re.search(rb"RFC822\.SIZE ([0-9]{1,12})\b", one)):
                return int(match[1])
        return None

    def _told(self, command: Callable[..., tuple[str, list[Any]]], *arguments: object, more: int = 0) -> list[Any]:
        """The data of a command's answer."""
        try:
            self._wire.allow(more)
            answer, data = command(*arguments)
        except (OSError, imaplib.IMAP4.error, ValueError, AttributeError, IndexError, TypeError) as error:
            raise self._failed(error) from None
        if answer != "OK":
            raise MailError(f"{self.account.server} {self._refusal}.", refused=True)
        return list(data)

    def _failed(self, error: Exception) -> MailError:
        server = self.account.server
        if isinstance(error, MailError):
            return error
        if isinstance(error, ssl.SSLCertVerificationError):
            reason = error.verify_message or "it can not be verified"
            return MailError(f"{server} can not prove that it is that server: {reason}. No password was sent.")
        if isinstance(error, TimeoutError):
            return MailError(f"{server} took too long.")
        if isinstance(error, socket.gaierror):
            return MailError(f"There is no server {server}, or no network.")
        if isinstance(error, OSError) and error.strerror and not isinstance(error, ssl.SSLError):
            return MailError(f"{server} could not be reached: {error.strerror}.")
        return MailError(f"The connection to {server} failed, or it is no IMAP server.")


class Session(Connection):
    """The inbox of an account, open to be read and not to be changed."""

    place: Place

    def _begin(self) -> None:
        self.place = self._examine()

    @property
    def idles(self) -> bool:
        """Whether the server tells of new mail by itself."""
        return "IDLE" in self._wire.capabilities

    def _examine(self) -> Place:
        self._told(self._wire.select, "INBOX", True)
        first = self._number("UIDVALIDITY")
        following = self._wire.response("UIDNEXT")[1][-1] or b""
        if _NUMBER.fullmatch(following):
            return Place(first, int(following))
        return Place(first, max(self.uids(1), default=0) + 1)

    def since(self, day: datetime) -> list[int]:
        """The numbers of the mails that were received on a day or later."""
        return self._search(1, "SINCE", f"{day.day}-{_MONTHS[day.month - 1]}-{day.year}")

    def wait(self, seconds: float = IDLE_SECONDS) -> None:
        """Until the server tells that something is new, or for some time."""
        try:
            wire = self._wire
            wire.allow()
            tag = wire._new_tag()  # Python has no IDLE before 3.14
            wire.send(tag + b" IDLE\r\n")
            while not (line := wire.readline()).startswith(b"+"):
                if line.startswith(tag):
                    raise wire.abort("IDLE is refused")
            until, news = time.monotonic() + seconds, False
            while not news and (left := until - time.monotonic()) > 0 and wire.ready(left):
                wire.allow()
                line = wire.readline()
                if line.startswith(b"* BYE"):
                    raise wire.abort("the server ends the connection")
                news = line.rstrip().endswith(b"EXISTS")
            wire.allow()
            wire.send(b"DONE\r\n")
            while not wire.readline().startswith(tag):
                pass
        except (OSError, imaplib.IMAP4.error, ValueError) as error:
            raise self._failed(error) from None


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
