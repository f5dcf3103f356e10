"""What is read from outside: texts of coworkers, patterns, requests on the socket, sealed files, the log's values."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import fields
from random import Random
from typing import TYPE_CHECKING, Any

from klapp import rpc
from klapp.engine.encoding import decode, encode
from klapp.engine.record import step_from_json, step_to_json
from klapp.files.patterns import Pattern
from klapp.operations import ALL, Operation, from_json
from klapp.operations.steps import Step
from klapp.vault.sealed import Tampered, seal, unseal
from klapp.vocabulary import VOCABULARY
from klr.loader import load
from klr.parser import parse
from klr.proof import GlobError, escape, glob
from klr.proof import matches as proof_matches
from klr.source import Source
from klr.values import FileValue, Months
from tests.fuzz.agreement import Disagreement, agree
from tests.fuzz.programs import Programs
from tests.fuzz.samples import WORDS
from tests.fuzz.worlds import MOMENTS, NAMES
from tests.reference.globs import is_path, matches

if TYPE_CHECKING:
    from tests.fuzz.campaign import Lot

NOISE = ('"', "{", "}", "(", ")", "end", "\n", "when", "if", "on error", "\\", "\0", "\udcff", "é", "#", "1", "where", "default", "[", "]", ".", "  ", "\t", "\r", "try", "and", ":", "/", "~/", "\u2028", "=", "of", "-")  # fmt: skip


def lot(lot: Lot, random: Random, name: str) -> None:
    """Each reader a few times."""
    for reader, times in ((texts, 6), (patterns, 60), (requests, 30), (sealed, 4), (logged, 40)):
        for _ in range(times):
            reader(random)
            lot.cases[reader.__name__] += 1


# -- texts of coworkers ---------------------------------------------------------------------------------------------------


def texts(random: Random) -> None:
    """Any text is judged, and every finding lies in it; what can be read again is the same."""
    text = damaged(Programs(random).program(), random)
    loaded = load(text, VOCABULARY)
    source = Source(text.replace("\r\n", "\n"))
    for finding in loaded.diagnostics:
        if not 0 <= finding.span.start <= finding.span.end <= len(source.text) + 1:
            raise Disagreement("span", f"{finding} of a text of {len(source.text)}\n{text!r}")
        source.place(finding.span.start)
    if loaded.program is None and not loaded.errors:
        raise Disagreement("judged", f"neither a program nor an error\n{text!r}")
    assert parse(source).diagnostics == parse(source).diagnostics


def damaged(text: str, random: Random) -> str:
    for _ in range(random.choice((1, 1, 2, 3, 8))):
        start = random.randrange(len(text) + 1)
        end = min(len(text), start + random.choice((0, 0, 1, 1, 2, 5, 30)))
        put = random.choice(NOISE) if random.random() < 0.7 else text[end : end + random.randrange(20)]
        text = text[:start] + put + text[end:]
    return text


# -- patterns -------------------------------------------------------------------------------------------------------------

PIECES = (
    "a",
    "b",
    "*",
    "?",
    ".",
    "[ab]",
    "[!a]",
    "[a-c]",
    "[c-a]",
    "[!]",
    "[]a]",
    "[[]",
    "**",
    "\n",
    "-",
    "[*]",
    "é",
    "[!b-]",
    "]",
)


def pattern(random: Random) -> str:
    parts = [
        "**" if random.random() < 0.2 else "".join(random.choice(PIECES) for _ in range(random.randint(1, 3)))
        for _ in range(random.randint(1, 3))
    ]
    return random.choice(("~/", "/")) + "/".join(parts)


def patterns(random: Random) -> None:
    """The proof's patterns, the guard's and those that try everything mean the same; and so does inclusion."""
    one, others = pattern(random), [pattern(random) for _ in range(random.randint(0, 2))]
    try:
        language, allowed = glob(one), [glob(other) for other in others]
    except GlobError:
        return
    for _ in range(10):
        path = "/".join(
            (
                "",
                *(
                    "".join(random.choice("abc.-\n]*é") for _ in range(random.randint(1, 3)))
                    for _ in range(random.randint(1, 3))
                ),
            )
        )
        if not is_path(path):
            continue
        said = matches(one, path if one[0] == "/" else "/home" + path, "/home")
        agree(f"glob {one!r}", proof_matches(language, path if one[0] == "/" else "~" + path), said)
        agree(f"guard {one!r}", bool(Pattern(one, "/home").matches(path if one[0] == "/" else "/home" + path)), said)
        if said and escape(language, allowed) is None:
            inside = [
                m for m in others if m[0] == one[0] and matches(m, path if one[0] == "/" else "/home" + path, "/home")
            ]
            if not inside:
                raise Disagreement("inclusion", f"{path!r} is in {one!r} and in none of {others!r}")
    witness = escape(language, allowed)
    if witness is not None:
        path = witness if witness[0] == "/" else "/home" + witness[1:]
        rivals = [m for m in others if m[0] == witness[0]]
        agree("witness", (matches(one, path, "/home"), [m for m in rivals if matches(m, path, "/home")]), (True, []))


# -- the socket -----------------------------------------------------------------------------------------------------------


class _Wire:
    """A connection from which given bytes come."""

    def __init__(self, *frames: bytes) -> None:
        self.frames = list(frames)

    def recv_bytes(self, most: int) -> bytes:
        if not self.frames:
            raise EOFError
        return self.frames.pop(0)


def requests(random: Random) -> None:
    """Whatever comes over the socket is a request, or none; an answer is a frame, or an error that is told."""
    data = json_text(random)
    server = rpc.Server.__new__(rpc.Server)
    server._request_seconds = 10
    found = server._request(_Wire(data))  # type: ignore[arg-type]
    if found is not None and not (isinstance(found[0], str) and isinstance(found[1], dict)):
        raise Disagreement("request", repr(found))
    try:
        for frame in rpc._answers(_Wire(data, data)):  # type: ignore[arg-type]
            if not isinstance(frame, dict):
                raise Disagreement("answer", repr(frame))
    except rpc.RpcError as error:
        if not isinstance(error.args[0], str):
            raise Disagreement("answer", repr(error.args)) from None


def json_text(random: Random) -> bytes:
    made = json.dumps(jsonable(random, 3)).encode()
    roll = random.random()
    if roll < 0.1:
        return b"[" * random.choice((10, 100_000)) + made
    if roll < 0.3 and made:
        at = random.randrange(len(made))
        made = made[:at] + bytes([random.randrange(256)]) + made[at + random.randrange(3) :]
    return made


def jsonable(random: Random, depth: int) -> Any:
    keys = (
        "method",
        "arguments",
        "error",
        "item",
        "value",
        "end",
        "klapp",
        "f",
        "n",
        "d",
        "t",
        "s",
        "m",
        "do",
        "path",
        "identity",
        "product",
        "content",
    )
    leaves = (
        None,
        True,
        False,
        0,
        -1,
        1.5,
        10**30,
        "",
        "a",
        "1",
        "NaN",
        "1e999999999",
        "2026-01-01T00:00:00",
        "\udcff",
        float("nan"),
        "inf",
    )
    roll = random.random()
    if depth == 0 or roll < 0.3:
        return random.choice(leaves)
    if roll < 0.5:
        return [jsonable(random, depth - 1) for _ in range(random.randrange(7))]
    return {random.choice(keys): jsonable(random, depth - 1) for _ in range(random.randrange(4))}


# -- sealed files ---------------------------------------------------------------------------------------------------------


def sealed(random: Random) -> None:
    """What was sealed is unsealed; with anything changed, cut off or moved it is found to be tampered with."""
    key, content = random.randbytes(32), random.randbytes(random.choice((0, 1, 100, 70_000, 1 << 17)))
    goal = io.BytesIO()
    seal(key, b"fuzz", io.BytesIO(content), goal)
    data = goal.getvalue()
    agree("sealed", unsealed(key, b"fuzz", data), content)
    at = random.randrange(len(data))
    changed = random.choice(
        (
            data[:at] + bytes([data[at] ^ (1 << random.randrange(8))]) + data[at + 1 :],
            data[:at],
            data[:at] + data[at + 1 :],
            data + b"\0",
            random.randbytes(random.randrange(200)),
            data[:40] + data[40:][::-1],
        )
    )
    if changed != data:
        agree("tampered", unsealed(key, b"fuzz", changed), None)
    agree("role", unsealed(key, b"other", data), None)


def unsealed(key: bytes, role: bytes, data: bytes) -> bytes | None:
    goal = io.BytesIO()
    try:
        unseal(key, role, io.BytesIO(data), goal)
    except Tampered:
        return None
    return goal.getvalue()


# -- the log --------------------------------------------------------------------------------------------------------------


def logged(random: Random) -> None:
    """Values and steps come back from the log as they were; anything else in it is a ValueError."""
    value = any_value(random, 2)
    agree("value", decode(json.loads(json.dumps(encode(value)))), value)
    step = Step(operation(random), random.choice((None, (1, 2, 3, 4), (-1, 5, 6, 7))))
    agree("step", step_from_json(json.loads(json.dumps(step_to_json(step)))), step)
    odd = jsonable(random, 3)
    for reader in (decode, lambda data: from_json(data), lambda data: step_from_json(data)):
        _only_value_errors(reader, odd)
    body = step_to_json(step)
    body[random.choice(list(body))] = jsonable(random, 1)
    _only_value_errors(step_from_json, body)


def _only_value_errors(reader: Callable[[Any], Any], data: Any) -> None:
    if reader is not decode and not isinstance(data, dict):
        return
    try:
        reader(data)
    except ValueError:
        return
    except Exception as error:
        raise Disagreement("decoder", f"{type(error).__name__}: {error}, of {data!r}") from error


def any_value(random: Random, depth: int) -> Any:
    from datetime import timedelta
    from decimal import Decimal

    made: tuple[Any, ...] = (
        random.choice(WORDS), random.choice(NAMES), random.random() < 0.5, random.randrange(10**20), None, Decimal(random.randrange(10**30)).scaleb(-random.randrange(40)),
        random.choice(MOMENTS), random.choice(MOMENTS).time(), timedelta(microseconds=random.randrange(-(10**15), 10**15)), Months(random.randrange(-99, 99)),
        FileValue(f"/{random.choice(NAMES)}", 3, random.choice(MOMENTS), random.randrange(10**18), 7, random.randrange(99)),
    )  # fmt: skip
    if depth and random.random() < 0.3:
        return tuple(any_value(random, depth - 1) for _ in range(random.randrange(4)))
    return random.choice(made)


def operation(random: Random) -> Operation:
    kind = random.choice(ALL)
    return kind(**{field.name: _held(str(field.type).removesuffix(" | None"), random) for field in fields(kind)})


def _held(type_: str, random: Random) -> Any:
    """What a field of an operation may hold."""
    if type_.startswith("tuple["):
        return tuple(_held(type_[len("tuple[") : -len(", ...]")], random) for _ in range(random.randrange(3)))
    values: dict[str, Any] = {
        "str": f"/{random.choice(NAMES)}", "int": random.randrange(10**18), "bool": random.random() < 0.5, "bytes": random.choice((b"", b"a", b"\xff\0", "é".encode())),
        "Identity": (1, random.randrange(99), 3, 4),
    }  # fmt: skip
    return values[type_]
