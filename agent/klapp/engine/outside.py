"""What a coworker reaches beyond its files: hosts, through the broker, and apps; each of them noted in the log."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from klapp.audit.events import NetworkContact, RequestBegun
from klapp.audit.log import Log
from klapp.files.patterns import Pattern
from klapp.files.protocol import FileError
from klapp.network import Body, Broker, NetworkError, Request
from klapp.network.apps import AppError, open_with
from klapp.operations import Letter, Mailbox
from klr.program import Program, Secret
from klr.recipients import is_mail
from klr.vocabulary import PERMISSIONS, Permission

OF_FILES = ("read", "write", "remove", "erase")
NOT_NOW = "What this run still had to send was not sent: it was cut short, and nothing is sent twice."


def grants_of_files(program: Program) -> list[tuple[Permission, str]]:
    """The (permission, pattern) of the ``may`` lines that are about the person's files, each of them."""
    return [
        (grant.permission, pattern)
        for grant in program.grants
        if grant.permission in OF_FILES
        for pattern in grant.patterns
    ]


def hosts_of(program: Program) -> frozenset[str]:
    """The hosts that a program may reach, in their one form."""
    contacts = {host for grant in program.grants if grant.permission == "contact" for host in grant.patterns}
    return frozenset(contacts | {host for grant in program.grants for host in grant.to if "://" in host})


def senders_of(program: Program) -> frozenset[tuple[str, str]]:
    """The (account, pattern for mail addresses) by which a program may write, for accounts that it names."""
    named = [one for one in program.grants if one.permission == "send mail"]
    return frozenset((account, pattern) for one in named for account in one.to for pattern in one.patterns)


def may_write(address: str, account: str, recipients: Iterable[str], senders: Iterable[tuple[str, str]]) -> bool:
    """Whether a mail may go to an address from an account; "" for the one that the person chose."""
    return is_granted(address, [who for by, who in senders if by == account] if account else recipients)


def recipients_of(program: Program) -> frozenset[str]:
    """The patterns for the mail addresses that a program may write to."""
    plain = [grant for grant in program.grants if grant.permission == "send mail" and not grant.to]
    written = {pattern for grant in plain for pattern in grant.patterns}
    return frozenset(
        written
        | {to for grant in program.grants if PERMISSIONS[grant.permission].leaves for to in grant.to if is_mail(to)}
    )


_PLAIN = r"[!#-'*+./0-9=?A-Z^-~-]"
"""What the part of an address before the ``@`` can hold; nothing that could end it, or a line."""


def is_granted(address: str, patterns: Iterable[str]) -> bool:
    """Whether an address is one of those that patterns hold; read here anew, apart from what proved it."""
    local, at, host = address.lower().rpartition("@")
    plain = bool(at) and re.fullmatch(f"{_PLAIN}+", local) and re.fullmatch("[a-z0-9.-]+", host)
    return bool(plain) and any(_holds(*pattern.rpartition("@")[::2], local, host) for pattern in patterns)


def _holds(of_local: str, of_host: str, local: str, host: str) -> bool:
    fits = host.endswith(of_host[1:]) if of_host.startswith("*.") else of_host in ("*", host)
    return fits and _fits(of_local.split("*"), local)


def _fits(pieces: list[str], text: str) -> bool:
    """Whether a text is these pieces with any text between them; in time that grows with their length alone."""
    first, *rest = pieces
    if not rest:
        return text == first
    if not text.startswith(first):
        return False
    at = len(first)
    for piece in rest[:-1]:
        found = text.find(piece, at)
        if found < 0:
            return False
        at = found + len(piece)
    return len(text) - at >= len(rest[-1]) and text.endswith(rest[-1])


def apps_of(program: Program) -> frozenset[str]:
    """The programs that a program may start; "" stands for whatever the person uses."""
    return frozenset(app for one in program.grants if one.permission == "open" for app in one.patterns or ("",))


def accounts_of(program: Program) -> frozenset[str]:
    """The mail accounts whose mail a program may read."""
    return frozenset(name for one in program.grants if one.permission == "receive mail" for name in one.patterns)


def marked_accounts_of(program: Program) -> frozenset[str]:
    """The mail accounts whose mail a program may mark."""
    return frozenset(name for one in program.grants if one.permission == "mark mail" for name in one.patterns)


def mailboxes_of(program: Program) -> frozenset[tuple[str, str]]:
    """The (account, pattern for folders) to which a program may move mail."""
    moving = [one for one in program.grants if one.permission == "move mail"]
    return frozenset((account, pattern) for one in moving for account in one.to for pattern in one.patterns)


def is_mailbox_granted(account: str, folder: str, granted: Iterable[tuple[str, str]]) -> bool:
    """Whether a folder of an account is one of those that patterns hold; read here apart from what proved it."""
    path = f"/{folder}"
    plain = all(part not in ("", ".", "..") and part.isprintable() for part in folder.split("/"))
    return plain and any(account == own and Pattern(f"/{pattern}", "/").matches(path) for own, pattern in granted)


class World(Protocol):
    """The outside, as a run sees it."""

    def ask(self, address: str, secret: str) -> str:
        """What a host answers, as text. Raises FileError."""

    def attachment(self, mail: str, index: int) -> bytes:
        """The bytes of an attachment of a mail that was received. Raises FileError."""

    def send(self, method: str, address: str, type: str, body: Callable[[], bytes], secret: str, token: str) -> None:
        """Make a request, once. Raises FileError."""

    def mail(self, letter: Letter, token: str) -> None:
        """Send a mail, once. Raises FileError."""

    def was_sent(self, token: str) -> bool:
        """Whether the request or mail of this token was begun."""

    @property
    def mailbox(self) -> Mailbox:
        """The mail on its servers."""

    def open(self, path: str, app: str) -> None:
        """Open a file in an app. Raises FileError."""


_BEGUN = "e.kind NOT IN ('intent', 'outcome', 'content') AND e.kind = ? AND e.seq > ? ORDER BY e.seq"
"""What was noted of requests; the first condition is the one of the index ``entries_by_kind``."""


class Nowhere:
    """The outside of whoever may reach nothing, such as an undo, a simulation, or what finishes a run after a crash.

    ``log`` tells of earlier requests. A ``mailbox`` is where what was done to mail is finished or taken back.
    """

    def __init__(self, log: Log | None = None, mailbox: Mailbox | None = None) -> None:
        self.log = log
        self._begun: set[str] = set()
        self._looked: int | None = None  # the entry of the log up to which the tokens of requests are known
        self._mailbox = mailbox

    @property
    def mailbox(self) -> Mailbox:
        """What was given, to finish or take back what was done there."""
        if self._mailbox is None:
            raise FileError("The mail on its server can not be changed from here.", "network")
        return self._mailbox

    def ask(self, address: str, secret: str) -> str:
        """Refuse."""
        raise FileError(f"Only a run asks a host, so what {address} would answer is not known here.", "network")

    def attachment(self, mail: str, index: int) -> bytes:
        """Refuse."""
        raise FileError("What came with the mail was not saved: the run was cut short.", "missing")

    def send(self, method: str, address: str, type: str, body: Callable[[], bytes], secret: str, token: str) -> None:
        """Refuse."""
        raise FileError(NOT_NOW, "network")

    def mail(self, letter: Letter, token: str) -> None:
        """Refuse."""
        raise FileError(NOT_NOW, "network")

    def was_sent(self, token: str) -> bool:
        """As the log has it. Whoever asks has a run without an outcome, so that what was noted before the oldest such
        run began is not looked at; each later entry is, once."""
        if self.log is not None:
            if self._looked is None:
                self._looked = self.log.oldest_open()
            for entry in self.log.select(_BEGUN, (RequestBegun.kind, self._looked)):
                if token_of := entry.body.get("token"):
                    self._begun.add(token_of)
                self._looked = entry.seq
        return token in self._begun

    def open(self, path: str, app: str) -> None:
        """Refuse."""
        raise FileError("The file was not opened: the run was cut short.", "network")


Post = Callable[[str, Letter, str, Callable[[], None]], tuple[str, int]]
"""Sends a mail of a coworker under a token, and calls what it is given right before it tells the server the mail's end; gives the server
and how many bytes it was sent. Raises NetworkError and FileError."""


def no_post(coworker: str, letter: Letter, token: str, begun: Callable[[], None]) -> tuple[str, int]:
    """There is no account that could send."""
    raise NetworkError("No mail account can send yet. Nothing was sent; add one with: klapp mail add")


class Reach(Nowhere):
    """The outside of one coworker's runs: the hosts and apps of its ``may`` lines, the secrets that it names.

    ``value_of`` gives what is sealed under a host and a name, ``attachment_of`` the bytes of a mail's attachment, or None;
    ``post`` sends a mail.
    """

    def __init__(
        self,
        program: Program,
        coworker: str,
        log: Log,
        broker: Broker,
        value_of: Callable[[str, str], str | None],
        attachment_of: Callable[[str, int], bytes | None] = lambda mail, index: None,
        post: Post = no_post,
        mailbox: Mailbox | None = None,
    ) -> None:
        super().__init__(log, mailbox)
        self.mailboxes = mailboxes_of(program)
        self.marked_accounts = marked_accounts_of(program)
        self.coworker = coworker
        self.broker = broker
        self.secrets: Mapping[str, Secret] = program.secrets
        self._value_of = value_of
        self._attachment_of = attachment_of
        self._post = post
        self.recipients = recipients_of(program)
        self.senders = senders_of(program)
        self.accounts = accounts_of(program)
        self.hosts = hosts_of(program)
        self.apps = apps_of(program)

    def ask(self, address: str, secret: str) -> str:
        return self._request(Request("GET", address, None, self._header(address, secret)), secret, "")

    def attachment(self, mail: str, index: int) -> bytes:
        if mail.partition("/")[0] not in self.accounts:
            raise FileError("This coworker may not read the mail of that account.", "denied")
        data = self._attachment_of(mail, index)
        if data is None:
            raise FileError("The mail is not kept here any more, so what came with it can not be saved.", "missing")
        return data

    def send(self, method: str, address: str, type: str, body: Callable[[], bytes], secret: str, token: str) -> None:
        header = self._header(address, secret)
        self._request(Request(method, address, Body(body(), type), header), secret, token)

    def mail(self, letter: Letter, token: str) -> None:
        if not may_write(letter.to, letter.account, self.recipients, self.senders):
            by = f" from {letter.account}" if letter.account else ""
            raise FileError(f"This coworker may not write mail{by} to {letter.to}. Nothing was sent.", "denied")
        try:
            server, size = self._post(self.coworker, letter, token, lambda: self._begins(letter.to, "", token))
        except NetworkError as error:
            self._failed(f"mail to {letter.to}", error, 0)
            raise FileError(error.message, "perhaps" if error.begun else "network") from None
        self._noted(f"mail to {letter.to} by {server}", "sent", size, 0)

    @property
    def mailbox(self) -> Mailbox:
        return _Granted(self, super().mailbox)

    def open(self, path: str, app: str) -> None:
        if app not in self.apps:
            raise FileError(f"This coworker may not open files with {app or 'an app'}.", "denied")
        try:
            open_with(path, app)
        except AppError as error:
            raise FileError(str(error), "system") from None

    def _header(self, address: str, name: str) -> tuple[str, str] | None:
        if not name:
            return None
        secret = self.secrets.get(name)
        if secret is None or not (address.startswith((f"{secret.host}/", f"{secret.host}?")) or address == secret.host):
            raise FileError(f"The secret {name} does not belong to that host. Nothing was sent.", "denied")
        value = self._value_of(secret.host, name)
        if value is None:
            raise FileError(
                f"The secret {name} has no value yet. Nothing was sent; give it one with: klapp secret set {name}",
                "network",
            )
        return secret.header, secret.prefix + value

    def _request(self, request: Request, secret: str, token: str) -> str:
        host = next((host for host in self.hosts if request.address.startswith(host)), "")

        try:
            answer = self.broker.request(request, self.hosts, lambda: self._begins(host, secret, token))
        except NetworkError as error:
            self._failed(host, error, len(request.body.data) if request.body is not None else 0)
            raise FileError(error.message, "perhaps" if error.begun and not error.status else "network") from None
        self._noted(host, str(answer.status), answer.sent, answer.received)
        return answer.text()

    def _begins(self, where: str, secret: str, token: str) -> None:
        if self.log is not None:
            self.log.record(RequestBegun(self.coworker, where, token, secret))

    def _failed(self, where: str, error: NetworkError, size: int) -> None:
        result = str(error.status) if error.status else "perhaps sent" if error.begun else "refused"
        self._noted(where, result, size if error.begun else 0, 0)

    def _noted(self, host: str, result: str, sent: int, received: int) -> None:
        if self.log is not None:
            self.log.record(NetworkContact(self.coworker, host, result, sent, received))


class _Granted:
    """The mailbox of one coworker: what its ``may`` lines allow."""

    def __init__(self, reach: Reach, mailbox: Mailbox) -> None:
        self._reach = reach
        self._mailbox = mailbox

    def move(self, mail: str, folder: str, token: str) -> None:
        if not is_mailbox_granted(mail.partition("/")[0], folder, self._reach.mailboxes):
            raise FileError(f"This coworker may not move mail to {folder}. Nothing was moved.", "denied")
        self._mailbox.move(mail, folder, token)

    def mark(self, mail: str, mark: str, token: str) -> None:
        if mail.partition("/")[0] not in self._reach.marked_accounts:
            raise FileError("This coworker may not mark the mail of that account. Nothing was marked.", "denied")
        self._mailbox.mark(mail, mark, token)

    def take_back(self, mail: str, of: str, token: str) -> None:
        raise FileError("No coworker takes back what was done to mail.", "denied")

    def settled(self, token: str) -> bool:
        return self._mailbox.settled(token)
