"""Smaller programs, in smaller worlds, that fail in the same way."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from tests.fuzz.worlds import Scene

Fails = Callable[[str, Scene | None], bool]
_OPENS = re.compile(r"(?:if|for each|try|when|every|cron|test)\b")
_SIMPLE = ("1", '"a"', "yes", "1 day", "1 MB", "now", "[1]", '["a"]', "file.name", "09:00")


def shrunk(text: str, scene: Scene | None, fails: Fails, seconds: float = 30.0) -> tuple[str, Scene | None]:
    """The smallest text and scene that could be found in the time and for which ``fails`` still holds."""
    end = time.monotonic() + seconds
    changed = True
    while changed and time.monotonic() < end:
        changed = False
        for smaller in _smaller_texts(text):
            if time.monotonic() > end:
                break
            if fails(smaller, scene):
                text, changed = smaller, True
                break
        else:
            for less in _smaller_scenes(scene) if scene else ():
                if fails(text, less):
                    scene, changed = less, True
                    break
    return text, scene


def _smaller_texts(text: str) -> Iterator[str]:
    lines = text.splitlines()
    ends = dict(_blocks(lines))
    for start in range(len(lines)):  # a whole block, or a line
        end = ends.get(start, start)
        yield "\n".join((*lines[:start], *lines[end + 1 :], ""))
    for start, end in ends.items():  # a block's inside in its place
        if not lines[start].startswith(("when", "every", "cron")):
            inside = [line for line in lines[start + 1 : end] if not line.startswith(("else", "on error"))]
            yield "\n".join((*lines[:start], *inside, *lines[end + 1 :], ""))
    for number, line in enumerate(lines):  # a part in brackets, or a hole
        for smaller in _smaller_lines(line):
            yield "\n".join((*lines[:number], smaller, *lines[number + 1 :], ""))


def _blocks(lines: list[str]) -> Iterator[tuple[int, int]]:
    opened: list[int] = []
    for number, line in enumerate(lines):
        if _OPENS.match(line):
            opened.append(number)
        elif line == "end" and opened:
            yield opened.pop(), number


def _smaller_lines(line: str) -> Iterator[str]:
    for match in re.finditer(r"\([^()]*\)|\{[^{}]*\}", line):
        before, inside, after = line[: match.start()], match.group(), line[match.end() :]
        if inside[0] == "{":
            yield before + after
            yield before + "a" + after
        else:
            yield before + inside[1:-1] + after
            for simple in _SIMPLE:
                if inside != simple and len(simple) < len(inside):
                    yield before + simple + after
    for match in re.finditer(r" (?:and|or|where|sorted by|on conflict|default) [^()]*$", line):
        yield line[: match.start()]


def _smaller_scenes(scene: Scene) -> Iterator[Scene]:
    for path in scene.files:
        if path not in [where for _, where in scene.events]:
            yield replace(scene, files={p: f for p, f in scene.files.items() if p != path})
    for number in range(len(scene.events)):
        if len(scene.events) > 1:
            yield replace(scene, events=scene.events[:number] + scene.events[number + 1 :])
    if scene.zone:
        yield replace(scene, zone="")
    if scene.home != "/h":

        def moved(path: str) -> str:
            return path.replace(scene.home, "/h", 1) if path.startswith(scene.home + "/") else path

        files = {moved(path): placed for path, placed in scene.files.items()}
        yield replace(scene, home="/h", files=files, events=tuple((what, moved(path)) for what, path in scene.events))
