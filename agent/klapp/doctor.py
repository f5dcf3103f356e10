"""Looks after this installation: what works, what does not, and what to do. Needs no key, and changes nothing."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from klapp.engine.probe import probe
from klapp.files.shown import shown
from klapp.home import Home
from klapp.sandbox.enforced import less_enforced, not_enforced
from klapp.sandbox.launch import HAS_WORKERS, launcher

FINE, ADVICE, WRONG = "fine", "advice", "wrong"
FEW_WATCHES = 65_536
"""Below this many watched folders for all programs of a person, a large tree may not fit beside an editor's."""
LITTLE_SPACE = 200_000_000
"""Bytes."""
PROC = Path("/proc")
ENFORCED = "See docs/sandbox.md for what each system enforces."


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found. ``state`` is "fine", "advice" or "wrong"; ``help`` is what to do, or ""."""

    check: str
    state: str
    message: str
    help: str = ""


def examine(home: Home) -> Iterator[Finding]:
    """Every check, one after the other. A check that itself fails is a finding, too."""
    for name, check in CHECKS.items():
        try:
            yield from check(name, home)
        except Exception as error:
            # Whatever is broken here is what the person wants to hear of, and the other checks with it.
            yield Finding(name, WRONG, f"This could not be looked at: {type(error).__name__}: {error}")


def _installation(name: str, home: Home) -> Iterator[Finding]:
    version = metadata.version("klapp")
    missing = []
    for requirement in metadata.requires("klapp") or ():
        wanted, _, marker = requirement.partition(";")
        if "extra ==" in marker or (marker and "linux" in marker and not sys.platform.startswith("linux")):
            continue
        package = wanted.split("[")[0].split("<")[0].split(">")[0].split("=")[0].split("~")[0].strip()
        try:
            metadata.version(package)
        except metadata.PackageNotFoundError:
            missing.append(package)
    if missing:
        help = "Install klapp anew: what it needs was removed, or was never there."
        yield Finding(name, WRONG, f"klapp {version} lacks: {', '.join(missing)}.", help)
    else:
        python = ".".join(map(str, sys.version_info[:3]))
        yield Finding(name, FINE, f"klapp {version} on Python {python}; everything that it needs is there.")


def _state_folder(name: str, home: Home) -> Iterator[Finding]:
    if not home.path.exists():
        yield Finding(name, FINE, f"There is no {home.path} yet; the first command that needs it makes it.")
        return
    if os.name != "posix":
        yield Finding(
            name, FINE, f"{home.path} is there. Who may read it is Windows's to say; klapp does not check it."
        )
        return
    wrong = list(_open_to_others(home.path))
    for path in wrong[:5]:
        yield Finding(name, WRONG, f"{shown(str(path))} can be read or changed by others.", f"chmod go= {path}")
    if home.path.stat().st_uid != os.geteuid():
        yield Finding(name, WRONG, f"{home.path} belongs to somebody else.", "Name another folder in KLAPP_HOME.")
    elif not os.access(home.path, os.W_OK):
        yield Finding(name, WRONG, f"{home.path} can not be written.", f"chmod u+rwx {home.path}")
    elif not wrong:
        yield Finding(name, FINE, f"{home.path} is closed to everybody else.")


def _open_to_others(path: Path) -> Iterator[Path]:
    """What in the state folder is open to others. Below a closed folder nothing is, whatever its own bits say."""
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        yield path
        yield from (one for one in sorted(path.iterdir()) if one.lstat().st_mode & 0o066 and not one.is_symlink())


def _space(name: str, home: Home) -> Iterator[Finding]:
    place = next(folder for folder in (home.path, *home.path.parents) if folder.exists())
    free = shutil.disk_usage(place).free
    if free < LITTLE_SPACE:
        help = "Make room: without it nothing can be logged, and what can not be logged is not done."
        yield Finding(name, WRONG, f"Only {free // 1_000_000} MB are free where klapp keeps its log ({place}).", help)
    else:
        yield Finding(name, FINE, f"{free // 1_000_000_000:,} GB are free where klapp keeps its log.")


def _proc(name: str, home: Home) -> Iterator[Finding]:
    if not sys.platform.startswith("linux"):
        yield Finding(name, FINE, "This system needs no /proc.")
    elif (PROC / "self" / "fd").is_dir() and (PROC / "self" / "mountinfo").exists():
        yield Finding(name, FINE, "/proc tells klapp of its own files and of the disks.")
    else:
        help = "Have it mounted (as root: mount -t proc proc /proc), or run klapp outside of this container or chroot."
        message = (
            f"{PROC} is missing or hidden. Without it no new file can be written whole or not at all, disks that come "
            "and go are not seen, and the local page can not tell whose connection it answers."
        )
        yield Finding(name, WRONG, message, help)


def _kept(name: str, home: Home) -> Iterator[Finding]:
    sizes = [path.stat().st_size for path in home.kept.iterdir()] if home.kept.is_dir() else []
    told = f"{sum(sizes) / 1_000_000:,.1f} MB are taken by kept copies of what coworkers replaced (see: klapp kept)."
    yield Finding(name, FINE, told)


def _sandbox(name: str, home: Home) -> Iterator[Finding]:
    lacking = not_enforced()
    if not HAS_WORKERS:
        yield from (Finding(name, ADVICE, sentence, ENFORCED) for sentence in lacking)
        return
    starts = launcher()
    found = probe(starts)
    if found.why or not found.works:
        why = found.why or "can not do what it may"
        yield Finding(name, WRONG, f"Coworkers can not run: their process {why}.", "Please report this.")
        return
    if not found.held and not lacking:
        help = "Please report this, with the version of your system."
        yield Finding(name, WRONG, "A process that should be held by the system could write where it must not.", help)
    yield from (Finding(name, WRONG, sentence, ENFORCED) for sentence in lacking)
    if found.held and not lacking:
        held = "A coworker is held to its folders" if starts.opens_folders else "A coworker's process can write no file"
        yield Finding(name, FINE, f"{held} by the system: tried just now. No network, no programs.")
    yield from (Finding(name, ADVICE, sentence, ENFORCED) for sentence in less_enforced())


def _keyring(name: str, home: Home) -> Iterator[Finding]:
    if os.environ.get("KLAPP_KEYRING") == "off":
        yield Finding(name, FINE, "The keyring is switched off (KLAPP_KEYRING=off); klapp asks for its passphrase.")
        return
    import keyring

    backend = keyring.get_keyring()
    kind = f"{type(backend).__module__}.{type(backend).__name__}"
    if backend.priority <= 0 or ".fail." in kind or ".null." in kind:
        help = "Unlock or install one (GNOME Keyring, KWallet), or go on with a passphrase."
        yield Finding(name, ADVICE, "No keyring answers here, so klapp asks for its passphrase at each start.", help)
    else:
        yield Finding(name, FINE, f"The system's keyring answers ({kind}).")


def _watching(name: str, home: Home) -> Iterator[Finding]:
    limits = Path("/proc/sys/fs/inotify")
    if not limits.is_dir():
        yield Finding(name, FINE, "This system sets no limit to how many folders can be watched.")
        return
    watches, instances = (int((limits / f"max_user_{what}").read_text()) for what in ("watches", "instances"))
    if watches < FEW_WATCHES or instances < 16:
        help = "As root: sysctl fs.inotify.max_user_watches=524288 fs.inotify.max_user_instances=512"
        message = f"Only {watches:,} folders can be watched, by {instances} programs; klapp looks at the rest in turn."
        yield Finding(name, ADVICE, message, help)
    else:
        yield Finding(name, FINE, f"{watches:,} folders can be watched.")


def _agent(name: str, home: Home) -> Iterator[Finding]:
    from klapp import rpc

    try:
        rpc.call(home.path, "ping", {})
    except rpc.NoAgent:
        help = "Start it with: klapp agent. Until then nothing happens by itself."
        yield Finding(name, ADVICE, "The agent does not run.", help)
    except rpc.RpcError as error:
        yield Finding(name, WRONG, f"The agent does not answer: {error}", "Stop it and start it again.")
    else:
        yield Finding(name, FINE, "The agent runs and answers.")


CHECKS: dict[str, Callable[[str, Home], Iterator[Finding]]] = {
    "installation": _installation,
    "state folder": _state_folder,
    "free space": _space,
    "proc": _proc,
    "kept copies": _kept,
    "sandbox": _sandbox,
    "keyring": _keyring,
    "watching": _watching,
    "agent": _agent,
}
