"""A whole klapp in a temporary folder, for tests: real disk, real SQLCipher, a person's home of its own."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from klapp.agent import Agent
from klapp.home import Home
from klapp.network import Broker
from klapp.notices import Kind, TerminalDisplay
from klapp.notices.deck import Showing
from klapp.vault.keys import Vault, open_vault
from klapp.vault.stretching import Cost

CHEAP = Cost(memory_kib=1024, passes=1, lanes=1)
PASSPHRASE = "correct horse battery"
NOW = datetime(2026, 11, 20, 9, 30)


class Told(TerminalDisplay):
    """A display that remembers: ``notices`` what was told, ``summaries`` what klapp told of the work by itself."""

    def __init__(self) -> None:
        super().__init__(lambda line: None)
        self.notices: list[tuple[str, str]] = []
        self.summaries: list[tuple[str, str]] = []

    def present(self, showing: Showing) -> int:
        told = self.summaries if showing.kind is Kind.SUMMARY else self.notices
        told.append((showing.title, showing.text))
        return 0

    def show(self, title: str, text: str) -> None:
        self.notices.append((title, text))


class House:
    """A home folder (``person``), klapp's state in it, and what was told."""

    def __init__(self, root: Path) -> None:
        self.person = root / "person"
        self.person.mkdir(parents=True, exist_ok=True)
        self.home = Home(root / "state").prepare()
        self.told = Told()
        self._vault: Vault | None = None
        self.broker: Broker | None = None

    def reopened(self, passphrase: str) -> House:
        """The same house, its vault opened anew."""
        self._vault = open_vault(self.home.path, lambda _: passphrase, use_keyring=False, cost=CHEAP)
        return self

    def agent(self, *, sandboxed: bool = True) -> Agent:
        """A fresh agent on this house; close it. ``sandboxed`` False has it do everything in this process."""
        if self._vault is None:
            self._vault = open_vault(self.home.path, lambda _: PASSPHRASE, use_keyring=False, cost=CHEAP)
        return Agent(
            self.home,
            self._vault,
            self.told,
            person=str(self.person),
            clock=lambda: NOW,
            sandboxed=sandboxed,
            broker=self.broker,
        )

    def coworker(self, text: str, name: str = "one") -> Path:
        """Put a coworker's file there."""
        path = self.home.coworkers / f"{name}.klr"
        path.write_text(text, encoding="utf-8")
        return path

    def file(self, path: str, content: bytes = b"", modified: datetime = NOW) -> Path:
        """Put a file into the person's home."""
        place = self.person / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        os.utime(place, (modified.timestamp(), modified.timestamp()))
        return place

    def tree(self) -> dict[str, tuple[bytes, int, int]]:
        """Every file of the person but the trash: (content, modified in ns, mode) by path; folders with None content."""
        return tree(self.person)


def tree(root: Path) -> dict[str, tuple[bytes, int, int]]:
    """Every file and folder below ``root`` but the trash."""
    found: dict[str, tuple[bytes, int, int]] = {}
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in (".local", ".Trash"))
        for name in files:
            path = Path(folder, name)
            status = path.stat()
            found[str(path.relative_to(root))] = (path.read_bytes(), status.st_mtime_ns, status.st_mode)
        for name in folders:
            found[str(Path(folder, name).relative_to(root)) + "/"] = (b"", 0, 0)
    return found


def reports(items: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The reports of a run, without the words on how far it is."""
    return [item["report"] for item in items if "report" in item]


def until(look: Callable[[], object], seconds: float = 20) -> None:
    """Wait for what is to come about. Raises AssertionError where it does not."""
    end = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)
