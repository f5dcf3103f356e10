"""The coworkers that ship with klapp, as texts by name."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path


def shipped() -> dict[str, str]:
    """Text by name, such as "invoice-filer"; from the package, or, in a source tree, from its ``rules`` folder."""
    packaged = files("klapp").joinpath("rules")
    folder = packaged if packaged.is_dir() else Path(__file__).parents[2] / "rules"
    return {
        entry.name.removesuffix(".klr"): entry.read_text(encoding="utf-8")
        for entry in folder.iterdir()
        if entry.name.endswith(".klr")
    }


def about(text: str) -> str:
    """What a shipped coworker says that it does."""
    found = re.search(r'^about "(.*)"$', text, re.MULTILINE)
    return found[1] if found else ""
