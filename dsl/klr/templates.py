"""Texts with holes: what is shown in them, and the paths and web addresses that they are meant as."""

from __future__ import annotations

from klr import syntax as s
from klr.addresses import AddressError
from klr.addresses import address as address_of
from klr.mailboxes import EXAMPLE, mailbox_problem
from klr.operators import FORMATS, a
from klr.recipients import is_mail
from klr.scope import Facts, Scope
from klr.source import Span
from klr.typer import Report, Typer, may_be_missing
from klr.types import (
    ADDRESS,
    ATTACHMENT,
    ERROR,
    FILE,
    GONE,
    MAIL,
    MAILBOX,
    PATH,
    PATHS,
    ROW,
    TEXT,
    UNKNOWN,
    YES_NO,
    Type,
    element_of,
)

_NAMED = "its `.name`, such as `{file.name}`"


class Templates:
    """Checks texts with holes. ``type_of`` and ``error`` are those of whoever checks expressions."""

    def __init__(self, facts: Facts, type_of: Typer, error: Report) -> None:
        self.facts = facts
        self.type_of = type_of
        self.error = error

    def text(self, node: s.Template, scope: Scope) -> Type:
        for part in node.parts:
            if isinstance(part, s.Hole):
                found = self._hole(part, scope)
                self.shown(part.value, found, part.span)
        return TEXT

    def _hole(self, hole: s.Hole, scope: Scope) -> Type:
        found = self.type_of(hole.value, scope)
        if hole.format and found != UNKNOWN:
            self._format(hole, found)
        return found

    def _format(self, hole: s.Hole, found: Type) -> None:
        check, examples = FORMATS.get(found, (None, ""))
        if check is None:
            help = "Remove the colon and what follows it."
            self.error("K305", f"{a(found).capitalize()} takes no format.", hole.span, help)
        elif problem := check(hole.format):
            help = f"{problem} Write, for example, {examples}."
            self.error("K305", f"`{hole.format}` is no format for {a(found)}.", hole.span, help)

    def path(self, node: s.Template, scope: Scope, wanted: Type = PATH) -> Type:
        self.facts.paths.add(id(node))
        first = node.parts[0] if node.parts else ""
        types = [self._hole(part, scope) if isinstance(part, s.Hole) else None for part in node.parts]
        starts_in_folder = (
            types[0:1] != [] and types[0] in PATHS and len(node.parts) > 1 and str(node.parts[1]).startswith("/")
        )
        if UNKNOWN in types[:1]:
            return wanted
        if not starts_in_folder and not (isinstance(first, str) and first.startswith(("~/", "/"))):
            return self.error(
                "K306",
                "A path begins with `~/` (your own folder) or `/`.",
                node.span,
                'Write, for example, "~/Documents/{file.name}".',
            )
        for part, found in zip(node.parts[starts_in_folder:], types[starts_in_folder:], strict=True):
            self._piece(part, found)
        self._components(node, starts_in_folder)
        return wanted

    def mailbox(self, node: s.Template, scope: Scope) -> Type:
        """The name of a mail folder. Its holes are those of a path: none can hold a `/`."""
        self.facts.paths.add(id(node))
        for part in node.parts:
            self._piece(part, self._hole(part, scope) if isinstance(part, s.Hole) else None)
        if problem := mailbox_problem("".join(part if isinstance(part, str) else "\0" for part in node.parts)):
            self.error("K306", problem, node.span, EXAMPLE)
        return MAILBOX

    def _piece(self, part: str | s.Hole, found: Type | None) -> None:
        """Check a piece of a path: what stands in a hole is one name or a part of one."""
        element = element_of(found) if found and element_of(found) else found
        if isinstance(part, s.Hole) and "/" in part.format and found != YES_NO:
            help = "Put the parts into holes of their own: `{file.modified:%Y}/{file.modified:%m}`."
            self.error("K305", "A `/` in a format can not be part of a name in a path.", part.span, help)
        if (
            isinstance(part, s.Hole)
            and found is not None
            and element not in (FILE, GONE, ERROR, MAIL, ATTACHMENT, *PATHS)
        ):
            self.shown(part.value, found, part.span)
        elif isinstance(part, s.Hole) and found is not None:
            self.error(
                "K304",
                f"{a(element or UNKNOWN).capitalize()} can not be part of a name in a path.",
                part.span,
                "A hole in a path stands for one name or a piece of one, such as `{file.name}`.",
            )

    def _components(self, node: s.Template, starts_in_folder: bool) -> None:
        written = "".join(part if isinstance(part, str) else "\0" for part in node.parts)
        components = written.split("/")[1:]
        if components[-1] == "":
            self.facts.into_folder.add(id(node))
            components.pop()
        for name in components:
            if name in ("", ".", ".."):
                shown = f"`{name}`" if name else "an empty name"
                self.error(
                    "K306",
                    f"A path can not hold {shown} between its `/`.",
                    node.span,
                    "Write the whole path, from the top down.",
                )

    def address(self, node: s.Template, scope: Scope) -> Type:
        for part in node.parts:
            if isinstance(part, s.Hole):
                found = self._hole(part, scope)
                if found in (FILE, ERROR, MAIL, ATTACHMENT) or found.name == "list":
                    self.error(
                        "K304",
                        f"{a(found).capitalize()} can not be part of an address.",
                        part.span,
                        "Show a property of it, such as `{file.name}`.",
                    )
        try:
            parts = [part if isinstance(part, str) else None for part in node.parts]
            self.facts.hosts[id(node)] = address_of(parts)
        except AddressError as error:
            written = node.constant or ""
            if is_mail(written):
                help = f'To mail it, write: `send mail to "{written}" about "For you" saying "Please see the file." with file`.'
                self.error("K416", "This is no web address.", node.span, help)
                return ADDRESS
            self.error("K416", str(error), node.span, 'For example: "https://api.example.com/invoices/{file.stem}".')
        return ADDRESS

    def shown(self, node: s.Expression, found: Type, span: Span) -> None:
        """Check that a value can be shown as a text."""
        if found.name == "maybe":
            may_be_missing(node, self.error)
            return
        element = element_of(found) or found
        if element in (FILE, GONE, ERROR, MAIL, ATTACHMENT, ROW) or element.name in ("list", "group", "match"):
            what = {
                ERROR: "its `.message`",
                FILE: _NAMED,
                GONE: _NAMED,
                ATTACHMENT: "its `.name`",
                MAIL: "its `.subject`",
            }.get(element, 'one of its columns, such as `{row."Amount"}`' if element == ROW else "a part of it")
            if element.name == "match":
                what = f"one of its groups, such as `.{element.fields[0]}`"
            self.error("K304", f"{a(found).capitalize()} can not be shown as a text.", span, f"Show {what}.")
