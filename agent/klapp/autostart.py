"""Has klapp start when the person logs in, the way of each system. What is written is made by pure functions.

Linux knows two ways: an entry of the desktop (XDG Autostart Specification 0.5), for klapp with its icon, and a unit of the
person's own systemd, for machines without a screen. macOS has LaunchAgents, Windows the Run key of the person's part of
the registry. One way is on at a time. What is written ends with its own digest: what a person has changed, or somebody
else has made, is neither replaced nor removed unasked.
"""

from __future__ import annotations

import hashlib
import os
import plistlib
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from klapp.texts import write_whole

DESKTOP, SERVICE, LAUNCH, RUN_KEY = "desktop", "service", "launch agent", "run key"
WAYS = {"linux": (DESKTOP, SERVICE), "darwin": (LAUNCH,), "win32": (RUN_KEY,)}
IDENTIFIER = "klapp.klapp"
RUN = r"Software\Microsoft\Windows\CurrentVersion\Run"
MARK = "klapp wrote this, and nobody has changed it since: "
HARDENING = {
    # Nothing that needs a mount namespace: klapp has to reach the person's own folders, wherever they are, and its
    # workers take everything else from themselves (Landlock, seccomp), which these system calls are for.
    "NoNewPrivileges": "yes",
    "LockPersonality": "yes",
    "RestrictNamespaces": "yes",
    "RestrictRealtime": "yes",
    "RestrictSUIDSGID": "yes",
    "RestrictAddressFamilies": "AF_UNIX AF_INET AF_INET6 AF_NETLINK",
    "SystemCallArchitectures": "native",
    "SystemCallErrorNumber": "EPERM",
    "SystemCallFilter": "@system-service seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self",
}


class AutostartError(Exception):
    """It can not be switched; the message is a sentence for a person."""


class Registry(Protocol):
    """The values of the Run key."""

    def get(self, name: str) -> str | None: ...
    def set(self, name: str, value: str) -> None: ...
    def delete(self, name: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Status:
    """``way`` is the one that is on, or ""; ``places`` are the files, or the key, that say so; ``changed`` those of them
    that are not as klapp wrote them."""

    way: str
    places: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


# -- what is written --------------------------------------------------------------------------------------------------


def desktop_entry(command: Sequence[str], environment: Mapping[str, str]) -> str:
    """The entry in ~/.config/autostart."""
    words = [*(["env", *(f"{name}={value}" for name, value in environment.items())] if environment else []), *command]
    line = " ".join(map(_desktop_word, words))
    return _sealed(
        "[Desktop Entry]\nType=Application\nName=klapp\nComment=Small, readable automations for your own files\n"
        f"Exec={line}\nIcon=klapp\nTerminal=false\nX-GNOME-Autostart-enabled=true\n",
        "# {}",
    )


def unit(command: Sequence[str], environment: Mapping[str, str]) -> str:
    """The unit in ~/.config/systemd/user, for ``klapp agent --headless``; what it starts inherits what it may not."""
    held = "".join(f"{name}={value}\n" for name, value in HARDENING.items())
    given = "".join(f"Environment={_unit_word(f'{name}={value}')}\n" for name, value in environment.items())
    return _sealed(
        "[Unit]\nDescription=klapp: small, readable automations for your own files\n\n[Service]\n"
        f"ExecStart={' '.join(map(_unit_word, [*command, 'agent', '--headless']))}\n{given}"
        # What it says with an exit code (the vault does not open, klapp runs already) a second try would not mend.
        "Restart=on-abnormal\nRestartSec=5\nKillSignal=SIGINT\nKillMode=mixed\nTimeoutStopSec=60\n"
        f"{held}\n[Install]\nWantedBy=default.target\n",
        "# {}",
    )


def launch_agent(command: Sequence[str], environment: Mapping[str, str]) -> str:
    """The property list in ~/Library/LaunchAgents."""
    told: dict[str, Any] = {
        "Label": IDENTIFIER,
        "ProgramArguments": list(command),
        "RunAtLoad": True,
        "KeepAlive": {"Crashed": True},
        "LimitLoadToSessionType": "Aqua",
        "ProcessType": "Background",
    }
    if environment:
        told["EnvironmentVariables"] = dict(environment)
    return _sealed(plistlib.dumps(told).decode(), "<!-- {} -->")


def run_value(command: Sequence[str]) -> str:
    """The value of the Run key. Raises AutostartError where Windows would cut it off."""
    line = subprocess.list2cmdline(command)
    if len(line) > 260:
        raise AutostartError("The path of klapp is too long for Windows to start it by.")
    return line


def _sealed(text: str, comment: str) -> str:
    return text + comment.format(MARK + hashlib.sha256(text.encode()).hexdigest()) + "\n"


def unchanged(content: str) -> bool:
    """Whether a file is as klapp, this or an earlier version, has written it."""
    body, mark, end = content.rpartition(MARK)
    text = body[: body.rfind("\n") + 1]
    return bool(mark) and end[:64] == hashlib.sha256(text.encode()).hexdigest() and end[64:] in ("\n", " -->\n")


def _plain(word: str) -> str:
    if any(ord(character) < 32 or ord(character) == 127 for character in word):
        raise AutostartError("klapp, or its folder, has a name that can not be written down. Give it another.")
    return word


def _desktop_word(word: str) -> str:
    """One argument of ``Exec``, whose backslashes are read twice: as those of a string, and as those of an argument."""
    quoted = "".join("\\" + one if one in '"`$\\' else one for one in _plain(word)).replace("%", "%%")
    return f'"{quoted}"'.replace("\\", "\\\\")


def _unit_word(word: str) -> str:
    quoted = _plain(word).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{quoted}"'


# -- where, and by what -----------------------------------------------------------------------------------------------


def command_of(executable: str = sys.executable, called: str = sys.argv[0]) -> list[str]:
    """What starts this klapp: its own command where it was called by that, else its Python."""
    if os.path.basename(called) == "klapp" and os.path.isabs(called) and os.access(called, os.X_OK):
        return [called]
    if sys.platform == "win32":
        windowed = Path(executable).with_name("pythonw.exe")
        executable = str(windowed) if windowed.exists() else executable
    return [executable, "-I", "-m", "klapp.cli.main"]


@dataclass(frozen=True)
class Autostart:
    """Switches it for one person. ``person`` is their home folder, ``environment`` theirs."""

    platform: str
    person: Path
    environment: Mapping[str, str]
    command: Sequence[str]
    registry: Registry | None = None

    @classmethod
    def here(cls) -> Autostart:
        """That of this machine and this person."""
        platform = "linux" if sys.platform.startswith("linux") else sys.platform
        registry = RunKey() if platform == "win32" else None
        return cls(platform, Path.home(), os.environ, command_of(), registry)

    @property
    def ways(self) -> tuple[str, ...]:
        """The ways that this system knows; the first is the usual one."""
        return WAYS.get(self.platform, ())

    def status(self) -> Status:
        """What is on now."""
        if self.registry is not None:
            value = self.registry.get("klapp")
            if value is None:
                return Status("")
            return Status(RUN_KEY, (RUN,), () if value == run_value(self.command) else (RUN,))
        for way in self.ways:
            found = [path for path in self._paths(way) if os.path.lexists(path)]
            if found:
                changed = [path for path in found if not self._ours(path)]
                return Status(way, tuple(map(str, found)), tuple(map(str, changed)))
        return Status("")

    def on(self, way: str = "", *, replace: bool = False) -> Status:
        """Switch it on, in one of the ``ways``; ``replace`` what is not klapp's own. Raises AutostartError."""
        way = way or (self.ways[0] if self.ways else "")
        if way not in self.ways:
            raise AutostartError("klapp knows no such way to be started on this system.")
        if self.registry is not None:
            self._refuse_foreign_value(self.registry, replace)
            self.registry.set("klapp", run_value(self.command))
            return self.status()
        self._refuse_foreign([path for one in self.ways for path in self._paths(one)], replace)
        path, *links = self._paths(way)
        text = _WRITTEN[way](self.command, self._given())
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, text)
            for link in links:
                _link(link, path)
        except OSError as error:
            raise AutostartError(f"{path} can not be written: {error.strerror}.") from error
        for other in self.ways:
            if other != way:
                self._remove(other)
        return self.status()

    def off(self, *, replace: bool = False) -> Status:
        """Switch it off. Raises AutostartError."""
        if self.registry is not None:
            self._refuse_foreign_value(self.registry, replace)
            self.registry.delete("klapp")
            return self.status()
        self._refuse_foreign([path for way in self.ways for path in self._paths(way)], replace)
        for way in self.ways:
            self._remove(way)
        return self.status()

    def _given(self) -> dict[str, str]:
        """What of the environment says where klapp's state is; it must be the same when it starts by itself."""
        named = self.environment.get("KLAPP_HOME")
        return {"KLAPP_HOME": os.path.abspath(os.path.expanduser(named))} if named else {}

    def _paths(self, way: str) -> list[Path]:
        """The file of a way, and the links that switch it on."""
        config = Path(self.environment.get("XDG_CONFIG_HOME") or self.person / ".config")
        if way == DESKTOP:
            return [config / "autostart/klapp.desktop"]
        if way == SERVICE:
            units = config / "systemd/user"
            return [units / "klapp.service", units / "default.target.wants/klapp.service"]
        return [self.person / f"Library/LaunchAgents/{IDENTIFIER}.plist"]

    def _ours(self, path: Path) -> bool:
        if path.is_symlink():
            return path.parent.name == "default.target.wants" and path.readlink().name == "klapp.service"
        try:
            return unchanged(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError):
            return False

    def _refuse_foreign(self, paths: Sequence[Path], replace: bool) -> None:
        for path in paths:
            if not replace and os.path.lexists(path) and not self._ours(path):
                raise AutostartError(_FOREIGN.format(path))

    @staticmethod
    def _refuse_foreign_value(registry: Registry, replace: bool) -> None:
        value = registry.get("klapp")
        if value is not None and "klapp.cli.main" not in value and not replace:
            raise AutostartError(_FOREIGN.format(f"{RUN}\\klapp"))

    def _remove(self, way: str) -> None:
        try:
            for path in self._paths(way)[::-1]:
                with suppress(NotADirectoryError):
                    path.unlink(missing_ok=True)
        except OSError as error:
            raise AutostartError(f"{path} can not be removed: {error.strerror}.") from error


_FOREIGN = (
    "{} is not as klapp wrote it, so it was left alone. Look at it; then say --replace to have klapp do as it likes."
)
_WRITTEN = {DESKTOP: desktop_entry, SERVICE: unit, LAUNCH: launch_agent}


def _link(link: Path, goal: Path) -> None:
    """As ``systemctl --user enable`` makes it."""
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(os.path.relpath(goal, link.parent))


class RunKey:
    """The Run key of Windows's registry, for this person."""

    def __init__(self, winreg: Any = None) -> None:
        """``winreg`` is the library, or what stands in for it in tests."""
        self._winreg = winreg or import_module("winreg")

    def get(self, name: str) -> str | None:
        """A value, or None."""
        try:
            with self._winreg.OpenKey(self._winreg.HKEY_CURRENT_USER, RUN) as key:
                return str(self._winreg.QueryValueEx(key, name)[0])
        except FileNotFoundError:
            return None

    def set(self, name: str, value: str) -> None:
        """Give it a value."""
        with self._winreg.CreateKey(self._winreg.HKEY_CURRENT_USER, RUN) as key:
            self._winreg.SetValueEx(key, name, 0, self._winreg.REG_SZ, value)

    def delete(self, name: str) -> None:
        """Take it away, if it is there."""
        with suppress(FileNotFoundError), self._winreg.CreateKey(self._winreg.HKEY_CURRENT_USER, RUN) as key:
            self._winreg.DeleteValue(key, name)
