"""Tells whether the header file is the newest: an older one would let in passwords that were taken back."""

from __future__ import annotations

from klapp.vault.errors import VaultError
from klapp.vault.keys import Vault
from klapp.vault.shelf import Shelf

_NAME = "vault:generation"


def remember(vault: Vault, shelf: Shelf, *, trusting: bool = False) -> None:
    """Hold the open vault's header against the newest that the encrypted database knows of, and remember it.

    Raises VaultError for an older one, unless ``trusting`` it is the person's wish.
    """
    if vault.header is None:
        return
    generation, newest = vault.header.generation, int(shelf.get(_NAME) or 0)
    if generation < newest and not trusting:
        raise VaultError(
            "An older vault.json was put back: passwords that were removed since would open it again. If you did that "
            "yourself, say so with: klapp vault trust"
        )
    if generation != newest:
        shelf.put(_NAME, generation)
