"""``klapp audit``: what can be asked of the log as a whole."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

from klapp.cli.connection import connected
from klapp.cli.output import FINE, PROBLEMS, Complaint, WrongUsage, progress, say, say_json

LONGEST_NOTE = 1 << 16


def audit(options: argparse.Namespace) -> int:
    """``klapp audit WHAT``."""
    commands = {"verify": verify, "witness": witness, "prove": prove}
    return commands[options.what](options)


def verify(options: argparse.Namespace) -> int:
    """``klapp audit verify``: exit code 1 where something was changed."""
    kept = [(path, _note(path)) for path in options.witness]
    found: dict[str, Any] = {}
    with connected(options) as source:
        for item in source.stream("verify", kept=kept):
            if "progress" in item:
                progress(f"{item['progress']:,} of {item['of']:,} entries")
            else:
                found = item
    progress("")
    if options.format == "json":
        say_json(found)
    elif found["problem"]:
        say(f"{found['problem']}\nThis is: {found['kind']}. Somebody or something other than klapp wrote to the log.")
        say("Bring it back from a backup, and find out who could write to this computer.")
    else:
        say(
            f"All {found['entries']:,} entries of the log are as they were written: none was changed, removed or moved."
        )
        places = ", ".join(found["witnesses"])
        say(f"They continue what {places} knows." if places else _UNWITNESSED)
    if found["missing"] and options.format == "text":
        say(f"{found['missing']}, where you wanted the newest checkpoint kept, is not there.")
    return PROBLEMS if found["problem"] else FINE


_UNWITNESSED = (
    "No checkpoint is kept outside of klapp's folder, so setting back the whole folder would not show. "
    "Keep one with: klapp audit witness PATH"
)


def witness(options: argparse.Namespace) -> int:
    """``klapp audit witness [PATH]``."""
    with connected(options) as source:
        found = source.call("witness", path=os.path.abspath(options.path) if options.path else None)
    if options.format == "json":
        say_json(found)
        return FINE
    if options.path:
        say(f"From now on the newest checkpoint is kept in {found['path']} too.")
    say(f"The log's public key, for whoever wants to check its proofs:\n  {found['key']}\nThe newest checkpoint:")
    say("\n".join("  " + line for line in found["checkpoint"].splitlines()) or "  none yet")
    return FINE


def prove(options: argparse.Namespace) -> int:
    """``klapp audit prove ENTRY`` and ``klapp audit prove --since FILE``: a proof, as JSON."""
    if (options.entry is None) == (options.since is None):
        raise WrongUsage("Name either an entry or, with --since, the file of an older checkpoint.")
    since = _note(options.since) if options.since else None
    with connected(options) as source:
        say_json(source.call("prove", entry=options.entry, since=since))
    return FINE


def _note(path: str) -> str:
    """The checkpoint in a file, or in a proof."""
    try:
        with Path(path).open(encoding="utf-8", newline="") as file:
            text = file.read(LONGEST_NOTE)
    except OSError as error:
        raise Complaint(f"{path} can not be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise Complaint(f"{path} is not a checkpoint.") from error
    if text.startswith("{"):
        try:
            return str(json.loads(text)["checkpoint"])
        except (ValueError, KeyError) as error:
            raise Complaint(f"{path} is not a proof.") from error
    return text
