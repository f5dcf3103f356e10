"""What the account says when it does not let somebody in, or does not take what it is given."""

from __future__ import annotations


class AccountError(Exception):
    """The account can not do that; the message says why and what to do."""


class NeedsLogin(AccountError):
    """This needs a session, or one that was begun just now."""
