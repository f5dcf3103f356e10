"""What a coworker's ``may`` lines grant, each line held against what its permission takes."""

from __future__ import annotations

import re
from collections.abc import Iterable

from klr import synonyms
from klr import syntax as s
from klr.addresses import AddressError, host_of
from klr.diagnostics import Edit, did_you_mean, instead, listing
from klr.mailboxes import mailbox_problem, mailboxes
from klr.program import Grant
from klr.proof import GlobError, glob
from klr.recipients import is_mail, pattern_of
from klr.secrets import account_problem, app_problem
from klr.source import Source, Span
from klr.typer import Report
from klr.vocabulary import PERMISSIONS, PermissionKind

_JOINED = re.compile(r"may(?:[ \t]+\w+)*?[ \t]+(of|from|in)[ \t]\"")
"""The word between a permission and its patterns."""


class Grants:
    """The grants of one coworker. ``spans`` says where each pattern stands, counted over all of its lines."""

    def __init__(self, source: Source, error: Report) -> None:
        self.source = source
        self.error = error
        self.spans: dict[int, Span] = {}

    def of(self, may: s.May) -> Iterable[Grant]:
        """The grant of one line; none where it is wrong, which is reported."""
        kind = self._kind(may)
        if kind is None:
            return
        hosts = [self._goal(template) for template in may.to] if kind.leaves else []
        if kind.takes in ("mailboxes", "recipients"):
            hosts = [self._account(kind, template) for template in may.patterns]
        if None in hosts:
            return
        patterns = []
        for template in _patterns_of(may):
            if (pattern := self._pattern(kind, template)) is not None:
                patterns.append(pattern)
                self._stands_at(template.span)
        if not _patterns_of(may):
            self._stands_at(may.span)
        line = self.source.place(may.span.start)[0]
        yield Grant(kind.name, tuple(patterns), line, tuple(host for host in hosts if host))

    def _stands_at(self, span: Span) -> None:
        self.spans[len(self.spans)] = span

    def _kind(self, may: s.May) -> PermissionKind | None:
        """The permission that a line names, where the line has the parts that this one takes."""
        kind = PERMISSIONS.get(may.permission)
        if kind is None:
            help = (
                did_you_mean(may.permission, PERMISSIONS, synonyms.PERMISSIONS)
                or f"Permissions are {listing(sorted(PERMISSIONS), 'and')}."
            )
            repair = instead(may.span, may.permission, PERMISSIONS, synonyms.PERMISSIONS)
            span = self.source.words_in(may.span, may.permission) or may.span
            self.error("K208", f"There is no permission `{may.permission}`.", span, help, repair)
            return None
        if may.to and not may.patterns and not kind.leaves and kind.joins != "to":
            written = f"{kind.name} to"
            span = self.source.words_in(may.span, written) or may.span
            repair = (Edit(may.span, written, kind.name),)
            self.error("K208", f"There is no permission `{written}`.", span, f"Did you mean `{kind.name}`?", repair)
            return None
        joins = kind.joins_first
        if (joined := _JOINED.match(self.source.cut(may.span))) and joined[1] != joins:
            span = Span(may.span.start + joined.start(1), may.span.start + joined.end(1))
            message = (
                f"`{joins}` joins this permission." if joins else "The pattern stands right behind the permission."
            )
            repair = (
                (Edit(span, joined[1], joins),)
                if joins
                else (Edit(Span(span.start, span.end + 1), f"{joined[1]} ", ""),)
            )
            self.error("K208", message, span, f"Write, for example, `{kind.example}`.", repair)
            return None
        if problem := _problem(kind, may):
            self.error("K208", f"`may {kind.name}` {problem}.", may.span, f"Write, for example, `{kind.example}`.")
            return None
        return kind

    def _pattern(self, kind: PermissionKind, template: s.Template) -> str | None:
        """One pattern of a line, in its one form; None where it is wrong."""
        pattern = template.constant
        if pattern is None:
            help = 'Write `*` for any name: "~/Invoices/*/*.pdf".'
            self.error("K402", "A permission takes a pattern without holes.", template.span, help)
            return None
        if kind.takes == "hosts":
            return self._host(template)
        if kind.takes == "recipients":
            return self._goal(template, mail=True)
        example = f"For example: `{kind.example}`."
        if kind.takes == "accounts":
            return self._account(kind, template)
        if kind.takes == "mailboxes":
            return self._mailbox(template, example)
        if kind.takes == "apps" and (problem := app_problem(pattern)):
            self.error("K417", problem, template.span, example)
            return None
        try:
            glob(pattern)
        except GlobError as error:
            help = 'A pattern looks like "~/Downloads/*.pdf" or "~/Documents/**".'
            self.error("K402", str(error), template.span, help)
            return None
        return pattern

    def _account(self, kind: PermissionKind, template: s.Template) -> str | None:
        name = template.constant or ""
        if problem := account_problem(name):
            self.error("K418", problem, template.span, f"For example: `{kind.example}`.")
            return None
        return name

    def _mailbox(self, template: s.Template, example: str) -> str | None:
        """A pattern for mail folders."""
        pattern = template.constant or ""
        problem = mailbox_problem(pattern.replace("*", "x"))
        try:
            mailboxes(pattern)
        except GlobError as error:
            problem = problem or str(error)
        if problem:
            self.error("K402", problem, template.span, example)
            return None
        return pattern

    def _goal(self, template: s.Template, mail: bool = False) -> str | None:
        """The host, or the pattern for mail addresses, to which a line lets something go; None for neither."""
        text = template.constant or ""
        if not mail and not is_mail(text):
            return self._host(template)
        try:
            return pattern_of(text)
        except AddressError as error:
            help = 'For example: "ann@example.com", or "*@example.com" for everybody there.'
            self.error("K419", str(error), template.span, help)
            return None

    def _host(self, template: s.Template) -> str | None:
        """The host that a line names, in its one form; None for what is none, which is reported."""
        try:
            return host_of(template.constant or "")
        except AddressError as error:
            self.error("K410", str(error), template.span, 'A host is written "https://api.example.com".')
            return None


def _patterns_of(may: s.May) -> tuple[s.Template, ...]:
    """The patterns of a ``may`` line, wherever they stand."""
    kind = PERMISSIONS.get(may.permission)
    return may.to if kind is not None and kind.behind_to else may.patterns


def _problem(kind: PermissionKind, may: s.May) -> str:
    """What is wrong with the parts of a ``may`` line, or ""."""
    if kind.takes == "apps":
        return "" if not may.to else "goes to no host"
    if kind.takes == "recipients":
        return "" if may.to else "does not say to whom"
    if kind.takes == "mailboxes":
        return "" if may.to and may.patterns else "says in which account, and to which folders"
    if kind.takes and not may.patterns:
        return {"hosts": "does not say which host", "accounts": "does not say which account"}.get(
            kind.takes, "does not say where"
        )
    if may.patterns and not kind.takes:
        return "takes no path"
    if kind.leaves and not may.to:
        return "does not say to which host"
    return "goes to no host" if may.to and not kind.leaves else ""
