"""Lists, tables and rows, as texts that are right by construction, and the names that can stand in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from klr.syntax import escaped
from tests.fuzz.samples import COLUMNS, FILES_IN, MARKS, ORDERED, PATTERNS, PROPERTIES, REAL


@dataclass
class Names:
    """What can be named at a place, by type; ``gone`` are files in the trash."""

    random: Random
    around: Names | None = None
    known: dict[str, str] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)

    def of(self, kind: str) -> list[str]:
        """The names of a type."""
        found = [name for name, known in self.known.items() if known == kind and not self.is_gone(name)]
        return found + (self.around.of(kind) if self.around else [])

    def is_gone(self, name: str) -> bool:
        return name in self.gone or (self.around is not None and self.around.is_gone(name))


class Lists:
    """Makes expressions that are lists or rows; whoever makes all others says what stands in them."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def pick(self, *choices: str) -> str:
        return self.random.choice(choices)

    def of(self, kind: str, names: Names, depth: int = 3) -> str:
        """An expression of a type."""
        raise NotImplementedError

    def value(self, kind: str, names: Names, depth: int) -> str:
        """An expression that can stand where only a value can."""
        raise NotImplementedError

    def _row(self, names: Names, depth: int) -> str:
        cells = ", ".join(
            f'"{column}": {self.of(self.pick("text", "number", "date", "size"), names, min(depth, 1))}'
            for column in self.random.sample(COLUMNS, self.random.randint(1, 2))
        )
        if depth > 0 and self.random.random() < 0.3:
            return f"({self.pick('first', 'last')} of {self.value('list of row', names, depth)} default [{cells}])"
        return f"[{cells}]"

    def _rows(self, names: Names, d: int) -> str:
        files, roll = names.of("file"), self.random.random()
        if files and roll < 0.3:
            made = f"{self.random.choice(files)}.{self.pick('table', 'table', 'sheets')}"
        elif roll < 0.5:
            made = (
                f'{self.pick("table", "table", "sheets")} in "{self.pick("~/In/t.csv", "~/Out/a.csv", "~/In/t.tsv")}"'
            )
        else:
            return f"[{', '.join(self._row(names, 0) for _ in range(self.random.randint(1, 3)))}]"
        inner = Names(self.random, names, {"it": "row"})
        if d > 0 and self.random.random() < 0.3:
            made = f"{made} where {self.value('yes/no', inner, d)}"
        if d > 0 and self.random.random() < 0.2:
            made = f"{made} sorted by {self.column('it')}{self.pick('', ' descending')}"
        return made

    def column(self, row: str) -> str:
        return f'{row}."{self.random.choice(COLUMNS)}"'

    def _list(self, kind: str, names: Names, depth: int) -> str:
        d = depth - 1
        if kind == "file":
            return self._files(names, d)
        if kind == "row":
            return self._rows(names, d)
        if kind == "attachment":
            return self._attachments(names, d)
        if d >= 0 and self.random.random() < 0.5:
            made = self._made_list(kind, names, d)
            if made:
                return made
        count = self.random.randint(1, 3)
        return "[" + ", ".join(self.of(kind, names, max(d, 0)) for _ in range(count)) + "]"

    def _made_list(self, kind: str, names: Names, d: int) -> str:
        inner = Names(self.random, names, {"it": kind})
        choices = [
            lambda: f"{self.value(f'list of {kind}', names, d)} where {self.value('yes/no', inner, d)}",
            lambda: (
                f"{self.value(f'list of {kind}', names, d)} sorted by {self.value(self.pick(*ORDERED), inner, d)}{self.pick('', ' descending')}"
            ),
            lambda: f"unique of {self.value(f'list of {kind}', names, d)}",
        ]
        if kind == "text":
            choices.append(lambda: self.column(self.value("list of row", names, d)))
            if names.of("file"):
                choices.append(lambda: f"{self.random.choice(names.of('file'))}.table.columns")
            choices.append(
                lambda: (
                    f"(({self.value('list of row', names, d)} grouped by {self.column('it')}) where yes).key"
                    if d < 0
                    else f"{self.pick('lines', 'words')} of {self.value('text', names, d)}"
                )
            )
            choices.append(lambda: f"{self.pick('lines', 'words')} of {self.value('text', names, d)}")
            choices.append(
                lambda: f'parts of {self.value("text", names, d)} using "{escaped(self.random.choice(MARKS))}"'
            )
            if names.of("mail"):
                choices.extend([lambda: "mail.recipients"] * 4)  # few programs have a mail at all
                choices.append(lambda: f"{self._attachments(names, -1)}.{self.pick(*REAL, 'kind')}")
            choices.append(lambda: f'(matches of "{self.random.choice(PATTERNS)}" in {self.value("text", names, d)})')
        if kind in PROPERTIES:
            choices.append(lambda: f"{self.value('list of file', names, d)}.{self.random.choice(PROPERTIES[kind])}")
        return self.random.choice(choices)()

    def _files(self, names: Names, d: int) -> str:
        files, roll = names.of("file"), self.random.random()
        if files and roll < 0.15:
            return f"[{', '.join(self.random.choice(files) for _ in range(self.random.randint(1, 2)))}]"
        listing = f'files in "{self.random.choice(FILES_IN)}"'
        if d < 0 or roll < 0.4:
            return listing
        inner = Names(self.random, names, {"it": "file"})
        if roll < 0.75:
            listing += f" where {self.value('yes/no', inner, d) if roll < 0.5 else self.about_name('it')}"
        if roll > 0.65:
            listing += f" sorted by {self.pick('it.name', 'it.size', 'it.modified', self.value(self.pick(*ORDERED), inner, d))}{self.pick('', ' descending')}"
        return listing

    def _attachments(self, names: Names, d: int) -> str:
        """Asked for only where there is a mail."""
        made, inner = "mail.attachments", Names(self.random, names, {"it": "attachment"})
        if d >= 0 and self.random.random() < 0.5:
            made += f" where {self.value('yes/no', inner, d)}"
        if d >= 0 and self.random.random() < 0.3:
            made += f" sorted by {self.pick('it.name', 'it.size', 'it.kind', 'it.stem')}{self.pick('', ' descending')}"
        return made

    def about_name(self, file: str) -> str:
        """A condition on a file's name, from which the proof may learn."""
        prop = self.random.choice(REAL)
        text = self.pick("a", "pdf", "txt", "b", "a.pdf", "k", "A", ".", "a b", "", "x")
        return self.random.choice(
            (
                f'{file}.{prop} is "{text}"',
                f'{file}.{prop} is not "{text}"',
                f'{file}.{prop} {self.pick("starts with", "ends with", "contains")} "{text}"',
                f'not {file}.{prop} {self.pick("is", "starts with", "ends with", "contains")} "{text}"',
                f'{file}.{prop} is any of ["{text}", "txt"]',
                f'{file}.extension is "pdf" or {file}.{prop} contains "{text}"',
                f'{file}.extension is "pdf" and not {file}.{prop} contains "{text}"',
            )
        )
