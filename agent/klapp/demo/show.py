"""The demonstration: the main job of klapp on an embedded default, with the real engine, log and files."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from klapp.agent import Agent
from klapp.demo.papers import make_papers
from klapp.files.shown import shown
from klapp.home import Home
from klapp.notices import TerminalDisplay
from klapp.shipped import shipped
from klapp.vault.keys import open_vault

COWORKER = "paper-sorter"
Say = Callable[[str], None]


def show(folder: Path | None, say: Say) -> int:
    """Run the demonstration in ``folder``, which must be empty or missing (default: a new temporary one).

    Returns the exit code: 0 where everything went as it should.
    """
    scratch = _scratch(folder)
    if scratch is None:
        say(f"{folder} is not empty. Name an empty folder, or none for a new one.")
        return 1
    state = Home(scratch / "klapp-state").prepare()
    passphrase = _passphrase(scratch)
    inbox = scratch / "Inbox"
    inbox.mkdir()
    papers = make_papers(inbox)
    say(f"{len(papers)} papers have arrived in {inbox}:")
    for paper in sorted(papers):
        say(f"    {shown(paper.name)}")
    (state.coworkers / f"{COWORKER}.klr").write_text(shipped()[COWORKER], encoding="utf-8")
    vault = open_vault(state.path, lambda _: passphrase, use_keyring=False)
    with Agent(state, vault, TerminalDisplay(say), person=str(scratch)) as agent:
        reports = _work(agent, scratch, say)
        _explain(agent, reports, scratch, say)
    _go_on(scratch, state, reports, say)
    return 0 if reports and not any(report["outcome"] == "failed" for report in reports) else 1


def _scratch(folder: Path | None) -> Path | None:
    if folder is None:
        return Path(tempfile.mkdtemp(prefix="klapp-demo-")).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    return None if any(folder.iterdir()) else folder.resolve()


def _passphrase(scratch: Path) -> str:
    """A random passphrase for this scratch folder alone, in a file that the commands at the end can use."""
    passphrase = secrets.token_urlsafe(24)
    file = scratch / "passphrase"
    file.touch(mode=0o600)
    file.write_text(passphrase + "\n", encoding="utf-8")
    return passphrase


def _work(agent: Agent, scratch: Path, say: Say) -> Sequence[dict[str, Any]]:
    [coworker] = agent.overview()
    say(f'\nThe coworker "{coworker["name"]}" ({coworker["about"]}) asks to:')
    for line in coworker["may"]:
        say(f"    - {line}")
    say("klapp has proved that it can do nothing else. Here, and only here, it is approved for you.")
    agent.approve(COWORKER)
    say("\nIt goes to work:")
    reports = [item["report"] for item in agent.run(COWORKER) if "report" in item]
    for report in reports:
        reason = f": {report['reason']}" if report["reason"] else ""
        say(f"    run {report['run']}, {report['outcome']}{reason}  {_short(shown(report['file']), scratch)}")
        for effect in report["effects"]:
            say(f"        {_short(effect['sentence'], scratch)}")
    return reports


def _explain(agent: Agent, reports: Sequence[dict[str, Any]], scratch: Path, say: Say) -> None:
    moved = next((report for report in reports if report["effects"]), None)
    if moved is None:
        return
    say(f"\nWhy run {moved['run']} did what it did:")
    for step in agent.explain(moved["run"])["steps"]:
        value = f"  ->  {_short(str(step['value']), scratch)}" if step.get("value") is not None else ""
        say(f"    line {step['line']:>2}  {step['text']}{value}")


def _go_on(scratch: Path, state: Home, reports: Sequence[dict[str, Any]], say: Say) -> None:
    numbers = [report["run"] for report in reports] or [1]
    say(
        f"\nEverything lies in {scratch / 'Filed'}; look at it. Its log is encrypted; for the commands below, first set:"
    )
    say(f"    export KLAPP_HOME='{state.path}' KLAPP_KEYRING=off KLAPP_PASSPHRASE_FILE='{scratch / 'passphrase'}'")
    ours = os.path.abspath(sys.argv[0])
    command = "klapp" if shutil.which("klapp") or not ours.endswith("klapp") else ours
    say("Then:")
    for words, meaning in (
        ("log", "what was done"),
        (f"explain {numbers[0]}", "why"),
        (f"replay {numbers[0]}", "the same decisions again, from the log alone"),
        ("undo last", "everything back to where it was"),
    ):
        say(f"    {command} {words:<12}  {meaning}")
    say(f"For your own files, in a new terminal: {command} new NAME, then {command} approve NAME, then {command}.")


def _short(text: str | None, scratch: Path) -> str:
    return (text or "").replace(str(scratch), "~")
