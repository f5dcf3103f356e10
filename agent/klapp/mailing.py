"""Mail accounts, what is sent from one, and which rules a mail starts: the part of the agent's facade behind ``klapp mail``."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from klapp.audit.events import NetworkContact, SecretSet, SettingChanged
from klapp.audit.log import Log
from klapp.coworkers.store import Coworkers, NoCoworker
from klapp.dispatch import Start
from klapp.engine.arriving import waits_for
from klapp.engine.outside import accounts_of
from klapp.mail import letters, smtp
from klapp.mail.accounts import PORTS, SMTP_PORTS, Account, Accounts
from klapp.mail.imap import MailError, Session
from klapp.mail.outbox import OnItsWay, Outbox
from klapp.mail.received import Received, Waiting
from klapp.mail.sent import keep_copy
from klapp.network import Broker, NetworkError
from klapp.operations import Letter
from klr.effects import MAIL_GIVEN
from klr.program import Program

MOST_AN_HOUR = 200
"""Mails to one address: beyond that, machines may be answering each other."""
NO_COPIES = 300.0
"""Seconds for which a server that took no copy is not asked to take another."""
SHORT = 8
"""Digits of a token by which a person names a mail."""
ASK = "Look whether it arrived, and then say what is to be done: klapp mail unsure"


class Mailing:
    """The accounts of one person, and the mails that came. Takes and gives data that JSON can hold; raises NoCoworker or
    ValueError with a sentence for a person. A password goes in and never comes out."""

    METHODS = frozenset({"accounts", "add", "again", "leave", "remove", "sender", "test", "unsure"})

    def __init__(
        self,
        log: Log,
        coworkers: Coworkers,
        accounts: Accounts,
        received: Received,
        outbox: Outbox,
        broker: Broker,
        tell: Callable[[str], None],
    ) -> None:
        self._log = log
        self._coworkers = coworkers
        self._accounts = accounts
        self.received = received
        self.broker = broker
        self._outbox = outbox
        self._tell = tell
        self._under_way: set[str] = set()
        self._no_copies: dict[str, float] = {}
        self._lately: dict[str, deque[float]] = {}

    # -- accounts -----------------------------------------------------------------------------------------------------

    def accounts(self) -> list[dict[str, Any]]:
        """Every account that is kept or that a coworker names: where it is, who waits for it, whether it is kept."""
        self._coworkers.reload()
        told = {one.name: self._told(one) for one in self._accounts.all()}
        for coworker in self._coworkers.all():
            for name in sorted(accounts_of(coworker.program)) if coworker.program else ():
                one = told.setdefault(name, {"name": name, "kept": False, "coworkers": []})
                one["coworkers"].append(coworker.name)
        return [told[name] for name in sorted(told)]

    def add(
        self,
        name: str,
        server: str,
        user: str,
        password: str,
        port: int | None = None,
        encryption: str = "tls",
        smtp: str = "",
        smtp_port: int | None = None,
        smtp_encryption: str = "tls",
        address: str = "",
        sent_copy: bool = True,
    ) -> dict[str, Any]:
        """Keep an account, in place of one of that name. With ``smtp``, the server that sends, it can send as well, from
        ``address``, or else from ``user`` where that is one."""
        account = Account(
            name, server.strip(), port or PORTS.get(encryption, 0), user, password, encryption,
            smtp.strip(), (smtp_port or SMTP_PORTS.get(smtp_encryption, 0)) if smtp else 0, smtp_encryption,
            address.strip() or (user if "@" in user else ""), sent_copy,
        )  # fmt: skip
        before = self._accounts.get(name)
        with self._log.transaction():
            self._log.record(SecretSet(f"password of {name}", account.shown, "given a value"))
            self._accounts.put(account)
            if before is not None and (before.server, before.user) != (account.server, account.user):
                self.received.forget(name)  # another inbox: what is in it already is left alone
        return self._told(account)

    def remove(self, name: str) -> None:
        """Forget an account, its password and how far it was read."""
        account = self._one(name)
        with self._log.transaction():
            self._log.record(SecretSet(f"password of {name}", account.shown, "removed"))
            self._accounts.delete(name)
            self.received.forget(name)

    def sender(self, name: str) -> dict[str, Any]:
        """Have an account send the mails of coworkers."""
        account = self._one(name)
        if not account.smtp_server:
            raise NoCoworker(f"{name} can not send. Add it again, with --smtp and the server that sends.")
        before = self._accounts.sender()
        if before is None or before.name != name:
            with self._log.transaction():
                was = before.name if before is not None else "none"
                self._log.record(SettingChanged("", "account that sends mail", was, name))
                self._accounts.choose_sender(name)
        return self._told(account)

    def test(self, name: str) -> dict[str, Any]:
        """Log in and look; nothing is received."""
        account = self._one(name)
        try:
            with Session(account, self.broker.context) as session:
                found = {"idles": session.idles, "next": session.place.next}
        except MailError as error:
            self.contact(account, "failed", 0)
            raise NoCoworker(error.message) from None
        self.contact(account, "tried", 0)
        if account.smtp_server:
            try:
                smtp.look(account, self.broker.context)
            except NetworkError as error:
                self._log.record(NetworkContact(f"mail of {name}", account.smtp_shown, "failed", 0, 0))
                raise NoCoworker(error.message) from None
            self._log.record(NetworkContact(f"mail of {name}", account.smtp_shown, "tried", 0, 0))
        return self._told(account) | found

    # -- what is sent -------------------------------------------------------------------------------------------------

    def post(self, coworker: str, letter: Letter, token: str, begun: Callable[[], None]) -> tuple[str, int]:
        """Send a mail from the account that sends; see ``klapp.engine.outside.Post``. Where nobody knows whether it was
        sent, the person is asked."""
        account = self._sending(letter.account)
        self._keep_pace(letter.to)
        data = letters.written(letter, account.address, token)
        mail = OnItsWay(token, coworker, letter.to, letter.subject, datetime.now(UTC), data, letter.account)

        def begins() -> None:
            self._outbox.put(mail)
            begun()

        self._under_way.add(token)
        try:
            smtp.submit(account, self.broker.context, letter.to, data, begins)
        except NetworkError as error:
            if error.begun:
                self._tell(f"It is not known whether the mail to {letter.to} was sent. {ASK}")
            else:
                self._outbox.forget(token)
            raise
        else:
            self._outbox.forget(token)
        finally:
            self._under_way.discard(token)
        self._keep_copy(account, data)
        return account.smtp_shown, len(data)

    def _keep_copy(self, account: Account, data: bytes) -> None:
        """Keep a copy of a mail that was sent. Where that can not be done, nothing more is: the mail was sent, and the log
        has it. A server that failed is not tried again for some minutes, for a run waits."""
        if not account.sent_copy or time.monotonic() < self._no_copies.get(account.name, 0):
            return
        try:
            folder = keep_copy(account, self.broker.context, data)
        except MailError:
            self._no_copies[account.name] = time.monotonic() + NO_COPIES
            self.contact(account, "no copy of a sent mail was kept", 0)
        else:
            self.contact(account, f"a copy of a sent mail is in {folder}" if folder else "has a sent mail by itself", 0)

    def _keep_pace(self, to: str) -> None:
        """Count a mail. Raises NetworkError where there are too many to one address."""
        now = time.monotonic()
        lately = self._lately.setdefault(to.lower(), deque())
        while lately and now - lately[0] > 3600:
            lately.popleft()
        if len(lately) >= MOST_AN_HOUR:
            raise NetworkError(
                f"More than {MOST_AN_HOUR} mails within an hour would go to {to}. Perhaps machines answer each other. "
                "Nothing was sent."
            )
        lately.append(now)

    def unsure(self) -> list[dict[str, Any]]:
        """The mails of which nobody knows whether they were sent, oldest first, for the person to decide: each with its
        ``id``, and the ``message_id`` by which who received it can find it."""
        return [
            {
                "id": mail.token[:SHORT],
                "at": mail.at.isoformat(),
                "coworker": mail.coworker,
                "to": mail.to,
                "subject": mail.subject,
                "bytes": len(mail.data),
                "message_id": letters.id_of(mail.data),
            }
            for mail in self._waiting()
        ]

    def again(self, name: str) -> dict[str, Any]:
        """Send such a mail once more, the very same, with the same Message-ID."""
        mail = self._one_unsure(name)
        where = f"mail to {mail.to}"
        try:
            account = self._sending(mail.account)
            where = f"mail to {mail.to} by {account.smtp_shown}"
            smtp.submit(account, self.broker.context, mail.to, mail.data, lambda: None)
        except NetworkError as error:
            result = "perhaps sent" if error.begun else str(error.status or "refused")
            self._log.record(NetworkContact(mail.coworker, where, result, 0, 0))
            raise NoCoworker(error.message) from None
        self._outbox.forget(mail.token)
        self._keep_copy(account, mail.data)
        self._log.record(NetworkContact(mail.coworker, where, "sent again", len(mail.data), 0))
        return {"to": mail.to}

    def leave(self, name: str) -> dict[str, Any]:
        """Leave such a mail as it is: it is forgotten here."""
        mail = self._one_unsure(name)
        self._outbox.forget(mail.token)
        self._log.record(NetworkContact(mail.coworker, f"mail to {mail.to}", "left as it is", 0, 0))
        return {"to": mail.to}

    def _waiting(self) -> list[OnItsWay]:
        """What is kept and not being sent right now."""
        return [mail for mail in self._outbox.all() if mail.token not in self._under_way]

    def _one_unsure(self, name: str) -> OnItsWay:
        found = [mail for mail in self._waiting() if len(name) >= SHORT and mail.token.startswith(name)]
        if len(found) != 1:
            raise NoCoworker(f"No mail {name} waits for an answer. See them with: klapp mail unsure")
        return found[0]

    def _sending(self, name: str = "") -> Account:
        """The account that sends, by its name or as the person chose it. Raises NetworkError."""
        if name:
            named = self._accounts.get(name)
            if named is None or not named.smtp_server:
                why = f"The mail account {name} {'can not send' if named else 'is not known'}. Nothing was sent; "
                raise NetworkError(f"{why}say how with: klapp mail add {name} --smtp HOST")
            return named
        account = self._accounts.sender()
        if account is None:
            able = [one.name for one in self._accounts.all() if one.smtp_server]
            help = (
                "choose one with: klapp mail sender NAME" if able else "say how with: klapp mail add NAME --smtp HOST"
            )
            raise NetworkError(
                f"{'Several accounts' if able else 'No mail account'} can send. Nothing was sent; {help}"
            )
        return account

    def _one(self, name: str) -> Account:
        account = self._accounts.get(name)
        if account is None:
            raise NoCoworker(f"There is no mail account {name}. See them with: klapp mail list")
        return account

    def _told(self, account: Account) -> dict[str, Any]:
        sender = self._accounts.sender()
        told = {key: value for key, value in asdict(account).items() if key != "password"}
        return told | {"kept": True, "sends": sender is not None and sender.name == account.name, "coworkers": []}

    def contact(self, account: Account, result: str, size: int) -> None:
        """Note a contact with a server."""
        self._log.record(NetworkContact(f"mail of {account.name}", account.shown, result, 0, size))

    # -- what a mail starts -------------------------------------------------------------------------------------------

    def wanted(self, programs: Iterable[Program]) -> list[Account]:
        """The accounts that are kept and that a rule of these programs waits for."""
        names = {rule.trigger.arguments["in"] for one in programs for rule in one.rules if rule.trigger.gives == "mail"}
        return [account for account in self._accounts.all() if account.name in names]

    def starts(self, waiting: Iterable[Waiting], programs: Mapping[str, Program]) -> list[Start]:
        """A start for each rule that waits for each mail: by coworker, and then in the order in which they came."""
        found = [
            Start(name, rule.index, rule.trigger.phrase, answers={MAIL_GIVEN: one.mail})
            for one in waiting
            for name, program in programs.items()
            for rule in program.rules
            if rule.trigger.gives == "mail" and waits_for(rule.trigger.arguments, one.mail)
        ]
        return sorted(found, key=lambda start: start.coworker)
