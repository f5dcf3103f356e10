"""``klapp audit``: what can be asked of the log as a whole."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from klapp.cli.connection import Source, connected
from klapp.cli.output import FINE, PROBLEMS, Complaint, WrongUsage, progress, say, say_json
from klapp.counts import counted
from klapp.files.shown import shown

LONGEST_NOTE = 1 << 16
MOST_SHOWN = 20


def audit(options: argparse.Namespace) -> int:
    """``klapp audit WHAT``."""
    commands: dict[str, Callable[[argparse.Namespace], int]] = {
        "verify": verify,
        "witness": witness,
        "prove": prove,
        "show": show,
        "export": export,
        "erase": erase,
        "retain": retain,
        "inputs": inputs,
    }
    return commands[options.what](options)


def _asked(source: Source, what: str, **arguments: Any) -> Iterator[dict[str, Any]]:
    """The items of an answer; the words on how far it is go to a waiting person."""
    for item in source.stream("audit", what=what, **arguments):
        if "progress" in item:
            progress(f"{item['progress']:,} of {item['of']:,} {item.get('what', 'entries')}")
        else:
            progress("")
            yield item


def verify(options: argparse.Namespace) -> int:
    """``klapp audit verify``: exit code 1 where something was changed."""
    kept = [(path, _note(path)) for path in options.witness]
    with connected(options) as source:
        (found,) = _asked(source, "verify", kept=kept)
    if options.format == "json":
        say_json(found)
    elif found["problem"]:
        say(f"{found['problem']}\nThis is: {found['kind']}. Somebody or something other than klapp wrote to the log.")
        say("Bring it back from a backup, and find out who could write to this computer.")
    else:
        say(
            f"All {counted(found['entries'] - found['let_go'], 'entry', 'entries')} of the log are as they were written."
        )
        if found["let_go"]:
            say(f"{_were(found['let_go'], 'older one')} let go by retention, and signed for.")
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
        path = os.path.abspath(options.path) if options.path else None
        found = source.call("audit", what="witness", path=path)
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
        say_json(source.call("audit", what="prove", entry=options.entry, since=since))
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


# -- looking ----------------------------------------------------------------------------------------------------------


def _wanted(options: argparse.Namespace) -> dict[str, Any]:
    """The filters of ``show`` and ``export``."""
    return {
        "kinds": options.kind,
        "coworker": options.coworker,
        "since": _nanoseconds(options.since),
        "until": _nanoseconds(options.until),
        "run": options.run,
        "outcome": options.outcome,
        "file": os.path.abspath(os.path.expanduser(options.file)) if options.file else None,
        "text": options.text,
    }


def _nanoseconds(moment: datetime | None) -> int | None:
    """A moment of this place's time, in ns since 1970."""
    return int(moment.timestamp()) * 10**9 if moment is not None else None


def show(options: argparse.Namespace) -> int:
    """``klapp audit show``: a page of entries, the newest first."""
    with connected(options) as source:
        asked = _asked(source, "show", wanted=_wanted(options), before=options.before, limit=options.limit)
        entries = [item["entry"] for item in asked]
    if options.format == "json":
        say_json(entries, lines=True)
        return FINE
    for entry in entries:
        moment = datetime.fromtimestamp(entry["time"] / 1e9)
        who = ", ".join(filter(None, (entry["who"], entry["from"])))
        say(f"{entry['entry']:>7}  {moment:%Y-%m-%d %H:%M:%S}  {who}")
        say("\n".join("         " + line for line in entry["says"].split("\n")))
    if not entries:
        say("Nothing in the log is like that.")
    elif len(entries) == options.limit:
        say(f"Older ones: klapp audit show --before {entries[-1]['entry']}, with the same filters.")
    return FINE


def export(options: argparse.Namespace) -> int:
    """``klapp audit export``: to a file that must not be there yet, or to standard output."""
    count = 0
    with connected(options) as source:
        items = _asked(source, "export", form=options.form, wanted=_wanted(options), subject=options.subject)
        with _goal(options.output) as goal:
            for item in items:
                if "text" in item:
                    goal.write(item["text"])
                else:
                    count = item["entries"]
    sys.stderr.write(
        f"{_were(count, 'entry', 'entries')} exported" + (f" to {options.output}.\n" if options.output else ".\n")
    )
    return FINE


def _goal(path: str | None) -> Any:
    if path is None:
        return _Standard()
    try:
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8", newline="")
    except FileExistsError as error:
        raise Complaint(f"{path} is there already. Name another file.") from error


class _Standard:
    """Standard output, left open at the end."""

    def __enter__(self) -> _Standard:
        return self

    def __exit__(self, *_: object) -> None:
        sys.stdout.flush()

    def write(self, text: str) -> None:
        """As UTF-8, whatever the terminal thinks."""
        sys.stdout.buffer.write(text.encode())


# -- letting go -------------------------------------------------------------------------------------------------------


def erase(options: argparse.Namespace) -> int:
    """``klapp audit erase``: says what it would erase, and asks."""
    choice = {
        "coworker": options.coworker,
        "subject": options.subject,
        "before": _nanoseconds(options.before),
        "rules": options.rules,
        "copies": options.copies,
    }
    if not (choice["coworker"] or choice["subject"] or choice["before"]):
        raise WrongUsage("Say what to erase: --coworker NAME, --subject TEXT, --before DATE, or several of them.")
    with connected(options) as source:
        (found,) = _asked(source, "erase", **choice)
        if (found["entries"] or found["copies"]) and (options.yes or _agreed(found)):
            (found,) = _asked(source, "erase", **choice, do=True)
    if options.format == "json":
        say_json(found)
        return FINE
    if found["erased"]:
        say(
            f"The values of {_counted(found)} were erased: they can no longer be explained, replayed or undone. That they "
            "were there, when, and how they ended is still in the log, and it still verifies."
        )
        say("Copies of klapp's folder that you made before, such as backups, still hold them: erase those too.")
        if found["copies"]:
            say(f"{_copies(found['copies'])} removed with them.")
    elif not (found["entries"] or found["copies"]):
        say("No values in the log, and no kept copy, are like that. Nothing was erased.")
    else:
        say("Nothing was erased.")
    _tell_unread(found["unread"])
    for name in found["rules_left"]:
        say(f'The rules of "{name}" mention it as well. They were left; erase what was done by them too with --rules.')
    if found["open_runs"]:
        say(f"Left out, since not ended: {counted(len(found['open_runs']), 'run')}. Erase again when that has changed.")
    return FINE


def _copies(count: int) -> str:
    return _were(count, "kept copy of a replaced file", "kept copies of replaced files")


def _were(count: int, one: str, many: str = "") -> str:
    return f"{counted(count, one, many)} {'was' if count == 1 else 'were'}"


def _tell_unread(unread: list[dict[str, Any]]) -> None:
    if not unread:
        return
    say("These kept copies of replaced files could not be searched for it, and stay:")
    for one in unread[:MOST_SHOWN]:
        where = f"{shown(one['path'])} (run {one['run']})" if one["run"] else "one of which the log tells no more"
        say(f"  {where}: {one['why']}.")
    if len(unread) > MOST_SHOWN:
        say(f"  and {len(unread) - MOST_SHOWN:,} more; see all with --format json")
    say("Remove all of them, so that these files can not be brought back by an undo, with --copies.")


def _counted(found: dict[str, Any]) -> str:
    entries, runs = found["entries"], found["runs"]
    return f"{counted(entries, 'entry', 'entries')}, of {counted(runs, 'run')},"


def _agreed(found: dict[str, Any]) -> bool:
    say(
        f"This erases the values of {_counted(found)} for good; the runs can then not be explained, replayed or undone."
    )
    if found["copies"]:
        say(
            f"Gone with them: {counted(found['copies'], 'kept copy of a replaced file', 'kept copies of replaced files')}."
        )
    _tell_unread(found["unread"])
    if not sys.stdin.isatty():
        raise Complaint("Nobody is here to ask. Erase without a question with --yes.")
    return input("Erase them? [y/N] ").strip().lower() in ("y", "yes")


def retain(options: argparse.Namespace) -> int:
    """``klapp audit retain``: the rule for how much of the log is kept."""
    change = options.forever or options.days is not None or options.megabytes is not None
    with connected(options) as source:
        found = source.call("audit", what="retain", days=options.days, megabytes=options.megabytes, change=change)
    if options.format == "json":
        say_json(found)
        return FINE
    kept = [f"for {counted(found['days'], 'day')}"] if found["days"] else []
    kept += [f"as long as the log takes no more than {found['megabytes']:,} MB"] if found["megabytes"] else []
    say(f"Entries are kept {' and '.join(kept) or 'for ever'}.")
    if found["let_go"]:
        say(f"{_were(found['let_go'], 'entry', 'entries')} let go now, and signed for.")
    return FINE


def inputs(options: argparse.Namespace) -> int:
    """``klapp audit inputs``: up to which size the files that start runs are hashed."""
    change = options.any or options.none or options.megabytes is not None
    size = 0 if options.none else None if options.any else options.megabytes
    with connected(options) as source:
        found = source.call("audit", what="inputs", **({"megabytes": size, "change": True} if change else {}))
    if options.format == "json":
        say_json(found)
        return FINE
    limit = found["megabytes"]
    which = "each file" if limit is None else f"each file of up to {limit:g} MB" if limit else "no file"
    say(f"The content of {which} that starts a run is hashed (SHA-256) for the log.")
    if limit is not None:
        say("Of others, the log has name, size, time and place on the disk, and what a run read of them.")
    return FINE
