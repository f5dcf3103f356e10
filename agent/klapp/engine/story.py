"""The story of a run in plain words: what started it, what was decided and why, what was done, what could be taken back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from klapp.audit.log import Entry
from klapp.engine.executor import Engine
from klapp.engine.record import Logged
from klapp.engine.replay import Load, text_of
from klapp.engine.undo import would_take_back
from klapp.files.shown import shown
from klapp.operations import Notify, Open
from klr.effects import MAIL_GIVEN

LONGEST = 80
"""Characters of a value in a story; a trace tells more of it."""
YES, NO = "yes", "no"


def story_of(
    engine: Engine, logged: Logged, entries: Sequence[Entry], account: dict[str, Any], load: Load
) -> dict[str, Any]:
    """The story of a run, made of its ``account`` with ``steps``, as ``klapp.engine.replay.explain`` gives it.

    {"began": a sentence, "decided": sentences, "did": sentences in the past tense, "back": {"possible", "why", "how"}};
    ``how`` are sentences of what an undo would do now, ``why`` says why it would not.
    """
    return {
        "began": _began(engine, logged, entries[0], load),
        "decided": decisions(account["steps"]),
        "did": [effect["sentence"] for effect in account["effects"]],
        "back": _back(engine, logged, account),
    }


def decisions(steps: Sequence[dict[str, Any]]) -> list[str]:
    """The conditions of a traced run, each with its answer and the values that it saw; and the wishes that were refused."""
    told: list[str] = []
    seen: dict[str, str] = {}
    for index, step in enumerate(steps):
        if index and steps[index - 1]["line"] != step["line"]:
            seen = {}
        if step.get("act"):
            if step["value"].startswith("was refused"):
                told.append(f"Line {step['line']}: {step['text']} {step['value']}")
        elif step["value"] in (YES, NO):
            if not _part_of(step, steps[index + 1 :]):
                saw = ", ".join(f"{name}: {value}" for name, value in seen.items())
                told.append(
                    f"Line {step['line']}: {step['text']}? {step['value'].title()}.{f' ({saw})' if saw else ''}"
                )
                seen = {}
        elif step["value"] is not None and not step["text"].startswith('"'):
            seen[step["text"]] = _short(step["value"])
    return told


def _part_of(step: dict[str, Any], behind: Sequence[dict[str, Any]]) -> bool:
    """Whether a condition is only a part of one that follows on its line."""
    for other in behind:
        if other["line"] != step["line"] or other.get("act"):
            return False
        if other["value"] in (YES, NO) and step["text"] in other["text"] and step["text"] != other["text"]:
            return True
    return False


def _short(value: str) -> str:
    return value if len(value) <= LONGEST else value[: LONGEST - 1] + "\N{HORIZONTAL ELLIPSIS}"


def _began(engine: Engine, logged: Logged, first: Entry, load: Load) -> str:
    body = logged.body
    by = "" if first.origin == "agent" or first.origin.startswith("trigger") else f" from the {first.origin}"
    person = f" by {shown(first.who)}" if first.who and by else ""
    if body.get("undoes") is not None:
        return f"Run {body['undoes']} was taken back{by}{person}."
    text = text_of(engine.log, body)
    line = load(text).rules[body["rule"]].line
    cause = f"{text.splitlines()[line - 1].strip()} (line {line})"
    file, mail = body.get("file"), body.get("settings", {}).get(MAIL_GIVEN)
    about = f", for {shown(file['f'][0])}" if file else f", for the mail {shown(mail['mail'][2])}" if mail else ""
    started = f" It was started{by}{person}." if by else ""
    return f"The rule is: {cause}{about}.{started}"


def _back(engine: Engine, logged: Logged, account: dict[str, Any]) -> dict[str, Any]:
    if not account["effects"]:
        return {"possible": False, "why": "It changed nothing, so there is nothing to take back.", "how": []}
    steps, refusal = would_take_back(engine, logged)
    how = [step.operation.sentence() for step in steps]
    if any(effect["operation"]["do"] in (Notify.kind, Open.kind) for effect in account["effects"]):
        how.append("left notices and opened apps as they are")
    return {"possible": not refusal, "why": refusal, "how": how}
