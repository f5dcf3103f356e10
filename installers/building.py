"""What all three builders do: klapp's wheel, the locked wheels of a system laid out in a folder, one moment on every file."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "installers/product.lock"
PYTHONS = ("3.11", "3.12", "3.13")
LEFT_BY_PIP = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", "uv_build.json")
"""They name this machine, or say that pip looks after a package; dpkg and the other installers do that."""


class BuildError(Exception):
    """The package can not be built; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Target:
    """A system that wheels are chosen for: uv's name of the platform, and the Python of the package."""

    platform: str
    python: str


def project() -> dict[str, Any]:
    """The ``[project]`` table of pyproject."""
    table: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return table


def moment() -> datetime:
    """The moment of the build, from ``SOURCE_DATE_EPOCH``; raises BuildError where that is not set."""
    given = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not given.isdecimal():
        raise BuildError("SOURCE_DATE_EPOCH must be set to the seconds since 1970; the build scripts do so.")
    return datetime.fromtimestamp(int(given), UTC)


def fresh(folder: Path) -> Path:
    """The folder, empty."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def put(path: Path, content: str | bytes, mode: int = 0o644) -> Path:
    """Write a file with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(mode)
    return path


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    """Run a tool; its output. Raises BuildError with what it said where it fails."""
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode:
        raise BuildError(f"{Path(command[0]).name} failed:\n{done.stdout}")
    return done.stdout


def wheel(into: Path) -> Path:
    """Build klapp's own wheel."""
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", into)
    return next(into.glob("klapp-*.whl"))


def stage(target: Target, klapp: Path, into: Path) -> None:
    """Lay the locked wheels of a system, and klapp's, out in a folder of packages; each is held to its hash."""
    uv = (Path(sys.executable).parent / "uv", "pip", "install", "--quiet", "--no-deps", "--link-mode", "copy")
    where = ("--python-platform", target.platform, "--python-version", target.python, "--target", into)
    run(*uv, *where, "--python", sys.executable, "--only-binary", ":all:", "--require-hashes", "-r", LOCK)
    run(*uv, *where, "--python", sys.executable, klapp)
    # Commands of the packages: only klapp's own are wanted, and each installer writes those its own way.
    for folder in ("bin", "Scripts"):
        shutil.rmtree(into / folder, ignore_errors=True)
    for file in into.glob("*.dist-info/*"):
        if file.name in LEFT_BY_PIP:
            file.unlink()
    (into / ".lock").unlink(missing_ok=True)


def settle(folder: Path) -> None:
    """Give every file below the build's moment, and modes that depend on nothing but whether it can be run."""
    at = int(moment().timestamp())
    for path in [*folder.rglob("*"), folder]:
        if not path.is_symlink():
            runs = path.is_dir() or (path.stat().st_mode & 0o100 and path.suffix != ".py" and ".so" not in path.name)
            path.chmod(0o755 if runs else 0o644)
        os.utime(path, (at, at), follow_symlinks=False)


def checksums(folder: Path) -> Path:
    """Write ``SHA256SUMS`` for the files of a folder, as ``sha256sum --check`` reads it."""
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.name != "SHA256SUMS")
    lines = (f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files)
    return put(folder / "SHA256SUMS", "".join(lines))
