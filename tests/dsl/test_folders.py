"""Paths and folders as values: named, handed on, and followed by the proof."""

from __future__ import annotations

import pytest

from klr.loader import load
from tests.dsl.words import VOCABULARY

HEAD = 'coworker "x"\nmay read "~/In/*"\nmay remove "~/In/*"\nmay write "~/Archive/**"\n'


def codes(body: str, head: str = HEAD) -> list[str]:
    return [found.code for found in load(f"{head}{body}", VOCABULARY).errors]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('setting a: folder = "~/Archive"\nwhen file arrives in "~/In"\n  move file to "{a}/x/{file.name}"\nend\n', []),
        ('setting a: folder = "~/Archive/"\nwhen file arrives in "~/In"\n  move file to "{a}/"\nend\n', []),
        ('setting a: folder = "~/Other"\nwhen file arrives in "~/In"\n  move file to "{a}/{file.name}"\nend\n', ["K401"]),
        ('setting a: path = "~/Archive/a.txt"\nwhen asked\n  write "a" to a\nend\n', []),
        ('setting a: path = "Archive"\nwhen asked\n  write "a" to a\nend\n', ["K306"]),
        ('setting a: folder = 5\nwhen asked\n  stop\nend\n', ["K301"]),
        # The folder above the home is no folder of a pattern that begins there.
        ('when file arrives in "~/In"\n  write "a" to "{file.folder.folder.folder}/Archive/a"\nend\n', ["K401"]),
        ('when file arrives in "~/In"\n  let f = file.folder.folder\n  if f.name is "Archive"\n    write "a" to "{f}/a"\n  end\nend\n', ["K401"]),
        ('when file arrives in "~/In"\n  write "a" to "~/Archive/{file.folder.folder.name}/a"\nend\n', []),
        ('define beside of f: folder = "{f}/new"\nwhen asked\n  write "a" to "{beside of a}/b"\nend\nsetting a: folder = "~/Archive"\n', ["K306"]),
    ],
)  # fmt: skip
def test_the_proof_follows_them(body: str, expected: list[str]) -> None:
    assert codes(body) == expected
