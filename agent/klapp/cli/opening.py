"""``klapp open``: a coworker's text in the editor of klapp's page, or in the editor that the person has named."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from klapp import rpc
from klapp.addresses import editor
from klapp.cli.connection import home_of
from klapp.cli.output import FINE, Complaint, say

PATIENCE = 30.0
"""Seconds that an agent may take to begin; it may have to ask the keyring."""


def open(options: argparse.Namespace) -> int:
    """``klapp open FILE``. From a double click nobody reads what a command says: there a notice tells it, too."""
    try:
        return _open(options)
    except Complaint as complaint:
        if not sys.stderr.isatty():
            _show(str(complaint))
        raise


def _show(sentence: str) -> None:
    from klapp.notices.deck import alone
    from klapp.notices.displays import Away, best
    from klapp.notices.notice import message

    with suppress(Away):
        best(lambda _: None).present(alone(message("klapp", sentence), visible=True))


def _open(options: argparse.Namespace) -> int:
    home = home_of(options)
    path = Path(options.file).absolute()
    if path.suffix != ".klr" or not path.is_file():
        raise Complaint(f"{options.file} is no coworker: klapp opens files that end in .klr.")
    if named := os.environ.get("KLAPP_EDITOR"):
        _in_editor(path, named)
        return FINE
    way = _way(home.path, editor(path, home.coworkers))
    if webbrowser.open(Path(way["file"]).as_uri()):
        say("It opens in your browser.")
        return FINE
    say("Open this in your browser within a minute. It is good once, and only for you:")
    say(f"    {way['address']}")
    return FINE


def _in_editor(path: Path, named: str) -> None:
    from klapp.network.apps import AppError, open_with

    program = shutil.which(named)
    if program is None:
        raise Complaint(f"KLAPP_EDITOR names {named}, and there is no such program.")
    try:
        open_with(str(path), os.path.abspath(program))
    except AppError as error:
        raise Complaint(str(error)) from error


def _way(home: Path, page: str) -> dict[str, Any]:
    """The way into the page of the running agent; one is started where none runs."""
    try:
        return _asked(home, page)
    except rpc.NoAgent:
        pass
    command = [sys.executable, *(["-I"] if sys.flags.isolated else []), "-m", "klapp.cli.main", "agent"]
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    found = _when_there(lambda: _asked(home, page), lambda: process.poll() is not None)
    process.returncode = 0  # it lives on by itself, and Python does not warn that nobody waits for it
    if found is None:
        raise Complaint("klapp's agent does not start. See why with: klapp agent")
    return found


def _asked(home: Path, page: str) -> dict[str, Any]:
    try:
        way: dict[str, Any] = rpc.call(home, "console", {"path": page})
    except rpc.RpcError as error:
        raise Complaint(str(error)) from error
    return way


def _when_there(look: Callable[[], dict[str, Any]], over: Callable[[], bool]) -> dict[str, Any] | None:
    """What the agent answers as soon as it does; None where it has ended, or takes too long."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        ended = over()
        try:
            return look()
        except rpc.NoAgent:
            if ended:
                return None
            time.sleep(0.1)
    return None
