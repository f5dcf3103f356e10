"""What can be asked of the agent from outside, and what of that the account locks.

The command line, the socket and the page ask by method name and arguments; a ``session`` among the arguments is the
token of who has logged in, and ``by_person`` False says that nobody asks but a page that keeps itself up to date. What is not listed here can not be asked for, and what is not said to be open is locked.
"""

from __future__ import annotations

from typing import Any

from klapp.agent import Agent

OPEN = frozenset(("overview", "asks", "pause", "resume", "run", "simulate"))
"""What goes on while the account is locked: coworkers do, and can be stopped."""
LOCKED = frozenset(
    (
        "review",
        "approve",
        "refuse",
        "revoke",
        "settings",
        "change_setting",
        "log",
        "explain",
        "history",
        "replay",
        "undo",
        "audit",
        "kept",
        "network",
        "mail",
        "notices",
        "updates",
    )
)
"""What needs a session, where there is an account."""
GRAVE = frozenset(
    (
        ("audit", "erase"),
        ("audit", "retain"),
        ("kept", "change"),
        ("audit", "inputs"),
        ("network", "set_secret"),
        ("network", "remove_secret"),
        ("mail", "add"),
        ("mail", "again"),
        ("mail", "remove"),
        ("mail", "sender"),
        ("updates", "change"),
    )
)
"""What needs a login of just now: what can not be taken back. (method, its ``what``)"""
OF_ACCOUNT = {
    "account.status": "status",
    "account.create": "create",
    "account.login": "login",
    "account.logout": "logout",
    "account.lock": "lock",
    "account.password": "change_password",
    "account.totp": "begin_totp",
    "account.totp.confirm": "confirm_totp",
    "account.totp.remove": "remove_totp",
    "account.passkey": "begin_passkey",
    "account.passkey.options": "passkey_options",
    "account.passkey.confirm": "confirm_passkey",
    "account.passkey.remove": "remove_passkey",
    "account.codes": "new_codes",
    "account.remove": "remove",
}
"""What the account answers itself, which knows what each of these needs."""
_WITHOUT_SESSION = frozenset(("account.create", "account.login", "account.lock", "account.passkey.options"))


def answer(agent: Agent, method: str, arguments: dict[str, Any]) -> Any:
    """The agent's answer. Raises ValueError for what can not be asked, and what the agent and the account raise."""
    given = dict(arguments)
    session, by_person = given.pop("session", ""), given.pop("by_person", True)
    if not isinstance(session, str):
        raise ValueError("A session is a text.")
    if method in OF_ACCOUNT:
        if method not in _WITHOUT_SESSION:
            given["session"] = session
        if method == "account.status":
            given["by_person"] = bool(by_person)
        return getattr(agent.account, OF_ACCOUNT[method])(**given)
    if method in LOCKED:
        agent.account.demand(session, fresh=(method, given.get("what")) in GRAVE, by_person=bool(by_person))
    elif method not in OPEN:
        raise ValueError(f"This agent does not know how to {method!r}.")
    return getattr(agent, method)(**given)
