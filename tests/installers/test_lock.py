"""The lock files: complete, held to hashes, fresh, free of hosts; and every licence known."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from installers.building import LOCK, project
from installers.licences import complaints, declared, disagreements, inside, locked, name_of
from packaging.requirements import Requirement

TOOLS = LOCK.with_name("tools.lock")
HERE = Path(pytest.__file__).parents[1]
ENTRY = re.compile(
    r"^[a-z0-9-]+(\[[a-z,-]+\])?==\S+( ; .+)? \\\n( {4}--hash=sha256:[0-9a-f]{64} \\\n)* {4}--hash=sha256:[0-9a-f]{64}\n"
)


@pytest.mark.parametrize("lock", [LOCK, TOOLS], ids=lambda path: path.name)
def test_every_entry_has_hashes_and_names_no_host(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    left = text
    while left:
        entry = ENTRY.match(left)
        assert entry, left[:200]
        left = left[entry.end() :]
    assert "://" not in text


def test_the_lock_satisfies_what_klapp_needs() -> None:
    versions = locked()
    for line in project()["dependencies"]:
        needed = Requirement(line)
        assert needed.specifier.contains(versions[name_of(needed.name)]), f"{line}: run installers/lock"


def test_what_builds_is_what_is_shipped() -> None:
    tools = locked(TOOLS)
    assert {name: tools[name] for name in locked()} == locked()


def test_every_licence_is_known_and_can_be_shipped() -> None:
    assert list(complaints(locked(), declared())) == []
    assert inside().keys() <= locked().keys()


def test_the_packages_say_the_same_of_themselves() -> None:
    assert list(disagreements(HERE, declared())) == []


def test_an_unknown_a_forbidden_and_a_forgotten_licence_are_told() -> None:
    told = list(
        complaints(
            {"new": "1", "bad": "1", "either": "1"},
            {"bad": "AGPL-3.0-only", "gone": "MIT", "either": "GPL-2.0-only OR MIT"},
        )
    )
    assert [line.partition(" ")[0] for line in told] == ["bad", "new", "gone"]


def test_a_package_that_changes_its_licence_is_told() -> None:
    told = list(disagreements(HERE, declared() | {"attrs": "Zlib"}))
    assert len(told) == 1
    assert "MIT" in told[0]
