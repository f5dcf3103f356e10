"""What the vault says when it can not do something."""

from __future__ import annotations


class VaultError(Exception):
    """The vault can not be opened or changed; the message says why and what to do."""
