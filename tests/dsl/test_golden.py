"""What a person reads: every finding of each ``golden/*.klr``, held against the text beside it.

``UPDATE_GOLDEN=1 python -m pytest tests/dsl/test_golden.py`` writes the texts anew; read the difference before you keep it.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from klapp.vocabulary import VOCABULARY as AGENT
from klr.loader import load
from tests.dsl.words import VOCABULARY

GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.klr"))


@pytest.mark.parametrize("path", GOLDEN, ids=lambda p: p.stem)
def test_findings_read_as_they_should(path: Path) -> None:
    words = AGENT if path.stem.startswith("mail") else VOCABULARY  # what the agent alone can do
    loaded = load(path.read_text(encoding="utf-8"), words, path.name)
    text = "\n\n".join(found.render(loaded.source) for found in loaded.diagnostics) + "\n"
    expected = path.with_suffix(".txt")
    if os.environ.get("UPDATE_GOLDEN"):
        expected.write_text(text, encoding="utf-8")
    assert text == expected.read_text(encoding="utf-8")
    for found in loaded.diagnostics:
        data = found.to_json(loaded.source)
        assert data["line"] >= 1
        assert data["column"] >= 1
        assert (data["end_line"], data["end_column"]) >= (data["line"], data["column"])
        assert data["message"].endswith((".", "?"))
