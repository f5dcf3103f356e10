"""Proofs about a log that others can check: that an entry is in it, and that it only grew since an older checkpoint.

Everything in a proof is text or hex; ``docs/check_proof.py`` checks it without klapp.
"""

from __future__ import annotations

from typing import Any

from klapp.audit.entry import COLUMNS, leaf_of
from klapp.audit.log import Log, LogError
from klapp.audit.merkle import leaf_hash, proves_consistency, proves_inclusion
from klapp.audit.notes import parse
from klapp.audit.tree import MissingNode
from klapp.counts import counted
from klapp.signednote import BadNote

GONE = "The entries that this proof needs were let go by retention."


def inclusion(log: Log, entry: int) -> dict[str, Any]:
    """The proof that an entry is in the log: its number, its text as it stands in the tree, the path to the root, and
    the signed checkpoint. Raises LogError where there is no such entry."""
    with log.lock:
        newest = log.tree.newest()
        row = log.connection.execute(f"SELECT {COLUMNS} FROM entries WHERE seq = ?", (entry,)).fetchone()  # noqa: S608
        if row is None or newest is None or entry > newest[0]:
            raise LogError(f"There is no entry {entry} in the log. See them with: klapp audit show")
        try:
            path = log.tree.inclusion(entry - 1, newest[0])
        except MissingNode:
            raise LogError(GONE) from None
    leaf, root = leaf_of(tuple(row)), parse(newest[1])[0].root
    if not proves_inclusion(entry - 1, newest[0], leaf_hash(leaf), path, root):
        raise LogError(f"Entry {entry} can not be proved: the log was changed. See: klapp audit verify")
    return {
        "key": log.signer.verifier,
        "entry": entry,
        "text": leaf.decode(),
        "proof": [hash.hex() for hash in path],
        "checkpoint": newest[1],
    }


def consistency(log: Log, older: str) -> dict[str, Any]:
    """The proof that the log only grew since ``older``, a signed checkpoint. Raises LogError where it did not."""
    try:
        checkpoint = log.signer.open(older)
    except BadNote as error:
        raise LogError(str(error)) from None
    with log.lock:
        newest = log.tree.newest()
        if newest is None or not 0 < checkpoint.size <= newest[0]:
            raise LogError(
                f"That checkpoint is of {counted(checkpoint.size, 'entry', 'entries')}, and the log has {newest[0] if newest else 0:,}: it was "
                "set back. See: klapp audit verify"
            )
        try:
            path = log.tree.consistency(checkpoint.size, newest[0])
        except MissingNode:
            raise LogError(GONE) from None
    if not proves_consistency(checkpoint.size, newest[0], checkpoint.root, parse(newest[1])[0].root, path):
        raise LogError("The log does not continue that checkpoint: its beginning was written anew.")
    return {
        "key": log.signer.verifier,
        "since": older,
        "proof": [hash.hex() for hash in path],
        "checkpoint": newest[1],
    }
