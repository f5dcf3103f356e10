"""What klapp costs on a desktop: from its start to the icon, and at rest, beside Debian's syncthing.

    PYTHONPATH=. python tests/bench/bench_desktop.py [--only start rest] [--rounds 5] [--rest 600] [--coworkers 20]

Each is a real process on a real desktop (Xvfb, a bus, lxqt's panel, dunst). The two take turns: start against start, and at
rest half of the time each, in slices. Printed are medians. Memory is that of all processes of each (PSS, so that
what they share is counted once, and RSS as tools show it); wake-ups are voluntary context switches of all threads, as the
kernel counts them.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.agent.house import House
from tests.desktop.conftest import Desktop, real_desktop

TICK = os.sysconf("SC_CLK_TCK")
SETTLE = 20.0
"""Seconds after a start before rest is measured."""


def text(number: int) -> str:
    """A coworker that waits in a folder of its own."""
    return (
        f'coworker "C{number}"\nmay read "~/In{number}/*.pdf"\nmay remove "~/In{number}/*.pdf"\n'
        f'may write "~/Out/**"\nmay notify\n\n'
        f'when file arrives in "~/In{number}" named "*.pdf"\n  move file to "~/Out/{number}/"\nend\n'
    )


@dataclass
class Figures:
    """Of a process and all below it: PSS and RSS in bytes, context switches, and CPU in seconds, since its start."""

    pss: int
    rss: int
    switches: int
    cpu: float
    processes: int


def family(root: int) -> list[int]:
    """A process and all that it has started."""
    below: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            below.setdefault(parent, []).append(int(entry.name))
    found = [root]
    for one in found:
        found.extend(below.get(one, []))
    return found


def figures(root: int) -> Figures:
    """What they take, and have done so far."""
    pss = rss = switches = 0
    ticks = 0
    members = family(root)
    for member in members:
        base = Path(f"/proc/{member}")
        rolled = dict(line.split()[:2] for line in (base / "smaps_rollup").read_text().splitlines()[1:])
        pss += int(rolled["Pss:"]) * 1024
        rss += int(rolled["Rss:"]) * 1024
        fields = (base / "stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
        for task in (base / "task").iterdir():
            lines = (task / "status").read_text().splitlines()
            switches += sum(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt"))
    return Figures(pss, rss, switches, ticks / TICK, len(members))


class Klapp:
    """klapp with so many coworkers, its icon in the panel."""

    name = "klapp"

    def __init__(self, desktop: Desktop, root: Path, coworkers: int) -> None:
        self.desktop = desktop
        house = House(root)
        for number in range(coworkers):
            (house.person / f"In{number}").mkdir()
            house.coworker(text(number), f"c{number}")
        with house.agent() as agent:
            for number in range(coworkers):
                agent.approve(f"c{number}")
        secret = root / "passphrase"
        secret.touch(mode=0o600)
        secret.write_text("correct horse battery")
        self.env = {
            "KLAPP_HOME": str(house.home.path), "HOME": str(house.person), "KLAPP_KEYRING": "off",
            "KLAPP_PASSPHRASE_FILE": str(secret),
        }  # fmt: skip

    def start(self) -> subprocess.Popen[str]:
        command = (sys.executable, "-m", "klapp.cli.main", "agent")
        return subprocess.Popen(command, env=self.desktop.env | self.env, stdout=subprocess.DEVNULL, text=True)

    def is_there(self) -> bool:
        """Whether the panel has the icon."""
        return bool(self.desktop.tray_items())


class Syncthing:
    """Debian's syncthing, with its one folder and no browser; its page answers when it is there."""

    name = "syncthing"

    def __init__(self, desktop: Desktop, root: Path) -> None:
        self.desktop = desktop
        self.root = root
        root.mkdir()
        self.url = "http://127.0.0.1:18384/rest/noauth/health"
        command = ("syncthing", "generate", f"--config={root}", "--no-default-folder")
        subprocess.run(command, env=desktop.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        config = (root / "config.xml").read_text()
        for name in ("globalAnnounceEnabled", "localAnnounceEnabled", "relaysEnabled", "natEnabled"):
            config = config.replace(f"<{name}>true<", f"<{name}>false<")  # it is to contact nobody, as klapp does
        (root / "config.xml").write_text(config.replace("<urAccepted>0<", "<urAccepted>-1<"))

    def start(self) -> subprocess.Popen[str]:
        command = (
            "syncthing", "serve", f"--home={self.root}", "--no-browser", "--gui-address=127.0.0.1:18384",
            "--no-upgrade",
        )  # fmt: skip
        env = self.desktop.env | {"STNOUPGRADE": "1"}
        return subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True)

    def is_there(self) -> bool:
        """Whether its page answers."""
        try:
            with urllib.request.urlopen(self.url, timeout=1):
                return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False


Contender = Klapp | Syncthing


def _end(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGINT)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _until(look: Callable[[], bool], ended: Callable[[], bool]) -> None:
    for _ in range(6000):
        if look():
            return
        if ended():
            raise SystemExit("it ended before it was there")
        time.sleep(0.01)
    raise SystemExit("waited a minute in vain")


def start(contenders: list[Contender], rounds: int) -> None:
    """From the start of the process until it is there for a person, and the CPU that it took until then."""
    times: dict[str, list[tuple[float, float]]] = {one.name: [] for one in contenders}
    for _ in range(rounds):
        for one in contenders:
            began = time.perf_counter()
            process = one.start()
            try:
                _until(one.is_there, lambda process=process: process.poll() is not None)  # type: ignore[misc]
                times[one.name].append((time.perf_counter() - began, figures(process.pid).cpu))
            finally:
                _end(process)
            _until(lambda one=one: not one.is_there(), lambda: False)  # type: ignore[misc]
    for name, found in times.items():
        took, cpu = (statistics.median(column) for column in zip(*found, strict=True))
        print(f"  {name}: there after {took:.2f} s, {cpu:.2f} s of CPU (median of {rounds})")


@contextmanager
def _stopped(processes: list[subprocess.Popen[str]]) -> Iterator[None]:
    yield
    for process in processes:
        _end(process)


def rest(contenders: list[Contender], seconds: float) -> None:
    """Both at rest beside each other, for the same time: nobody of them does anything that the other would feel."""
    processes: list[subprocess.Popen[str]] = []
    with _stopped(processes):
        for one in contenders:
            processes.append(one.start())
            _until(one.is_there, lambda: processes[-1].poll() is not None)
        time.sleep(SETTLE)
        before = [figures(process.pid) for process in processes]
        slices: list[list[float]] = [[] for _ in processes]
        last = before
        for _ in range(10):
            time.sleep(seconds / 10)
            now = [figures(process.pid) for process in processes]
            for found, old, new in zip(slices, last, now, strict=True):
                found.append((new.switches - old.switches) / (seconds / 10))
            last = now
        for one, first, end, woken in zip(contenders, before, last, slices, strict=True):
            print(
                f"  {one.name}, {seconds:.0f} s: {end.pss / 1e6:.0f} MB PSS, {end.rss / 1e6:.0f} MB RSS in "
                f"{end.processes} process(es); {(end.switches - first.switches) / seconds:.2f} wake-ups/s "
                f"(median of ten slices {statistics.median(woken):.2f}, most {max(woken):.2f}), "
                f"{(end.cpu - first.cpu) / seconds * 1000:.2f} ms of CPU each second"
            )


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--only", nargs="+", default=["start", "rest"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rest", type=float, default=60)
    parser.add_argument("--coworkers", type=int, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="klapp-") as scratch, ExitStack() as closing:
        root = Path(scratch)
        (root / "desktop").mkdir()
        desktop = closing.enter_context(real_desktop(root / "desktop"))
        contenders: list[Contender] = [
            Klapp(desktop, root / "klapp", options.coworkers),
            Syncthing(desktop, root / "syncthing"),
        ]
        for name in options.only:
            print(name, f"(load before: {os.getloadavg()[0]:.2f})")
            start(contenders, options.rounds) if name == "start" else rest(contenders, options.rest)


if __name__ == "__main__":
    main()
