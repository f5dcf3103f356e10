"""What the tests of the agent share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.agent.house import House


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """A person's home and klapp's state in a folder of the test's own, their trash included."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return House(tmp_path)
