"""Checks ``secret`` lines and the names of apps: what a coworker says of things that klapp itself keeps or starts."""

from __future__ import annotations

import re
from collections.abc import Callable

from klr import syntax as s
from klr.addresses import AddressError, host_of
from klr.program import Secret

HEADER, PREFIX = "Authorization", "Bearer "
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,60}")
_PREFIX = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,60}")
FORBIDDEN = frozenset(
    ("connection", "content-encoding", "content-length", "content-type", "cookie", "expect", "host", "te", "trailer",
     "transfer-encoding", "upgrade", "user-agent", "accept", "accept-encoding")
)  # fmt: skip
"""Headers that klapp writes itself, or that would change what a request means."""


class Secrets:
    """Checks secrets; ``error`` records a finding."""

    def __init__(self, error: Callable[..., object]) -> None:
        self.error = error

    def of(self, line: s.SecretLine) -> Secret:
        """One secret as data; where its line is wrong, one that goes to no host."""
        header, prefix = self._header(line.header)
        label = line.label.constant if line.label else ""
        if label is None and line.label:
            self.error("K309", "A label takes a text without holes.", line.label.span)
        return Secret(line.name, self._host(line.host), header, prefix, label or line.name)

    def _host(self, template: s.Template) -> str:
        help = 'For example: `secret token for "https://api.example.com"`.'
        try:
            host = host_of(template.constant or "")
        except AddressError as error:
            self.error("K410", str(error), template.span, help)
            return ""
        if host.startswith("http://"):
            self.error(
                "K410", "A secret goes nowhere unencrypted: its host begins with `https://`.", template.span, help
            )
            return ""
        return host

    def _header(self, template: s.Template | None) -> tuple[str, str]:
        if template is None:
            return HEADER, PREFIX
        name, colon, prefix = (template.constant or "").partition(":")
        prefix = prefix.strip()
        fine = _HEADER.fullmatch(name) and name.lower() not in FORBIDDEN and (_PREFIX.fullmatch(prefix) or not colon)
        if not fine:
            help = 'For example `as "X-Api-Key"`, or `as "Authorization: Token"`.'
            self.error("K410", "Behind `as` stands the header that takes the secret to its host.", template.span, help)
            return HEADER, PREFIX
        return name, f"{prefix} " if prefix else ""


_ACCOUNT = re.compile(r"\w(?:[\w .@+-]{0,62}\w)?")


def account_problem(name: str) -> str:
    """What is wrong with the name of a mail account, or ""."""
    return (
        "" if _ACCOUNT.fullmatch(name) else "A mail account is named as you named it for klapp: by letters and digits."
    )


def app_problem(path: str) -> str:
    """What is wrong with the path of a program, or ""."""
    absolute = path.startswith("/") or re.match(r"[A-Za-z]:/", path)
    if not absolute or any(part in ("", ".", "..") for part in path.split("/")[1:]):
        return "An app is named by the whole path of its program."
    if any(sign in path for sign in "*?[") or any(ord(character) < 32 for character in path):
        return "An app is one program: its path holds no `*`, `?` or `[`."
    return ""
