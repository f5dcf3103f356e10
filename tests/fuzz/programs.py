"""Texts of coworkers: well-typed by construction for the most part, with deep expressions and every statement."""

from __future__ import annotations

from random import Random

from klr.syntax import escaped
from tests.fuzz.expressions import Expressions
from tests.fuzz.lists import Names
from tests.fuzz.samples import HOSTS, PEOPLE, REAL

TRIGGERS = (
    'file arrives in "~/In"',
    'file arrives in "~/In"',
    'file arrives in "~/In/**"',
    'file arrives in "~/In" named "*.pdf"',
    'file arrives in "/srv/x"',
    'file arrives in "~/In" named "[!x]*"',
    "asked",
    "asked for v0: number = 3",
    'file changes in "~/In"',
    'file leaves in "~/In"',
    'folder arrives in "~/**"',
    "klapp starts",
    '"Other" finishes',
    '"Other" fails',
    'mail arrives in "work"',
    'mail arrives in "work" from "*@acme.example"',
)
OPTIONS = (
    "",
    "",
    "",
    " between 09:00 and 18:00",
    " at most 1 at a time else skip",
    " retry 3 times after 1 minute",
    ' between 22:00 and 06:00 in time zone "Europe/Berlin"',
)
CLOCK = (
    "every 15 minutes",
    "every monday, friday at 09:00, 17:30",
    "every month on last day at 18:00",
    'cron "0 9 * * 1-5"',
)
FOLDERS = ("~/In", "~/Out", "~/Out/a", "/srv/x", "~/Out/b c", "~/In/sub")
GRANTED = (
    "~/In/*",
    "~/In/**",
    "~/Out/**",
    "~/Out/*",
    "/srv/**",
    "~/Out/*/*",
    "~/**",
    "~/Out/[a-m]*",
    "~/In/*.pdf",
    "~/Out/?*.pdf",
    "~/Out/[!.]*",
    "~/*/*",
    "/**",
)
POLICIES = ("", "", " on conflict rename", " on conflict skip", " on conflict replace", " on conflict fail")
PIECES = ("a", "b.pdf", "x ", ".", "a (2)", ".txt", "A", "-")


class Programs:
    """Makes programs out of one source of chance."""

    def __init__(self, random: Random, reaches: float = 0.3, bare: bool = False) -> None:
        """``reaches`` is how likely hosts, people and apps are reached; a ``bare`` program has no line for anything."""
        self.random = random
        self.expressions = Expressions(random)
        self.expressions.reaches = random.random() < reaches
        self.bare = bare
        self.counter = 0
        self.room = random.choice((4, 8, 14, 24))
        """Statements that may still be made."""

    def pick(self, *choices: str) -> str:
        return self.random.choice(choices)

    def fresh(self) -> str:
        self.counter += 1
        return f"v{self.counter}"

    def program(self) -> str:
        """A whole file."""
        lines = ['coworker "fuzzed"', *self._grants(), 'may receive mail from "work"', *self._mailboxes()]
        root = Names(self.random)
        if self.expressions.reaches:
            lines.append(f'secret token for "{HOSTS[0]}"')
        for _ in range(self.random.choice((0, 0, 1, 2))):
            kind = self.pick("text", "number", "list of text", "size", "duration", "yes/no", "date", "time")
            name = self.fresh()
            lines.append(f"setting {name}: {kind} = {self._constant(kind)}")
            root.known[name] = kind
        if self.random.random() < 0.15:
            lines.append(
                f"limit {self.pick('1 file', '2 files', '1 notice', '0 notices', '10 bytes', '1 kB', '3 files')}"
            )
        for _ in range(self.random.choice((0, 0, 1, 2))):
            lines.append(self._definition(root))
        for _ in range(self.random.choice((1, 1, 1, 2))):
            lines.extend(self._rule(root))
        return "\n".join(lines) + "\n"

    def _grants(self) -> list[str]:
        if self.bare:
            return ["may notify"]
        if self.random.random() < 0.55:
            whole = [f'may {kind} "~/**", "/**"' for kind in ("read", "remove", "erase", "write")] + ["may notify"]
            return [*whole, *self._told_all()] if self.expressions.reaches else whole
        lines = [
            f"may {kind} " + ", ".join(f'"{self.random.choice(GRANTED)}"' for _ in range(self.random.randint(1, 2)))
            for kind in ("read", "remove", "erase", "write")
            if self.random.random() < 0.9
        ]
        return [*lines, "may notify"] if self.random.random() < 0.9 else lines

    def _mailboxes(self) -> list[str]:
        """Lines by which mail may be moved and marked: some of them too narrow."""
        to = ", ".join(f'"{self.pick("A/*", "A/**", "**", "B", "A/B")}"' for _ in range(self.random.randint(1, 2)))
        lines = [f'may move mail in "{self.pick("work", "work", "work", "home")}" to {to}', 'may mark mail in "work"']
        return [line for line in lines if self.random.random() < 0.8]

    @staticmethod
    def _told_all() -> list[str]:
        """Lines by which everybody may be told everything."""
        hosts, people = (", ".join(f'"{one}"' for one in some) for some in (HOSTS, PEOPLE))
        return [
            "may open", f"may contact {hosts}", f"may send mail to {people}", f'may send contents of "~/**", "/**" to {hosts}, {people}',
            f"may send answers of {hosts} to {hosts}, {people}", f'may send mails of "work" to {hosts}, {people}',
        ]  # fmt: skip

    def _constant(self, kind: str) -> str:
        if kind.startswith("list of "):
            return f"[{', '.join(self._constant(kind[8:]) for _ in range(self.random.randint(1, 3)))}]"
        if kind == "text":
            return f'"{escaped(self.pick("Acme", "a", "", "b c"))}"'
        return (
            self.expressions.of(kind, Names(self.random), -1)
            if kind != "date"
            else self.pick("2026-03-09", "2020-01-01 09:30")
        )

    def _definition(self, root: Names) -> str:
        kinds = self.random.sample(("of", "in", "after", "before"), self.random.randint(1, 2))
        parameters = tuple((word, self.pick("text", "number", "file", "size", "date", "yes/no")) for word in kinds)
        names = [self.fresh() for _ in parameters]
        inner = Names(self.random, root, {n: kind for n, (_, kind) in zip(names, parameters, strict=True)})
        result = self.pick("text", "number", "yes/no", "size", "date", "path", "list of text")
        made = {"path": lambda: f'"~/Out/{self._name(inner)}"'}
        body = made.get(result, lambda: self.expressions.of(result, inner, 2))()
        self.counter += 1
        name = f"d{self.counter}"
        self.expressions.definitions.append((name, parameters, result))
        written = " ".join(f"{word} {n}: {kind}" for n, (word, kind) in zip(names, parameters, strict=True))
        return f"define {name} {written} = {body}"

    def _rule(self, root: Names) -> list[str]:
        trigger = f"when {self.random.choice(TRIGGERS)}" if self.random.random() < 0.85 else self.random.choice(CLOCK)
        names = Names(self.random, root)
        if trigger.startswith("when mail"):
            names.known["mail"] = "mail"
        elif "file leaves" in trigger:
            names.known["file"] = "gone file"
        elif "file" in trigger:
            names.known["file"] = "file"
        elif "folder" in trigger:
            names.known["folder"] = "path"
        elif "for v0" in trigger:
            names.known["v0"] = "number"
        if trigger.startswith("when") and "asked" not in trigger:
            trigger += self.random.choice(OPTIONS)
        lines = [trigger, *self._block(names, 3, looping=False)]
        if self.random.random() < 0.3:
            lines.extend(("on error", *self._block(self._with_error(names), 1, looping=False)))
        return [*lines, "end"]

    def _with_error(self, names: Names) -> Names:
        return Names(self.random, names, {"error": "error"})

    # -- statements ---------------------------------------------------------------------------------------------------

    def _block(self, names: Names, depth: int, looping: bool) -> list[str]:
        inner, lines = Names(self.random, names), []
        for _ in range(self.random.choice((1, 1, 2, 3, 4))):
            if self.room <= 0:
                break
            self.room -= 1
            lines.extend(self._statement(inner, depth, looping))
        if self.random.random() < 0.12:
            lines.append(self._control(inner))
        names.gone.update(name for name in inner.gone if name not in inner.known)
        return lines

    def _statement(self, names: Names, depth: int, looping: bool) -> list[str]:
        roll = self.random.random()
        if roll < 0.2:
            return self._let(names)
        if depth > 0 and roll < 0.32:
            return self._if(names, depth, looping)
        if depth > 0 and roll < 0.42:
            return self._for_each(names, depth)
        if depth > 0 and roll < 0.5:
            return [
                "try", *self._block(names, depth - 1, looping),
                "on error", *self._block(self._with_error(names), depth - 1, looping), "end",
            ]  # fmt: skip
        return [self._action(names)]

    def _let(self, names: Names) -> list[str]:
        name = self.fresh()
        kind = self.pick(
            "text",
            "text",
            "number",
            "size",
            "duration",
            "date",
            "list of text",
            "list of file",
            "list of number",
            "yes/no",
            "path",
            "file",
        )
        if kind == "file" and not names.of("file"):
            kind = "text"
        if kind == "path":
            made = (
                f'"~/Out/{self._name(names)}"'
                if not names.of("file") or self.random.random() < 0.5
                else self.expressions.of("path", names)
            )
        else:
            made = self.expressions.of(kind, names, self.random.choice((1, 2, 3)))
        if kind == "text" and names.of("file") and self.random.random() < 0.3:
            made = f"{self.random.choice(names.of('file'))}.{self.random.choice(REAL)}"
        names.known[name] = kind
        return [f"let {name} = {made}"]

    def _if(self, names: Names, depth: int, looping: bool) -> list[str]:
        lines = [f"if {self.expressions.of('yes/no', names)}", *self._block(names, depth - 1, looping)]
        while self.random.random() < 0.2:
            lines.extend((f"else if {self.expressions.of('yes/no', names)}", *self._block(names, depth - 1, looping)))
        if self.random.random() < 0.4:
            lines.extend(("else", *self._block(names, depth - 1, looping)))
        return [*lines, "end"]

    def _for_each(self, names: Names, depth: int) -> list[str]:
        if self.random.random() < 0.15:
            return self._for_each_group(names, depth)
        kind = self.pick("file", "file", "text", "number", "row")
        if names.of("mail") and self.random.random() < 0.6:
            kind = "attachment"
        name = self.fresh()
        head = f"for each {name} in {self.expressions.of(f'list of {kind}', names, 2)}"
        inner = Names(self.random, names, {name: kind})
        lines = [head, *self._block(inner, depth - 1, looping=True)]
        if self.random.random() < 0.3:
            lines.extend(("on error", *self._block(self._with_error(inner), depth - 1, looping=True)))
        return [*lines, "end"]

    def _for_each_group(self, names: Names, depth: int) -> list[str]:
        """Rows or files by what they have in common: an inner loop goes through each group."""
        kind, name, member = self.pick("row", "file"), self.fresh(), self.fresh()
        key = (
            self.expressions.column("it") if kind == "row" else f"it.{self.pick('extension', 'size', 'folder', 'kind')}"
        )
        items = self.expressions.value(f"list of {kind}", names, 1)
        inner = Names(self.random, names, {member: kind})
        return [
            f"for each {name} in {items} grouped by {key}",
            f'notify "{{{name}.key}} {{count of {name}.{kind}s}}"',
            f"for each {member} in {name}.{kind}s", *self._block(inner, depth - 1, looping=True), "end", "end",
        ]  # fmt: skip

    def _control(self, names: Names) -> str:
        word = self.pick("skip", "stop", "fail")
        reason = self.expressions.of("text", names, 1) if word == "fail" or self.random.random() < 0.5 else ""
        return f"{word} {reason}".strip()

    def _action(self, names: Names) -> str:
        files = names.of("file")
        text = self.expressions.of("text", names, self.random.choice((0, 1, 2)))
        papers = names.of("attachment")
        if papers and self.random.random() < 0.7:
            goal = self._goal(names, into=True)
            return f"save {self.random.choice(papers)} to {goal}{self.random.choice(POLICIES)}"
        if names.of("mail") and self.random.random() < 0.3:
            return self._handled()
        if self.expressions.reaches and self.random.random() < (0.5 if self.bare else 0.25):
            return self._told(names, text)
        if not files or self.random.random() < 0.4:
            goal = self._goal(names, into=False)
            return self.pick(
                f"notify {text}",
                f"write ({text}) to {goal}{self.random.choice(POLICIES)}",
                f"write ({text}) to {goal}{self.random.choice(POLICIES)}",
                f"append ({text}) to {goal}",
                f"append ({text}) to {goal}",
                f"make folder {goal}",
                self._into_table(names),
            )
        if self.random.random() < 0.1:
            return self._into_table(names)
        file = self.random.choice(files)
        roll = self.random.random()
        if roll < 0.45:
            return f"move {self._thing(file, names)} to {self._goal(names, into=True)}{self.random.choice(POLICIES)}"
        if roll < 0.7:
            return f"copy {self._thing(file, names)} to {self._goal(names, into=True)}{self.random.choice(POLICIES)}"
        if roll < 0.87:
            name = f'"{self._name(names)}"' if self.random.random() < 0.8 else text
            return f"rename {file} to {name}{self.random.choice(POLICIES)}"
        names.gone.add(file)
        return f"{self.pick('trash', 'trash', 'erase')} {file}"

    def _handled(self) -> str:
        """Something that is done to the mail that came."""
        if self.random.random() < 0.4:
            return f"mark mail as {self.pick('read', 'unread', 'flagged', 'unflagged')}"
        hole = self.pick("{mail.subject}", "{mail.date:%Y}", "{mail.sender}", "x", "{mail.sender_name}{mail.account}")
        return f'move mail to "{self.pick("A", "A", "B")}{self.pick("/", "/", "", "-")}{hole}{self.pick("", "", "/B")}"'

    def _told(self, names: Names, text: str) -> str:
        """Something that reaches a host, a person or an app."""
        files, roll = names.of("file"), self.random.random()
        file = self.random.choice(files) if files else ""
        if file and roll < 0.15:
            return f"open {file}"
        if roll < 0.3:
            along = f" with {self.pick(file, f'[{file}]')}" if file and self.random.random() < 0.6 else ""
            about = self.expressions.of("text", names, 0)
            return f'send mail to "{self.random.choice(PEOPLE)}" about ({about}) saying ({text}){along}'
        host = self.random.choice(HOSTS)
        end = self.pick("", "", " by put", " by patch") + (" using token" if host == HOSTS[0] and roll < 0.5 else "")
        to = self.expressions.address(names, 1, host)
        if file and roll < 0.6:
            return f"send {file} to {to}{self.pick('', '', ' as upload')}{end}"
        if roll < 0.85:
            return f"send ({text}) to {to}{self.pick('', ' as json')}{end}"
        kind = self.pick(
            "number", "date", "size", "duration", "yes/no", "time", "row", "list of text", "list of number"
        )
        return f"send {self.expressions.value(kind, names, 1)} to {to}{end}"

    def _into_table(self, names: Names) -> str:
        goal = self.pick('"~/In/t.csv"', '"~/Out/a.csv"', '"~/Out/{now:%S}.tsv"', '"~/In/b.txt"', '"~/Out/x"')
        if self.random.random() < 0.5:
            return f"append row {self.expressions.value('row', names, 2)} to {goal}"
        sign = self.pick("", "", ' with ";"', ' with "x"')
        return f"write table {self.expressions.value('list of row', names, 2)} to {goal}{sign}{self.random.choice(POLICIES)}"

    def _thing(self, file: str, names: Names) -> str:
        """The file of an action: nearly always a name, so that it is followed."""
        return file if self.random.random() < 0.93 else f"({self.expressions.of('file', names, 2)})"

    def _goal(self, names: Names, into: bool) -> str:
        files, roll = names.of("file"), self.random.random()
        paths = names.of("path")
        if paths and roll < 0.15:
            return self.random.choice(paths)
        if files and roll < 0.25:
            folder = f"{{{self.random.choice(files)}.folder}}"
        elif files and roll < 0.3:
            return f"{self.random.choice(files)}.path"
        else:
            folder = self.random.choice(FOLDERS)
        parts = [self._name(names) for _ in range(self.random.choice((1, 1, 1, 2)))]
        if into and self.random.random() < 0.5:
            return f'"{"/".join([folder, *parts[1:]])}/"'
        return f'"{"/".join([folder, *parts])}"'

    def _name(self, names: Names) -> str:
        """One name of a path, with holes."""
        files, parts = names.of("file"), []
        for _ in range(self.random.choice((1, 1, 2, 3))):
            roll = self.random.random()
            if names.of("attachment") and roll < 0.4:
                parts.append(f"{{{self.random.choice(names.of('attachment'))}.{self.random.choice(REAL)}}}")
            elif files and roll < 0.5:
                parts.append(f"{{{self.random.choice(files)}.{self.random.choice(REAL)}}}")
            elif files and roll < 0.56:
                parts.append(f"{{{self.random.choice(files)}.text}}")
            elif roll < 0.7:
                kind = self.pick("text", "number", "date", "size", "text")
                parts.append(self.expressions.hole(kind, names, 1))
            else:
                parts.append(self.random.choice(PIECES))
        # A name that is written out must be one.
        name = "".join(parts)
        return name if name not in (".", "..", "...") or "{" in name else "a"
