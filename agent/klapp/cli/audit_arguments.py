"""The grammar of ``klapp audit``."""

from __future__ import annotations

import argparse
from collections.abc import Callable

Add = Callable[..., argparse.ArgumentParser]


def add_audit(audit: argparse.ArgumentParser, add: Add) -> None:
    """The commands below ``klapp audit``; ``add`` makes one as the other commands are made."""
    commands = audit.add_subparsers(dest="what", metavar="WHAT", required=True)
    verify = add(commands, "verify", "find what was changed in the log, entry by entry", data=True)
    verify.add_argument(
        "--witness",
        action="append",
        default=[],
        metavar="FILE",
        help="hold the log against the checkpoint in this file too",
    )
    witness = add(
        commands, "witness", "keep the newest checkpoint outside of klapp's folder, or show it and the key", data=True
    )
    witness.add_argument("path", nargs="?", metavar="PATH", help="a file for klapp to keep it in, best on another disk")
    prove = add(commands, "prove", "write a proof that others can check without klapp (docs/check_proof.py)")
    prove.add_argument("entry", nargs="?", type=int, metavar="ENTRY", help="prove that this entry is in the log")
    prove.add_argument("--since", metavar="FILE", help="prove that the log only grew since the checkpoint in this file")
