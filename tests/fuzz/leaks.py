"""Short programs of which most statements carry something that not everybody may know: from files, mail and hosts, through
every shape that the language has, to hosts, people, and other files."""

from __future__ import annotations

from random import Random

from tests.fuzz.samples import HOSTS, PEOPLE

SOUGHT = ("a", "Total", "x", "1", "\\n", "Acme")
"""What conditions look for: in some of the contents of worlds, not in others."""
PLACES = ("~/In/*", "~/In/**", "~/Out/*", "~/In/*.pdf", "~/Out/**")
FILES = ("~/In/a.pdf", "~/In/b.txt", "~/Out/kept.txt", "~/Out/a.txt")
TRIGGERS = (
    ('when file arrives in "~/In"', "file"),
    ('when file arrives in "~/In"', "file"),
    ("when asked", ""),
    ("every 15 minutes", ""),
    ('when mail arrives in "work"', "mail"),
)


class Leaks:
    """Makes such programs out of one source of chance; they have no line for anything but what starts them."""

    bare = True

    def __init__(self, random: Random) -> None:
        self.random = random
        self.counter = 0
        self.texts: list[str] = []
        self.files: list[str] = []

    def pick(self, *choices: str) -> str:
        return self.random.choice(choices)

    def fresh(self) -> str:
        self.counter += 1
        return f"v{self.counter}"

    def program(self) -> str:
        """A whole file."""
        lines = ['coworker "leaks"', "may notify", 'may receive mail from "work"']
        lines.append('define d1 of v1: text in v2: text = "{v1}-{v2}"')
        lines.append('define d2 of v1: text = (first of [v1, "b"] default "c")')
        for _ in range(self.random.choice((1, 1, 2))):
            trigger, given = self.random.choice(TRIGGERS)
            self.texts = ["mail.text", "mail.subject"] if given == "mail" else []
            self.files = ["file"] if given == "file" else []
            texts, files = list(self.texts), list(self.files)
            lines.append(trigger)
            for _ in range(self.random.randint(2, 5)):
                lines.extend(self.statement(2))
            lines.extend(self.told())
            self.texts, self.files = texts, files
            if self.random.random() < 0.2:
                lines.extend(("on error", *self.told()))
            lines.append("end")
        return "\n".join(lines) + "\n"

    # -- what carries -------------------------------------------------------------------------------------------------

    def text(self, depth: int = 1) -> str:
        """A text that may tell something."""
        roll = self.random.random()
        if self.texts and roll < 0.4:
            return self.random.choice(self.texts)
        if self.files and roll < 0.6:
            file = self.random.choice(self.files)
            return self.pick(f"{file}.text", f"{file}.text", f"{file}.name", f"{file}.hash", f'"{{{file}.folder}}"')
        if depth <= 0 or roll < 0.66:
            return f'"{self.pick("p", "q", "r")}"'
        inner = self.text(depth - 1)
        return self.random.choice(
            (
                f'"<{{{inner}}}>"',
                f"d1 of ({inner}) in ({self.text(depth - 1)})",
                f"d2 of ({inner})",
                f'(text after "{self.pick(*SOUGHT)}" in {inner} default "none")',
                f"(first of {self.listing()}.name default {inner})",
                f"(answer of {self.address(inner)})",
                f"(last of [{inner}, {self.text(depth - 1)}] default \"n\")",
                f'(text in "{self.pick(*FILES)}")',
            )
        )  # fmt: skip

    def listing(self) -> str:
        """Files of a place, of which some are chosen, or that are put in an order."""
        chosen = f"where {self.condition('it.text' if self.random.random() < 0.5 else 'it.name')}"
        ordered = f"sorted by {self.pick('it.text', 'it.size', 'it.name')}"
        return f'(files in "{self.pick(*PLACES)}" {self.pick(chosen, ordered, "")})'

    def address(self, text: str) -> str:
        hole = self.pick("a", f"a?q={{{text}}}") if '"' not in text else "a"
        return f'"{self.pick(*HOSTS)}/{hole}"'

    def condition(self, text: str = "") -> str:
        if not text and self.random.random() < 0.2:
            return f"count of {self.listing()} > {self.pick('0', '1', '2')}"
        text = text or self.text()
        return self.pick(f'{text} contains "{self.pick(*SOUGHT)}"', f"length of ({text}) > {self.pick('1', '5', '9')}")

    # -- statements ---------------------------------------------------------------------------------------------------

    def statement(self, depth: int) -> list[str]:
        roll = self.random.random()
        if roll < 0.3:
            name, value = self.fresh(), self.text(2)
            self.texts.append(name)
            return [f"let {name} = {value}"]
        if depth and roll < 0.5:
            lines = [f"if {self.condition()}", *self.block(depth - 1)]
            return [*lines, *(("else", *self.block(depth - 1)) if self.random.random() < 0.4 else ()), "end"]
        if depth and roll < 0.6:
            name = self.fresh()
            return [f"for each {name} in {self.listing()}", *self.block(depth - 1, name), "end"]
        if depth and roll < 0.7:
            return ["try", *self.block(depth - 1), "on error", *self.block(depth - 1), "end"]
        if roll < 0.76:
            return [f"if {self.condition()}", self.pick("skip", "stop", 'fail "f"'), "end"]
        if roll < 0.84:
            return self.kept()
        return self.told()

    def block(self, depth: int, name: str = "") -> list[str]:
        texts, files = list(self.texts), list(self.files)
        self.files += [name] * (name != "")
        lines = [line for _ in range(self.random.choice((1, 1, 2))) for line in self.statement(depth)]
        self.texts, self.files = texts, files
        return lines

    def kept(self) -> list[str]:
        """Something that is put into a file, or a file that is put somewhere else."""
        policy = self.pick("", " on conflict replace", " on conflict skip")
        if self.files and self.random.random() < 0.5:
            file, goal = self.random.choice(self.files), self.pick("~/Out/", "~/Out/kept.txt", "~/Out/{now:%S}.txt")
            return [f'{self.pick("move", "move", "copy")} {file} to "{goal}"{policy}']
        return [f'write ({self.text()}) to "{self.pick(*FILES)}"{policy}']

    def told(self) -> list[str]:
        """Something that a host or a person hears."""
        if self.random.random() < 0.25:
            return [f'send mail to "{self.pick(*PEOPLE)}" about "s" saying ({self.text()})']
        said = self.random.choice(self.files) if self.files and self.random.random() < 0.15 else f"({self.text()})"
        if self.random.random() < 0.4:
            said = f'"{self.pick("p", "q")}"'
        return [f"send {said} to {self.address(self.text(0))}"]
