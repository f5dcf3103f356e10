"""Moves and marks mails on their servers, each once: noted before it is begun, finished after a cut, and taken back.

What a change is about is told by the numbers of the mail and of its folder. Where a server numbers anew, the mail is
looked for by its Message-ID, and is the one that is byte for byte what came. A change that was cut short leaves the mail
in the one folder or in both; to finish it, the copy is told by its bytes among the mails that are newer than the note.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import RLock

from klapp.files.protocol import FileError
from klapp.files.shown import shown
from klapp.mail.accounts import Account, Accounts
from klapp.mail.folders import FLAGGED, SEEN, Folders, Spot
from klapp.mail.handled import Change, Handled
from klapp.mail.imap import MailError
from klapp.mail.received import Received

MARKS = {"read": (SEEN, True), "unread": (SEEN, False), "flagged": (FLAGGED, True), "unflagged": (FLAGGED, False)}
"""The flag of each mark, and whether it is set."""
OPPOSITE = {"read": "unread", "unread": "read", "flagged": "unflagged", "unflagged": "flagged"}
Connect = Callable[[Account], Folders]
Contact = Callable[[Account, str, int], None]
"""Told of each contact with a server: the account, what came of it, and how many bytes of mail."""


class Mailboxes:
    """The mail of all accounts, as ``klapp.operations.Mailbox``. ``connect`` logs in to an account."""

    def __init__(
        self, accounts: Accounts, received: Received, handled: Handled, connect: Connect, contact: Contact
    ) -> None:
        self._accounts = accounts
        self._received = received
        self._handled = handled
        self._connect = connect
        self._contact = contact
        self._lock = RLock()

    # -- what operations ask for --------------------------------------------------------------------------------------

    def move(self, mail: str, folder: str, token: str) -> None:
        """Move a mail to a folder of its account, which is made where it is missing."""
        with self._changing(mail, f"moved to {folder}") as box:
            self._move(box, mail, folder, token)

    def mark(self, mail: str, mark: str, token: str) -> None:
        """Mark a mail."""
        with self._changing(mail, f"marked as {mark}") as box:
            self._mark(box, mail, mark, token)

    def take_back(self, mail: str, of: str, token: str) -> None:
        """Take a change back, if the mail is as that left it. Raises FileError("changed") where it is not."""
        was = self._handled.of(of)
        if was is None or not was.done:
            raise FileError("Where this mail was before is not known here any more. Nothing was changed.", "gone")
        with self._changing(mail, "put back" if was.kind == "move" else "marked as it was") as box:
            if was.kind == "mark":
                self._unmark(box, was, token)
                return
            place = self._handled.place(mail)
            if place.folder != was.goal.folder:
                raise FileError(
                    f"The mail was moved again since, to {shown(place.folder)}. Nothing was changed.", "changed"
                )
            self._move(box, mail, was.place.folder, token)

    def settled(self, token: str) -> bool:
        """Whether a change was begun. One that was cut short is finished."""
        change = self._handled.of(token)
        if change is not None and not change.done:
            with self._changing(change.mail, "finished what was cut short"):
                pass
        return change is not None

    # -- one account --------------------------------------------------------------------------------------------------

    @contextmanager
    def _changing(self, mail: str, result: str) -> Iterator[Folders]:
        """The folders of a mail's account, once all that was begun with the mail is finished."""
        account = self._accounts.get(mail.partition("/")[0])
        if account is None:
            raise FileError("The account of this mail is not known here any more. Nothing was changed.", "missing")
        with self._lock:
            try:
                with self._connect(account) as box:
                    for change in self._handled.unfinished(mail):
                        box.open(change.place.folder)
                        self._finish(box, change)
                    yield box
            except MailError as error:
                self._contact(account, "failed", 0)
                # What nobody knows the end of is asked of the server anew; see ``klapp.operations.steps``.
                begun = any(self._handled.unfinished(mail))
                raise FileError(error.message, "system" if begun else "network") from None
        self._contact(account, f"a mail {result}", 0)

    def _found(self, box: Folders, mail: str) -> Spot:
        """Where a mail is now; its folder is open then. Raises FileError("missing")."""
        place = self._handled.place(mail)
        validity = box.open(place.folder)
        if validity == place.validity and place.uid:
            if box.flags(place.uid) is not None:
                return place
            raise FileError(
                f"The mail is not in {shown(place.folder)} any more: somebody moved or deleted it. Nothing was changed.",
                "missing",
            )
        digest, message_id = self._received.known(mail) or (b"", "")
        uid = box.same(box.of_message(message_id), digest) if message_id else 0
        if not uid:
            raise FileError(
                f"The server has numbered the mails in {shown(place.folder)} anew, and this one is not known among them. "
                "Nothing was changed.",
                "missing",
            )
        return Spot(place.folder, validity, uid)

    # -- moving -------------------------------------------------------------------------------------------------------

    def _move(self, box: Folders, mail: str, folder: str, token: str) -> None:
        place = self._found(box, mail)
        if place.folder == folder:
            self._handled.put(Change(token, mail, "move", folder, place, place, done=True))
            return
        if not box.moves:
            raise FileError(
                f"{box.account.server} can not move a mail, and can not remove a single one. Nothing was changed.",
                "system",
            )
        goal = box.next_in(folder, make=True)
        change = Change(token, mail, "move", folder, place, goal)
        self._handled.put(change)
        try:
            self._moved(change, box.move(place.uid, folder), box)
        except MailError as error:
            if error.refused and not self._copy(box, change).uid:
                self._handled.forget(token)
            raise

    def _moved(self, change: Change, goal: Spot, box: Folders) -> None:
        goal = goal if goal.uid else self._copy(box, change)
        self._handled.put(replace(change, goal=goal, done=True))

    def _copy(self, box: Folders, change: Change) -> Spot:
        """Where the mail is in the folder to which it was to go; number 0 where it is not there. The folder is open then."""
        digest, _ = self._received.known(change.mail) or (b"", "")
        validity = box.open(change.goal.folder)
        first = change.goal.uid if validity == change.goal.validity else 1
        return Spot(change.value, validity, box.same(box.uids(first), digest))

    def _finish(self, box: Folders, change: Change) -> None:
        """Bring to its end what was cut short. Its folder is open."""
        if change.kind == "mark":
            self._set(box, change)
            return
        copy = self._copy(box, change)
        validity = box.open(change.place.folder)
        is_there = validity == change.place.validity and box.flags(change.place.uid) is not None
        if is_there and copy.uid:
            box.remove(change.place.uid)
        elif is_there:
            self._moved(change, box.move(change.place.uid, change.value), box)
            return
        elif not copy.uid:
            self._handled.forget(change.token)
            raise FileError(
                f"The mail is neither in {shown(change.place.folder)} nor in {shown(change.value)}: somebody moved or "
                "deleted it meanwhile.",
                "missing",
            )
        self._moved(change, copy, box)

    # -- marking ------------------------------------------------------------------------------------------------------

    def _mark(self, box: Folders, mail: str, mark: str, token: str) -> None:
        place = self._found(box, mail)
        flag, on = MARKS[mark]
        had = (flag in (box.flags(place.uid) or ())) == on
        change = Change(token, mail, "mark", mark, place, place, had)
        self._handled.put(change)
        self._set(box, change)

    def _set(self, box: Folders, change: Change) -> None:
        flag, on = MARKS[change.value]
        box.set_flag(change.place.uid, flag, on)
        flags = box.flags(change.place.uid)
        if flags is not None and (flag in flags) != on:
            self._handled.forget(change.token)
            raise FileError(f"{box.account.server} does not keep mails marked as {change.value}.", "system")
        self._handled.put(replace(change, done=True))

    def _unmark(self, box: Folders, was: Change, token: str) -> None:
        place = self._found(box, was.mail)
        flag, on = MARKS[was.value]
        if (flag in (box.flags(place.uid) or ())) != on:
            raise FileError(
                f"The mail is not marked as {was.value} any more: somebody marked it anew. Nothing was changed.",
                "changed",
            )
        mark = was.value if was.had else OPPOSITE[was.value]
        self._mark(box, was.mail, mark, token)
