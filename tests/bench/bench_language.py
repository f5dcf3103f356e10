"""The language beside its peers: a cold check, loading many coworkers, conditions, and questions of the proof.

    python -m pip install rule-engine cel-python common-expression-language
    python tests/bench/bench_language.py [--rounds 5] [--coworkers 100 1000]

Contenders take turns within each round, and medians are printed. A cold start is a process of its own, from start to
end; all else is timed within this one. A peer that is not installed is left out.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from threading import RLock
from typing import Any

from klapp.coworkers.cache import Proofs
from klapp.vault.database import connect
from klapp.vocabulary import VOCABULARY
from klr.effects import Inputs
from klr.loader import load
from klr.proof import TooComplex, escape, glob
from klr.proof.inclusion import ANSWERS
from klr.values import FileValue

ROOT = Path(__file__).parents[2]


def taken(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def alternated(contenders: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """The median seconds of each, after one round that does not count."""
    figures: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(rounds + 1):
        for name, contender in contenders.items():
            seconds = taken(contender)
            if number:
                figures[name].append(seconds)
    return {name: statistics.median(seconds) for name, seconds in figures.items()}


def told(title: str, figures: Mapping[str, float], base: str, shown: Callable[[float], str]) -> None:
    print(f"\n{title}")
    for name, seconds in figures.items():
        print(f"  {name:42} {shown(seconds):>16}  {seconds / figures[base]:7.2f} x {base}")


# -- cold -------------------------------------------------------------------------------------------------------------


def cold(rounds: int) -> None:
    def process(*arguments: str) -> Callable[[], object]:
        return lambda: subprocess.run([sys.executable, *arguments], check=True, capture_output=True)

    rule = str(ROOT / "rules" / "invoice-filer.klr")
    contenders = {
        "python -c pass": process("-c", "pass"),
        "python -c 'import lark'": process("-c", "import lark"),
        "klapp check FILE": process("-m", "klapp.cli.main", "check", rule),
    }
    told("Cold, a process of its own", alternated(contenders, rounds), "python -c 'import lark'", _milliseconds)


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


# -- loading ----------------------------------------------------------------------------------------------------------


def loading(count: int, rounds: int) -> None:
    """Parse, check, prove and compile ``count`` coworkers that differ in their names and folders."""
    text = (ROOT / "rules" / "invoice-filer.klr").read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        for number in range(count):
            own = text.replace('coworker "', f'coworker "{number} ', 1).replace("~/Downloads", f"~/Downloads/{number}")
            (Path(folder) / f"{number}.klr").write_text(own, encoding="utf-8")

        def everything() -> None:
            for path in sorted(Path(folder).glob("*.klr")):
                assert load(path.read_text(encoding="utf-8"), VOCABULARY, path.name).program is not None

        def proved_anew() -> None:
            ANSWERS.forget()
            everything()

        connection = connect(Path(folder) / "klapp.db", bytes(32))

        def remembered() -> None:
            proofs = Proofs(connection, RLock(), VOCABULARY)
            for path in sorted(Path(folder).glob("*.klr")):
                assert proofs.load(path.read_text(encoding="utf-8"), path.name).program is not None

        remembered()  # the first start, which proves them
        ways = {"no answer remembered": proved_anew, "a first start": everything, "every later start": remembered}
        figures = alternated(ways, rounds)
    told(f"Loading {count:,} coworkers", figures, "no answer remembered", lambda s: f"{count / s:,.0f} /s, {s:.2f} s")


# -- conditions -------------------------------------------------------------------------------------------------------

CONDITION = 'file.size > 20000000 bytes and (file.name starts with "Invoice" or file.extension is "pdf")'
FILES = tuple(
    FileValue(f"/home/me/In/{'Invoice' if i % 3 else 'Scan'} {i}.{'pdf' if i % 2 else 'txt'}", i * 40_000, datetime(2026, 3, 9))
    for i in range(1_000)
)  # fmt: skip


def klapp_condition() -> Callable[[], int]:
    """A rule that goes through files in memory: the compiled program is driven as a run drives it."""
    loaded = load(
        f'coworker "x"\nmay read "~/In/*"\nmay notify\nwhen asked\n  let all = files in "~/In/*"\n'
        f'  notify "{{count of (all where {CONDITION.replace("file.", "it.")})}}"\nend\n'.replace(
            '"Invoice"', '"Invoice"'
        ),
        VOCABULARY,
    )
    assert loaded.program is not None, [found.message for found in loaded.diagnostics]
    rule = loaded.program.rules[0]
    inputs = Inputs(datetime(2026, 3, 10), None, {}, "/home/me")

    def run() -> int:
        program = rule.start(inputs)
        next(program)
        return int(program.send(FILES).arguments[0])

    return run


def hand_written() -> int:
    """The same by hand."""
    return len(
        tuple(
            file
            for file in FILES
            if file.size > 20_000_000 and (file.name.startswith("Invoice") or file.extension == "pdf")
        )
    )


def peers() -> dict[str, Callable[[], int]]:
    """The same with other languages of rules, each on data as it wants it, made beforehand."""
    rows = [{"size": f.size, "name": f.name, "extension": f.extension} for f in FILES]
    found: dict[str, Callable[[], int]] = {}
    written = 'size > 20000000 && (name.startsWith("Invoice") || extension == "pdf")'
    try:
        engine: Any = import_module("rule_engine")
        rule = engine.Rule('size > 20000000 and (name.starts_with("Invoice") or extension == "pdf")')
        found[f"rule-engine {version('rule-engine')}"] = lambda: sum(rule.matches(row) for row in rows)
    except ImportError:
        pass
    try:
        cel: Any = import_module("cel")
        compiled = cel.compile(written)
        found[f"common-expression-language {version('common-expression-language')}"] = lambda: sum(
            compiled.execute(row) for row in rows
        )
    except (ImportError, AttributeError):
        pass
    try:
        celpy: Any = import_module("celpy")
        environment = celpy.Environment()
        program = environment.program(environment.compile(written))
        typed = [celpy.json_to_cel(row) for row in rows]
        found[f"cel-python {version('cel-python')}"] = lambda: sum(bool(program.evaluate(row)) for row in typed)
    except ImportError:
        pass
    return found


def conditions(rounds: int) -> None:
    contenders = {"Python by hand": hand_written, "klapp, compiled": klapp_condition(), **peers()}
    counts = {name: contender() for name, contender in contenders.items()}
    assert len(set(counts.values())) == 1, counts
    figures = alternated(contenders, rounds)
    told("Conditions on a file", figures, "Python by hand", lambda s: f"{len(FILES) / s:,.0f} /s")


# -- the proof --------------------------------------------------------------------------------------------------------

QUESTIONS = {
    "realistic": [(f"~/Documents/{i}/*.pdf", ("~/Documents/**",)) for i in range(200)],
    "refused": [(f"~/Documents/{i}/*", ("~/Pictures/**", f"~/Documents/{i}/*.pdf")) for i in range(200)],
    "adversarial: stars": [("~/" + "*a" * i + "*", ("~/" + "*b" * i + "*",)) for i in range(1, 20)],
    "adversarial: folders": [("~/" + "**/a/" * i + "x", ("~/" + "**/a/*/" * i + "x",)) for i in range(1, 12)],
    "adversarial: subsets": [("~/*", ("~/*a" + "?" * i,)) for i in range(1, 20)],
}


def proofs(rounds: int) -> None:
    """Questions answered anew each time; one that would take too long is refused, which counts as an answer."""
    print("\nQuestions of the proof")
    for name, questions in QUESTIONS.items():
        refused = 0

        def all_of_them(questions: list[tuple[str, tuple[str, ...]]] = questions) -> None:
            nonlocal refused
            refused = 0
            ANSWERS.forget()
            for program, allowed in questions:
                try:
                    escape(glob(program), [glob(pattern) for pattern in allowed])
                except TooComplex:
                    refused += 1

        seconds = alternated({name: all_of_them}, rounds)[name]
        print(f"  {name:24} {len(questions) / seconds:12,.0f} /s   {refused} of {len(questions)} too intricate")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--coworkers", type=int, nargs="+", default=[100, 1000])
    options = parser.parse_args()
    cold(options.rounds)
    for count in options.coworkers:
        loading(count, 1 if count > 100 else options.rounds)
    conditions(options.rounds)
    proofs(min(options.rounds, 3))


if __name__ == "__main__":
    main()
