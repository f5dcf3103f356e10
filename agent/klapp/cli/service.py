"""``klapp agent`` and ``klapp demo``."""

from __future__ import annotations

import argparse
import io
import sys
from contextlib import ExitStack

from klapp.cli.connection import home_of, open_agent
from klapp.cli.output import FINE, Complaint, say


def agent(options: argparse.Namespace) -> int:
    """``klapp`` and ``klapp agent [--headless]``."""
    from klapp.console import Console
    from klapp.service import Service
    from klapp.single import AlreadyRunning, hold

    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # whoever keeps our lines gets each one as it is said
    home = home_of(options)
    try:
        with (
            hold(home.path),
            open_agent(options, home) as facade,
            ExitStack() as closing,
        ):
            service = Service(facade, say)
            console = Console(service)
            service.open_page = console.open  # before it answers anybody
            closing.enter_context(service)
            closing.callback(console.close)
            if options.headless:
                say(f"klapp is at work, with its state in {home.path}. Stop it with Ctrl+C.")
                service.wait()
            else:
                _in_tray(service)
    except AlreadyRunning as error:
        raise Complaint(str(error)) from error
    return FINE


def _in_tray(service: object) -> None:
    from klapp.service import Service
    from klapp.tray import NoTray, Tray

    assert isinstance(service, Service)
    try:
        tray = Tray(service, say)
        service.on_change = tray.update
        tray.run()
        if not service.stopped.is_set():
            say("The tray is gone. klapp goes on without an icon; stop it with Ctrl+C.")
            service.wait()
    except NoTray as error:
        say(f"{error} klapp goes on without an icon; stop it with Ctrl+C.")
        service.wait()


def demo(options: argparse.Namespace) -> int:
    """``klapp demo``."""
    from klapp.demo.show import show

    return show(options.folder, say)
