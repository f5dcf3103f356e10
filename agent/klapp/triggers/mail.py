"""Waits for mail: one thread for each account that a coworker waits for, asleep in IDLE, or asking every few minutes.

It stores what is new and tells that there is something; what waits to be dealt with is in ``klapp.mail.received``.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Collection
from contextlib import suppress

from klapp.counts import counted
from klapp.mail.accounts import Account
from klapp.mail.imap import MailError, Session
from klapp.mail.received import Received

POLL_SECONDS = 300.0
"""How often a server is asked that does not tell of new mail by itself."""
BACKOFF = (5.0, 15.0, 60.0, 300.0, 900.0)
"""Seconds to wait after a failure, and after those that follow it."""
Contact = Callable[[Account, str, int], None]
"""Told of each contact with a server: the account, what came of it, and how many bytes of mail."""


def receive(session: Session, received: Received) -> tuple[int, int]:
    """Store what is new in an inbox: (mails, bytes). What was there before klapp first came is left alone."""
    account, here, known = session.account.name, session.place, received.place(session.account.name)
    if known is None:
        received.begin(account, here)
        return 0, 0
    place, at = known
    # Where the server numbers its mails anew, those of the last days are looked at: the known ones are told by their hash.
    uids = session.uids(place.next) if place.validity == here.validity else session.since(at)
    count = size = 0
    for uid, raw in session.mails(uids):
        if received.add(account, here.validity, uid, raw):
            count, size = count + 1, size + len(raw)
    if place.validity != here.validity:
        received.begin(account, here)
    return count, size


class _Watch:
    """The thread of one account."""

    def __init__(self, owner: MailWatch, account: Account) -> None:
        self.owner = owner
        self.account = account
        self.over = threading.Event()
        self._session: Session | None = None
        self._failures = 0
        self.thread = threading.Thread(target=self._loop, name="klapp-mail", daemon=True)
        self.thread.start()

    def stop(self) -> None:
        self.over.set()
        session = self._session
        if session is not None:
            session.interrupt()

    def _loop(self) -> None:
        while not self.over.is_set():
            try:
                self._watch()
            except MailError as error:
                self._failed(error.message)
            except Exception as error:
                self._failed(f"klapp made a mistake of its own ({type(error).__name__}). Please report it.")

    def _watch(self) -> None:
        with Session(self.account, self.owner.context()) as session:
            self._session = session
            try:
                while not self.over.is_set():
                    self._receive(session)
                    if not session.idles:
                        break
                    session.wait()
            finally:
                self._session = None
        self.over.wait(self.owner.poll)

    def _receive(self, session: Session) -> None:
        count, size = receive(session, self.owner.received)
        if self._failures:
            self._failures = 0
            self.owner.tell(f'Mail of "{self.account.name}" is read again.')
        if count:
            self.owner.contact(self.account, f"{counted(count, 'mail')} received", size)
            self.owner.arrived(self.account.name)

    def _failed(self, sentence: str) -> None:
        if self.over.is_set():
            return
        if not self._failures:
            self.owner.contact(self.account, "failed", 0)
            self.owner.tell(f'Mail of "{self.account.name}" can not be read: {sentence} klapp goes on trying.')
        wait = self.owner.backoff[min(self._failures, len(self.owner.backoff) - 1)]
        self._failures += 1
        self.over.wait(wait)


class MailWatch:
    """Watches accounts. ``arrived`` is told the name of an account that has something new; ``tell`` what a person should
    know; ``context`` gives what servers are verified with, when it is first needed."""

    def __init__(
        self,
        received: Received,
        arrived: Callable[[str], None],
        tell: Callable[[str], None],
        contact: Contact,
        context: Callable[[], ssl.SSLContext],
        *,
        poll: float = POLL_SECONDS,
        backoff: tuple[float, ...] = BACKOFF,
    ) -> None:
        self.received = received
        self.arrived = arrived
        self.tell = tell
        self.contact = contact
        self.context = context
        self.poll = poll
        self.backoff = backoff
        self._watches: dict[Account, _Watch] = {}

    def set(self, accounts: Collection[Account]) -> None:
        """Watch these accounts from now on, and no others."""
        gone = [watch for account, watch in self._watches.items() if account not in accounts]
        self._watches = {account: watch for account, watch in self._watches.items() if account in accounts}
        for watch in gone:
            watch.stop()
        for account in accounts:
            if account not in self._watches:
                self._watches[account] = _Watch(self, account)

    def stop(self) -> None:
        """Watch nothing any more, and wait for the threads to end."""
        watches = list(self._watches.values())
        self._watches = {}
        for watch in watches:
            watch.stop()
        for watch in watches:
            with suppress(RuntimeError):
                watch.thread.join(timeout=5)
