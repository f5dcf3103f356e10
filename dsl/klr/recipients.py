"""Mail addresses as a coworker writes them, and patterns for them: which are valid, and which addresses a pattern holds.

The forms are a strict part of RFC 5322: a dot-atom in ASCII, an ``@``, the name of a host. There are no quotes, comments
or names beside an address, so nothing in one can end a header or begin another. To the proof an address is a path of one
component, ``/ann@example.com``, in small letters.
"""

from __future__ import annotations

import re
from functools import lru_cache

from klr.addresses import AddressError
from klr.proof import GlobError, Language, any_of, concat, glob, intersection, literal, one_of
from klr.proof.language import NOT_SLASH, without

_ATOM = r"[A-Za-z0-9!#$%&'+=^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"({_ATOM}(?:\.{_ATOM})*)@({_LABEL}(?:\.{_LABEL})*)")
_PATTERN = re.compile(rf"[A-Za-z0-9!#$%&'+=^_`{{|}}~.*-]+@(?:\*|(?:\*\.)?{_LABEL}(?:\.{_LABEL})*)")
LONGEST = 254
"""Characters of a whole address (RFC 3696, erratum 1690)."""
LONGEST_LOCAL = 64
"""Characters before the ``@`` (RFC 5321, section 4.5.3.1.1)."""
_NOT_AT = without(NOT_SLASH, ((ord("@"), ord("@")),))
_SOME = concat(one_of(_NOT_AT), any_of(_NOT_AT))
ANYONE = "*@*"
"""The pattern of every address."""
EVERY_ADDRESS = concat(literal("/"), _SOME, literal("@"), _SOME)
PART: Language = any_of(_NOT_AT)
"""What a hole can be beside a written ``@``: an address has only one."""


def address_problem(text: str) -> str:
    """What is wrong with a text as a mail address, in a sentence; or ""."""
    match = _ADDRESS.fullmatch(text)
    if match is None:
        if not text.isascii():
            return "A mail address is written in ASCII: `xn--mller-kva.example` for `müller.example`."
        return "A mail address is a name, an `@` and the name of a host, and nothing else."
    if len(text) > LONGEST or len(match[1]) > LONGEST_LOCAL:
        return f"A mail address has at most {LONGEST} characters, and {LONGEST_LOCAL} before its `@`."
    return ""


def pattern_of(text: str) -> str:
    """The one form of a pattern for mail addresses, in small letters. Raises AddressError where it is none."""
    if _PATTERN.fullmatch(text) is None or "**" in text:
        raise AddressError(
            "Mail goes to an address, or to all of a kind: `*` stands for any text before the `@`, or for any host."
        )
    return text.lower()


def is_mail(text: str) -> bool:
    """Whether what is written behind ``to`` is meant as a mail address, and not as a host."""
    return "@" in text and "://" not in text


@lru_cache(maxsize=1024)
def recipients(pattern: str) -> Language:
    """The addresses that a pattern holds, in its one form; an address is a pattern that holds itself."""
    pieces = pattern.split("*")
    parts = [literal("/" + pieces[0])]
    for piece in pieces[1:]:
        parts.extend((PART, literal(piece)))
    return concat(*parts)


def among_names(pattern: str) -> Language:
    """The addresses that a pattern for names holds, such as that of ``when mail arrives ... from``."""
    try:
        return intersection(glob(f"/{pattern.lower()}"), EVERY_ADDRESS)
    except GlobError:
        return EVERY_ADDRESS


def in_words(pattern: str) -> str:
    """A pattern as people read it: "anyone at example.com"."""
    local, _, host = pattern.rpartition("@")
    if pattern == ANYONE:
        return "anyone at all"
    where = f"any host of {host[2:]}" if host.startswith("*.") else "any host" if host == "*" else host
    if local == "*":
        return f"anyone at {where}"
    return pattern if "*" not in pattern else f"{local} at {where} (* is any text)"
