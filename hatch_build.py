"""Builds klapp's package: stores the parse tables of the grammar in it, so that nobody who runs klapp has to make them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CustomBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Runs before a wheel or an editable installation is made."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write ``dsl/klr/grammar.json``."""
        sys.path.insert(0, str(Path(self.root) / "dsl"))
        try:
            from klr.tables import store
        finally:
            sys.path.pop(0)
        store()
