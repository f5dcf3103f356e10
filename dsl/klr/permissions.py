"""The proof that a coworker stays within its ``may`` lines.

For each thing that the program demands (``klr.demands``), the question is whether the language of its paths lies within
the union of the patterns granted. It is decided exactly by ``klr.proof``; where the answer is no, it comes with a path
that the program could touch and may not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain, combinations
from typing import NamedTuple

from klr import syntax as s
from klr.checker import Checked
from klr.demands import Demand, RuleDemands
from klr.diagnostics import Diagnostic, Edit, visible
from klr.privilege import READERS, covering, covers, fixed, tightest
from klr.program import Need
from klr.proof import TooComplex, escape, glob
from klr.recipients import is_mail, recipients
from klr.source import Span
from klr.vocabulary import PERMISSIONS, Permission

MOST_APART = 6
"""Kinds of recipients that several lines together may be needed for: how they overlap is looked at for each subset."""


class _Grant(NamedTuple):
    """One pattern of a ``may`` line (None for one without any), to one of its hosts or kinds of recipients."""

    permission: Permission
    pattern: str | None
    to: str
    span: Span


def prove(checked: Checked, rules: Sequence[RuleDemands], diagnostics: list[Diagnostic]) -> None:
    """Find every way out of the ``may`` lines, and every one of them that is not needed or wider than needed.

    ``rules`` is what each rule of ``checked``, a tree that is free of errors, demands. Findings are added to
    ``diagnostics``.
    """
    found = [finding for rule in rules for finding in rule.diagnostics]
    demands = [demand for rule in rules for demand in rule.demands]
    judge = _Judge(checked)
    refusals = [refused for demand in demands if (refused := judge.refusal(demand))]
    # A line that is missing is told of once, where it is first needed.
    found.extend({refused.help if refused.repair else refused.span: refused for refused in reversed(refusals)}.values())
    diagnostics.extend(found or judge.advice([demand.need for demand in demands]))


class _Judge:
    """Holds demands against the grants."""

    def __init__(self, checked: Checked) -> None:
        self.tree = checked.tree
        self.grants: list[_Grant] = []
        spans = iter(checked.grant_spans.values())
        for grant in checked.grants:
            for pattern in grant.patterns or (None,):
                span = next(spans)
                self.grants.extend(_Grant(grant.permission, pattern, host, span) for host in grant.to or ("",))

    @staticmethod
    def _witness(need: Need, grants: Iterable[_Grant]) -> str | None:
        """A path that is demanded and not granted, or None; "" for a permission without paths."""
        granted = [grant for grant in grants if _serves(grant, need)]
        if need.permission == "send mail":
            assert need.language is not None
            return escape(need.language, [recipients(_written_to(grant)) for grant in granted])
        if need.recipients is not None:
            return _mailed(need, granted)
        return _beyond(need, granted)

    def _is_granted(self, need: Need, grants: Iterable[_Grant]) -> bool:
        try:
            return self._witness(need, grants) is None
        except TooComplex:
            return False

    def refusal(self, demand: Demand) -> Diagnostic | None:
        """The finding that a demand is not granted, or None where it is."""
        need = demand.need
        plain = PERMISSIONS[need.permission].plain
        try:
            witness = self._witness(need, self.grants)
        except TooComplex:
            help = "Use fewer `**` and holes in this path, or in the `may` lines."
            return Diagnostic("K404", "This path is too intricate to be proved safe.", demand.span, help)
        if witness is None:
            return None
        patterns = need.patterns if need.language is None else covering(need)
        line = may_line(need.permission, patterns, need.to)
        help = f"To allow it, add this line at the top:\n{line}"
        if need.permission == "move mail":
            message = f'This could move mail of "{need.to}" to "{visible(witness)[1:]}", and no `may move mail` line allows that.'
            return Diagnostic("K401", message, demand.span, help, self._added(line))
        if need.permission == "send mail":
            by = f' from "{need.to}"' if need.to else ""
            message = f"This could write mail{by} to {visible(witness)[1:]}, and no `may send mail` line allows that."
            return Diagnostic("K401", message, demand.span, help, self._added(line))
        if need.to or need.permission == "contact":
            code, message = _leaving(demand, visible(witness))
            return Diagnostic(code, message, demand.span, help, self._added(line))
        if need.language is None:
            message = (
                f"This coworker may not {plain} the app that you use for them."
                if need.permission == "open"
                else f"This coworker may not {' '.join((plain, *map(visible, need.patterns)))}."
            )
        else:
            message = f'This could {plain} "{visible(witness)}", and no `may {need.permission}` line allows that.'
        return Diagnostic("K401", message, demand.span, help, self._added(line))

    def _added(self, line: str) -> tuple[Edit, ...]:
        """The repair that puts a line before the first ``may`` line, or before the first part of all."""
        first = next((part for part in self.tree.parts if isinstance(part, s.May)), None)
        if first is not None:
            return (Edit(first.span, "", f"{line}\n"),)
        return (Edit(self.tree.parts[0].span, "", f"{line}\n\n"),)

    def advice(self, needs: list[Need]) -> Iterable[Diagnostic]:
        """What is granted and not needed: whole grants, and those that reach further than anything that is done."""
        needed = list(self.grants)
        for grant in reversed(self.grants):
            without = [other for other in needed if other is not grant]
            if all(not _serves(grant, need) or self._is_granted(need, without) for need in needs):
                needed = without
                shown = may_line(grant.permission, (grant.pattern,) if grant.pattern else (), grant.to)
                message = f"`{shown}` is not needed."
                yield Diagnostic(
                    "K601", message, grant.span, "Remove it: the less a coworker may do, the better it can be trusted."
                )
        tight = {(line.permission, line.to): line.patterns for line in tightest(needs)}
        for permission, pattern, to, span in needed:
            patterns = tight.get((permission, to), ())
            if pattern and PERMISSIONS[permission].takes_paths and (narrower := _narrower(pattern, patterns)):
                message = f"`{may_line(permission, (pattern,), to)}` allows more than is done: all of that lies in {narrower}."
                yield Diagnostic("K604", message, span, f"Allow only this:\n{may_line(permission, patterns, to)}")


def _serves(grant: _Grant, need: Need) -> bool:
    """Whether a grant is of the kind that a need asks for. Who may have what is in a file may know its name, and who
    may be sent something may be contacted."""
    if need.permission == "contact":
        return grant.permission == "contact" or PERMISSIONS[grant.permission].leaves
    if need.permission == "send mail":
        if grant.permission == "send mail":
            return grant.to == need.to
        return PERMISSIONS[grant.permission].leaves and is_mail(grant.to) and not need.to
    same = grant.permission == need.permission or (grant.permission, need.permission) == ("send contents", "send names")
    return same and (grant.to == need.to if need.recipients is None else is_mail(grant.to))


def _written_to(grant: _Grant) -> str:
    """To whom a grant lets mail be written."""
    return (grant.pattern if grant.permission == "send mail" else grant.to) or ""


def _beyond(need: Need, granted: Sequence[_Grant]) -> str | None:
    """A path that is demanded and in no pattern, or None; "" for a permission without paths."""
    if need.language is not None:
        read = READERS.get(PERMISSIONS[need.permission].takes, glob)
        return escape(need.language, [read(grant.pattern) for grant in granted if grant.pattern])
    if need.permission == "contact" and any(grant.to in need.patterns for grant in granted):
        return None
    return None if {grant.pattern for grant in granted}.issuperset(need.patterns or (None,)) else ""


def _mailed(need: Need, granted: Sequence[_Grant]) -> str | None:
    """As ``_beyond``, for what is mailed to some recipients.

    What is demanded is every pair of a path and a recipient; each line grants every pair of one of its paths and one of
    its recipients. All that is demanded is granted just where, however the kinds of recipients are parted in two, the lines
    of the first part hold every path or the second part every recipient.
    """
    assert need.recipients is not None
    kinds = tuple(dict.fromkeys(grant.to for grant in granted))
    holding = [kind for kind in kinds if escape(need.recipients, [recipients(kind)]) is None]
    found = _beyond(need, [grant for grant in granted if grant.to in holding])
    if found is None or len(kinds) > MOST_APART:
        return found
    for first in chain.from_iterable(combinations(kinds, size) for size in range(len(kinds) + 1)):
        rest = [recipients(kind) for kind in kinds if kind not in first]
        found = _beyond(need, [grant for grant in granted if grant.to in first])
        if found is not None and escape(need.recipients, rest) is not None:
            return found
    return None


def _leaving(demand: Demand, witness: str) -> tuple[str, str]:
    """(code, message) for something that would leave the machine and may not."""
    need = demand.need
    if need.permission == "contact":
        return "K411", f"This contacts {need.patterns[0]}, and no `may contact` line allows that."
    of = {
        "send names": f'the name of "{witness}"',
        "send contents": f'what is in "{witness}"',
        "send answers": f"what {need.patterns[0]} answers" if need.patterns else "",
        "send mails": f'the mail of "{visible(need.patterns[0])}"' if need.patterns else "",
    }[need.permission]
    if demand.implied:
        return (
            "K413",
            f"That this is sent to {need.to} tells something of {of}, and no `may {need.permission}` line allows that.",
        )
    return "K412", f"This could send {of} to {need.to}, and no `may {need.permission}` line allows that."


def _narrower(pattern: str, tight: Sequence[str]) -> str:
    """The folder deeper than that of a pattern for ``**`` in which all lies that it is needed for; "" for none."""
    if not pattern.endswith("/**"):
        return ""
    root = fixed(pattern)
    within = [fixed(one.rpartition("/")[0]) for one in tight if covers([pattern], glob(one))]
    if not within or any(not folder.startswith(f"{root}/") for folder in within):
        return ""
    common = within[0].split("/")
    for folder in within[1:]:
        same = [a == b for a, b in zip(common, folder.split("/"), strict=False)]
        common = common[: same.index(False) if False in same else len(same)]
    folder = "/".join(common)
    return f"`{folder}`" if len(folder) > len(root) else ""


def may_line(permission: str, patterns: Sequence[str], to: str = "") -> str:
    """The ``may`` line that grants something, as it is written; of mail, ``to`` is the account that stands before it."""
    kind = PERMISSIONS.get(permission)
    written = ", ".join(f'"{_quoted(pattern)}"' for pattern in patterns)
    if kind is not None and kind.behind_to and to:
        return f'may {permission} {kind.joins_first} "{_quoted(to)}" to {written}'
    of = f" {kind.joins}" if kind is not None and kind.joins and patterns else ""
    return f"may {permission}{of} {written}".rstrip() + (f' to "{_quoted(to)}"' if to else "")


def _quoted(pattern: str) -> str:
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "{": "{{", "}": "}}"}
    return "".join(escapes.get(character, character) for character in pattern)
