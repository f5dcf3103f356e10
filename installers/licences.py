"""What the shipped packages are licensed under: one declared table, held against the lock file and the packages' own word."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path

from installers.building import LOCK, BuildError

DECLARED = Path(__file__).with_name("licences.toml")
SHIPPABLE = frozenset(
    [
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "MIT",
        "MIT-0",
        "MIT-CMU",
        "PSF-2.0",
        "Zlib",
        "Unlicense",
        "LGPL-2.1-or-later",
        "LGPL-3.0-only",
    ]
)
"""SPDX identifiers that may be shipped beside Apache-2.0. The two LGPL ones: as plain Python files that can be replaced."""
SAID = {
    "MIT License": "MIT",
    "LGPLv3": "LGPL-3.0-only",
    "LGPLv2+": "LGPL-2.1-or-later",
    "PSF-2.0": "PSF-2.0",
    "zlib License": "Zlib",
    "BSD License": "BSD-3-Clause",
    "BSD": "",
    "Apache License, Version 2.0": "Apache-2.0",
}
"""Older packages' words for it, as SPDX; what is missing here counts as an SPDX expression itself."""


def name_of(name: str) -> str:
    """A package's name in its one spelling (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(lock: Path = LOCK) -> dict[str, str]:
    """Version by name of every package in a lock file."""
    found = re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", lock.read_text(encoding="utf-8"), re.MULTILINE)
    return {name_of(name): version for name, version in found}


def declared() -> dict[str, str]:
    """SPDX expression by name of every package that may be shipped."""
    table: dict[str, str] = tomllib.loads(DECLARED.read_text(encoding="utf-8"))["licence"]
    return table


def inside() -> dict[str, list[str]]:
    """What lies compiled within packages, by their names."""
    table: dict[str, list[str]] = tomllib.loads(DECLARED.read_text(encoding="utf-8"))["inside"]
    return table


def complaints(packages: dict[str, str], table: dict[str, str]) -> Iterator[str]:
    """A sentence for each package that is not declared or can not be shipped, and for each that is gone."""
    for name in sorted(packages):
        expression = table.get(name)
        if expression is None:
            yield f"{name} has no licence in {DECLARED.name}; look it up there, and write it down"
        elif not _shippable(expression):
            yield f"{name} is under {expression}, which klapp can not ship"
    for name in sorted(table.keys() - packages.keys()):
        yield f"{name} is in {DECLARED.name}, but klapp does not ship it"


def disagreements(folder: Path, table: dict[str, str]) -> Iterator[str]:
    """A sentence for each package of a folder that calls its licence something else than we do."""
    for package in sorted(distributions(path=[str(folder)]), key=lambda one: name_of(one.name)):
        expression, own = table.get(name_of(package.name)), said(package)
        if expression and own and own != expression:
            yield f"{package.name} {package.version} says that it is under {own}, {DECLARED.name} that it is under {expression}"


def held(folder: Path) -> None:
    """Hold a folder of packages against the table; raises BuildError with everything that is wrong."""
    table = declared()
    wrong = [*disagreements(folder, table)]
    for package in distributions(path=[str(folder)]):
        name = name_of(package.name)
        if name != "klapp" and name not in table:
            wrong.append(f"{name} has no licence in {DECLARED.name}")
    if wrong:
        raise BuildError("\n".join(wrong))


def said(package: Distribution) -> str:
    """The licence in a package's own metadata, as SPDX where its words are known; "" where it says nothing short."""
    words = package.metadata.get("License-Expression") or package.metadata.get("License") or ""
    if not words or len(words) > 40:
        classes = (one.rpartition(" :: ")[2] for one in package.metadata.get_all("Classifier") or ())
        words = next((one for one in classes if one in SAID), "")
    return SAID.get(words, words)


def texts(package: Distribution) -> list[tuple[str, str]]:
    """(file name, text) of the licences that lie in a package."""
    wanted = re.compile(r"LICEN[CS]E|COPYING|NOTICE|AUTHORS", re.IGNORECASE)
    files = sorted(path for path in information(package).rglob("*") if path.is_file() and wanted.search(path.name))
    return [(path.name, path.read_text(encoding="utf-8", errors="replace")) for path in files]


def information(package: Distribution) -> Path:
    """The ``.dist-info`` folder of a package that was laid out without a list of its files."""
    return Path(package._path)  # type: ignore[attr-defined]


def _shippable(expression: str) -> bool:
    """Whether every part of "A AND B", or one part of "A OR B", is known to be shippable."""
    if " OR " in expression:
        return any(map(_shippable, expression.split(" OR ")))
    return all(part in SHIPPABLE for part in expression.split(" AND "))
