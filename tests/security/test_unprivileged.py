"""The escapes once more as ``nobody``: root's tests could pass by what only root may do, and people are not root."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.skipif(
        not sys.platform.startswith("linux") or os.geteuid() != 0 or not shutil.which("setpriv"),
        reason="without root, all tests run as an ordinary user already",
    ),
    pytest.mark.xdist_group("worker"),
]
ROOT = Path(__file__).parents[2]
NOBODY = 65534


def hidden(path: Path) -> Path | None:
    """The topmost folder on the way to a path through which only its owner may go."""
    return next((one for one in (*reversed(path.parents), path) if not one.stat().st_mode & 1), None)


def shown() -> Iterator[str]:
    """Commands for a mount namespace of our own, in which everybody reaches Python and klapp where they are."""
    needed = {Path(place).resolve() for place in (sys.base_prefix, sys.prefix, ROOT)}
    covers = {path: cover for path in sorted(needed) if (cover := hidden(path)) is not None}
    for number, path in enumerate(covers):
        yield f'mkdir "$1/{number}" && mount --bind "{path}" "$1/{number}"'
    for cover in sorted(set(covers.values())):
        yield f'mount -t tmpfs -o mode=755 klapp "{cover}"'
    for number, path in enumerate(covers):
        yield f'mkdir -p "{path}" && mount --bind "$1/{number}" "{path}"'


def test_no_escape_is_open_to_an_ordinary_user() -> None:
    with tempfile.TemporaryDirectory(prefix="klapp-nobody-") as folder:
        own, mounts = Path(folder, "own"), Path(folder, "mounts")
        own.mkdir()
        mounts.mkdir()
        os.chmod(folder, 0o755)  # nobody must get through it
        os.chown(own, NOBODY, NOBODY)
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(own),
            "PYTHONDONTWRITEBYTECODE": "1",
            "HYPOTHESIS_STORAGE_DIRECTORY": f"{own}/hypothesis",
            **{name: value for name, value in os.environ.items() if name.startswith("KLAPP_TEST_")},
        }
        become = f"setpriv --reuid={NOBODY} --regid={NOBODY} --clear-groups --bounding-set=-all --inh-caps=-all"
        tests = (
            f'"{sys.executable}" -m pytest -p no:cacheprovider --basetemp="{own}/tests" tests/security/test_worker.py'
        )
        script = " && ".join([*shown(), f'cd "{ROOT}" && {become} id -u && exec {become} {tests}'])
        begin = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", str(mounts)]
        ran = subprocess.run(begin, env=environment, capture_output=True, text=True, timeout=300)
        if "unshare" in ran.stderr or "mount:" in ran.stderr:
            pytest.skip(f"this machine does not let root mount: {ran.stderr.strip()}")
        assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr
        assert ran.stdout.startswith(f"{NOBODY}\n"), ran.stdout
        assert " passed" in ran.stdout
        assert "skipped" not in ran.stdout, ran.stdout
