"""Sorting small files by extension into dated folders: klapp, organize-tool, and a plain scandir-and-rename script.

    python tests/bench/bench_sorting.py [--files 1000 10000] [--rounds 3] [--organize PATH]

Each contender is a process of its own and gets a fresh tree; they take turns within each round. klapp has its durable,
encrypted log on. Printed are medians of the wall-clock time and of the peak memory of the process. ``--organize`` is
the ``organize`` command of an environment that has organize-tool in it; without it that contender is left out.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

EXTENSIONS = ("pdf", "txt", "jpg", "csv", "zip", "mp3", "docx")
SORTER = """coworker "Sorter"
may read "~/in/*"
may remove "~/in/*"
may write "~/out/**"

when file arrives in "~/in"
  move file to "~/out/{file.extension}/{file.modified:%Y-%m}/{file.name}"
end
"""
KLAPP = """
import resource, sys, time
from pathlib import Path
from klapp.agent import Agent
from klapp.home import Home
from klapp.notices import TerminalDisplay
from klapp.vault.keys import open_vault
from klapp.vault.stretching import Cost
root = Path(sys.argv[1])
CHEAP = Cost(memory_kib=1024, passes=1, lanes=1)  # as with a keyring, which needs no stretching
home = Home(root / "state").prepare()
(home.coworkers / "sorter.klr").write_text(sys.argv[2])
with Agent(home, open_vault(home.path, lambda _: "benchmark only", use_keyring=False, cost=CHEAP), TerminalDisplay(print), person=str(root)) as agent:
    agent.approve("sorter")
    done = sum(1 for item in agent.run("sorter") if "report" in item and item["report"]["outcome"] == "done")
print(done, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
PLAIN = """
import os, resource, sys, time
root = sys.argv[1]
done, made = 0, set()
for entry in sorted(os.scandir(root + "/in"), key=lambda e: e.name):
    month = time.strftime("%Y-%m", time.localtime(entry.stat().st_mtime))
    folder = f"{root}/out/{os.path.splitext(entry.name)[1][1:].lower()}/{month}"
    if folder not in made:
        os.makedirs(folder, exist_ok=True)
        made.add(folder)
    os.rename(entry.path, f"{folder}/{entry.name}")
    done += 1
print(done, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
ORGANIZE = """rules:
  - locations: {root}/in
    filters:
      - extension
      - lastmodified
    actions:
      - move: "{root}/out/{{extension}}/{{lastmodified.strftime('%Y-%m')}}/"
"""


def tree(count: int) -> Path:
    """A fresh folder with ``count`` small files of the years 2023 to 2026 in ``in``."""
    root = Path(tempfile.mkdtemp(prefix="klapp-bench-"))
    (root / "in").mkdir()
    for number in range(count):
        path = root / "in" / f"paper {number:06}.{EXTENSIONS[number % len(EXTENSIONS)]}"
        path.write_bytes(b"x" * 64)
        moment = 1_672_531_200 + number * 7919 % 110_000_000
        os.utime(path, (moment, moment))
    return root


def klapp(root: Path) -> list[str]:
    return [sys.executable, "-c", KLAPP, str(root), SORTER]


def plain(root: Path) -> list[str]:
    return [sys.executable, "-c", PLAIN, str(root)]


def organize(command: str) -> Callable[[Path], list[str]]:
    def made(root: Path) -> list[str]:
        config = root / "organize.yaml"
        config.write_text(ORGANIZE.format(root=root))
        return [command, "run", str(config), "--format", "errorsonly"]

    return made


def measure(command: Sequence[str], root: Path, count: int) -> tuple[float, float]:
    """(seconds, peak MB) of one run, which must have moved every file."""
    with tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        elapsed = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        moved = sum(len(files) for _, _, files in os.walk(root / "out"))
        if process.returncode or moved != count:
            output.seek(0)
            raise SystemExit(
                f"{command[0]} moved {moved} of {count}:\n{output.read().decode(errors='replace')[-2000:]}"
            )
    return elapsed, usage.ru_maxrss / 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--files", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--organize", help="the organize command of another environment")
    options = parser.parse_args()
    contenders: dict[str, Callable[[Path], list[str]]] = {"klapp": klapp, "plain script": plain}
    if options.organize:
        contenders["organize"] = organize(options.organize)
    for count in options.files:
        figures: dict[str, list[tuple[float, float]]] = {name: [] for name in contenders}
        for _ in range(options.rounds):
            for name, command in contenders.items():
                root = tree(count)
                try:
                    figures[name].append(measure(command(root), root, count))
                finally:
                    shutil.rmtree(root)
        print(f"\n{count:,} files, median of {options.rounds}")
        base = statistics.median(seconds for seconds, _ in figures["plain script"])
        for name, runs in figures.items():
            seconds = statistics.median(seconds for seconds, _ in runs)
            memory = statistics.median(memory for _, memory in runs)
            print(
                f"  {name:14} {seconds:8.2f} s  {count / seconds:10,.0f} files/s  {memory:6.0f} MB  {seconds / base:5.1f} x plain"
            )


if __name__ == "__main__":
    main()
