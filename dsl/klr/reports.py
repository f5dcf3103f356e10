"""Findings in the forms that other tools read: SARIF 2.1.0, and the workflow commands of GitHub Actions."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from klr.codes import Page, page
from klr.diagnostics import Diagnostic, visible
from klr.source import Source

Finding = tuple[Source, Diagnostic]

SARIF_VERSION = "2.1.0"
SARIF_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
SARIF_LEVELS = {"error": "error", "warning": "warning", "advice": "note"}
GITHUB_COMMANDS = {"error": "error", "warning": "warning", "advice": "notice"}


# -- SARIF -------------------------------------------------------------------------------------------------------------


def sarif(findings: Sequence[Finding], version: str) -> dict[str, Any]:
    """The findings as a SARIF log (OASIS, "Static Analysis Results Interchange Format", version 2.1.0, errata 01).

    ``version`` is klapp's own. Lines and columns count from 1 in characters, and the end of a region is the column
    behind it, as SARIF has it (§3.30).
    """
    codes = sorted({found.code for _, found in findings})
    driver = {"name": "klapp", "version": version, "rules": [_rule(page(code)) for code in codes]}
    seen: Counter[tuple[str, ...]] = Counter()
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": True}],
        "results": [_result(source, found, codes, seen) for source, found in findings],
    }
    return {"$schema": SARIF_SCHEMA, "version": SARIF_VERSION, "runs": [run]}


def _rule(known: Page) -> dict[str, Any]:
    return {
        "id": known.code,
        "shortDescription": {"text": f"{known.title}."},
        "fullDescription": {"text": known.meaning},
        "help": {"text": known.plain(), "markdown": known.text},
        "defaultConfiguration": {"level": "note" if known.code.startswith("K6") else "error"},
    }


def _result(source: Source, found: Diagnostic, codes: list[str], seen: Counter[tuple[str, ...]]) -> dict[str, Any]:
    data = found.to_json(source)
    file = {"uri": uri(source.name)}
    place = {"artifactLocation": file, "region": _region(data)}
    changes = [{"deletedRegion": _region(one), "insertedContent": {"text": one["new"]}} for one in data["repair"]]
    fixes = {"fixes": [{"artifactChanges": [{"artifactLocation": file, "replacements": changes}]}]} if changes else {}
    return {
        "ruleId": found.code,
        "ruleIndex": codes.index(found.code),
        "level": SARIF_LEVELS[found.severity],
        "message": {"text": "\n".join(filter(None, (found.message, found.help)))},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {"klappFinding/v1": _fingerprint(source, found, seen)},
        **fixes,
    }


def _region(data: Mapping[str, Any]) -> dict[str, int]:
    return {
        "startLine": data["line"],
        "startColumn": data["column"],
        "endLine": data["end_line"],
        "endColumn": data["end_column"],
    }


def _fingerprint(source: Source, found: Diagnostic, seen: Counter[tuple[str, ...]]) -> str:
    """The same for the same finding after lines were added above it: made of its code, and of the line that it is in.

    Of several that have both in common, the second is told from the first by its number.
    """
    line = " ".join(source.line(source.place(found.span.start)[0]).split())
    what = (source.name, found.code, line)
    seen[what] += 1
    text = "\0".join((*what[1:], str(seen[what])))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def uri(name: str) -> str:
    """A file's name as a URI reference (RFC 3986); everything that has a meaning in one is percent-encoded.

    A name that is not UTF-8 keeps its bytes.
    """
    path = PurePath(name)
    written = path.as_posix()
    try:
        octets = written.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half a surrogate pair, as Windows allows them in names
        octets = written.encode("utf-8", "replace")
    quoted = quote(octets, safe="/")
    if not path.is_absolute():
        return quoted
    if path.drive.endswith(":"):
        return "file:///" + quoted.replace("%3A", ":", 1)
    return "file:" + quoted if quoted.startswith("//") else "file://" + quoted


# -- GitHub ------------------------------------------------------------------------------------------------------------


def github(findings: Iterable[Finding]) -> Iterator[str]:
    """Each finding as one workflow command, which GitHub shows beside the line that it is about.

    What a file is called or holds can end neither the command nor a part of it: %, CR and LF are escaped in all
    parts, and ``:`` and ``,`` in the properties, as the documentation of workflow commands says.
    """
    for source, found in findings:
        data = found.to_json(source)
        properties: dict[str, object] = {"file": source.name, "line": data["line"], "endLine": data["end_line"]}
        if data["line"] == data["end_line"]:
            properties |= {"col": data["column"], "endColumn": data["end_column"]}
        properties["title"] = f"{found.code}: {page(found.code).title}"
        written = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items())
        message = _data("\n".join(filter(None, (found.message, found.help))))
        yield f"::{GITHUB_COMMANDS[found.severity]} {written}::{message}"


def _data(text: str) -> str:
    escaped = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return visible(escaped)  # no other character may end a line either


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
