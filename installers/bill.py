"""The bill of materials: every package of a build in CycloneDX 1.6, made from the packages that lie in it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from installers.building import ROOT, BuildError, put, run

VERSION = "1.6"


def write(packages: Path, into: Path, scratch: Path) -> Path:
    """Write the bill of a folder of packages to a file, and hold it against the schema.

    Raises:
        BuildError: where it is not valid.
    """
    # The tool asks a Python for its folders; this one answers with the folder that is built and nothing else.
    asked = put(scratch / "python", f"#!{sys.executable}\nprint({json.dumps([str(packages)])!r})\n", 0o755)
    tool = Path(sys.executable).with_name("cyclonedx-py")
    run(
        tool, "environment", "--spec-version", VERSION, "--output-format", "JSON", "--output-reproducible",
        "--validate", "--pyproject", ROOT / "pyproject.toml", "--mc-type", "application", "--output-file", into, asked,
    )  # fmt: skip
    check(into.read_text(encoding="utf-8"))
    return into


def check(text: str) -> None:
    """Hold a bill against CycloneDX's own schema; raises BuildError."""
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    problem = JsonStrictValidator(SchemaVersion.from_version(VERSION)).validate_str(text)
    if problem is not None:
        raise BuildError(f"The bill of materials is not valid: {problem}")
