"""How counts read."""

from __future__ import annotations

import re
from pathlib import Path

from klapp.counts import counted

SOURCES = Path(__file__).parents[2] / "agent" / "klapp"
BY_HAND = re.compile(r"""'' if [^'{}]+ == 1 else 's'|'s' \* \(|== 1 else 'ies'""")


def test_one_is_one_and_all_else_is_many() -> None:
    assert [counted(count, "run") for count in (0, 1, 2, 1204)] == ["0 runs", "1 run", "2 runs", "1,204 runs"]
    assert [counted(count, "entry", "entries") for count in (0, 1, 2)] == ["0 entries", "1 entry", "2 entries"]


def test_nobody_writes_it_by_hand() -> None:
    found = [
        f"{path.relative_to(SOURCES)}:{number}: {line.strip()}"
        for path in SOURCES.rglob("*.py")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if BY_HAND.search(line)
    ]
    assert found == []
