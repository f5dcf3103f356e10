"""Findings for other tools: SARIF held against its official schema, workflow commands against hostile names."""

from __future__ import annotations

import json
import re
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft4Validator

from klapp.vocabulary import VOCABULARY
from klr.codes import page
from klr.diagnostics import Diagnostic
from klr.loader import load
from klr.reports import Finding, github, sarif, uri
from klr.source import Source, Span

SCHEMA = json.loads((Path(__file__).parents[1] / "fixtures" / "sarif-schema-2.1.0.json").read_text(encoding="utf-8"))
VALIDATOR = Draft4Validator(SCHEMA, format_checker=Draft4Validator.FORMAT_CHECKER)
BAD = 'coworker "Größe"\nmay read "~/x/*"\nmay notify\n\nwhen asked\n  notfy "\U0001f4a9", 3\n  if 1 == 2\n  end\nend\n'
NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=30)


def findings(text: str, name: str = "rules/a b.klr") -> list[Finding]:
    loaded = load(text, VOCABULARY, name)
    assert loaded.diagnostics
    return [(loaded.source, found) for found in loaded.diagnostics]


def results(text: str, name: str = "rules/a b.klr") -> list[dict[str, Any]]:
    log = sarif(findings(text, name), "1.2.3")
    VALIDATOR.validate(log)
    found: list[dict[str, Any]] = log["runs"][0]["results"]
    return found


def test_the_log_is_as_the_schema_has_it_and_names_its_rules() -> None:
    every = [(source, found) for code in ("K101", "K401", "K603") for source, found in findings(page(code).wrong)]
    log = sarif(every, "1.2.3")
    VALIDATOR.validate(log)
    run = log["runs"][0]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["K101", "K401", "K603"]
    assert rules[1]["shortDescription"]["text"] == page("K401").title + "."
    assert [result["level"] for result in run["results"]] == ["error", "error", "note"]
    assert all(rules[result["ruleIndex"]]["id"] == result["ruleId"] for result in run["results"])
    assert run["tool"]["driver"]["version"] == "1.2.3"


def test_the_schema_would_refuse_a_log_that_is_none() -> None:
    log = sarif(findings(BAD), "1")
    log["runs"][0]["results"][0]["level"] = "terrible"
    assert not VALIDATOR.is_valid(log)


def test_no_findings_are_a_log_too() -> None:
    log = sarif([], "1")
    VALIDATOR.validate(log)
    assert log["runs"][0]["results"] == []


def test_regions_count_characters_from_one() -> None:
    source = Source('x\n  "\U0001f4a9" wrong\n', "a.klr")
    log = sarif([(source, Diagnostic("K101", "No.", Span(8, 13)))], "1")
    region = log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 2, "startColumn": 7, "endLine": 2, "endColumn": 12}
    assert log["runs"][0]["columnKind"] == "unicodeCodePoints"


def test_a_finding_keeps_its_fingerprint_when_lines_are_added_above() -> None:
    def prints(text: str) -> list[str]:
        return [result["partialFingerprints"]["klappFinding/v1"] for result in results(text)]

    assert prints(BAD) == prints(BAD.replace("\nwhen", "\n# more\n\n\nwhen"))
    twice = BAD.replace("  if 1 == 2\n  end\n", "  if 1 == 2\n  end\n" * 2)
    assert len(prints(twice)) == len(set(prints(twice))) == len(prints(BAD)) + 1


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a b.klr", "a%20b.klr"),
        ("C:odd.klr", "C%3Aodd.klr"),
        ("über/#1?.klr", "%C3%BCber/%231%3F.klr"),
        ("/tmp/a%20b.klr", "file:///tmp/a%2520b.klr"),
        ("\udcff.klr", "%FF.klr"),
        ("\ud800.klr", "%3F.klr"),
    ],
)
def test_names_become_uris(name: str, expected: str) -> None:
    assert uri(name) == expected


@given(NAMES)
def test_every_name_becomes_a_uri_and_comes_back(name: str) -> None:
    written = uri(name)
    assert re.fullmatch(r"[A-Za-z0-9._~%/:-]+", written)
    path = PurePath(name).as_posix()
    prefix = "file:" if path.startswith("//") else "file://"
    assert unquote_to_bytes(written.removeprefix(prefix)) == path.encode()
    results(BAD, name)


def test_a_fix_does_away_with_its_finding() -> None:
    text = 'coworker "x"\nmay notify\nwhen file arrives in "Inbox"\n  notify 3\nend\n'
    for number, result in enumerate(results(text)):
        [fix] = result["fixes"]
        [change] = fix["artifactChanges"][0]["replacements"]
        region, lines = change["deletedRegion"], text.split("\n")
        assert region["startLine"] == region["endLine"]
        line = lines[region["startLine"] - 1]
        lines[region["startLine"] - 1] = (
            line[: region["startColumn"] - 1] + change["insertedContent"]["text"] + line[region["endColumn"] - 1 :]
        )
        left = [found["message"]["text"] for found in results("\n".join(lines))]
        assert result["message"]["text"] not in left, number


def read_command(line: str) -> tuple[str, dict[str, str], str]:
    """A workflow command as the runner reads it: up to the second ``::``, properties at commas, then unescaped."""
    match = re.fullmatch(r"::(\w+) (.*?)::(.*)", line)
    assert match, line
    properties = dict(part.split("=", 1) for part in match[2].split(","))
    for name, value in properties.items():
        for code, character in (("%3A", ":"), ("%2C", ","), ("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
            value = value.replace(code, character)
        properties[name] = value
    return match[1], properties, match[3].replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")


def test_each_finding_is_one_command() -> None:
    every = findings(BAD, "a,b:c%.klr")
    for line, (source, found) in zip(github(every), every, strict=True):
        command, properties, message = read_command(line)
        data = found.to_json(source)
        assert command == "error"
        assert properties["file"] == "a,b:c%.klr"
        assert properties["title"] == f"{found.code}: {page(found.code).title}"
        place = [properties[name] for name in ("line", "col", "endLine", "endColumn")]
        assert place == [str(data[name]) for name in ("line", "column", "end_line", "end_column")]
        assert message == "\n".join(filter(None, (found.message, found.help)))


def test_advice_is_a_notice() -> None:
    assert next(github(findings(page("K603").wrong))).startswith("::notice ")


HOSTILE = st.text(st.sampled_from("ab:,%=\r\n\x0b\x0c\x1b\x85\u2028::error add-mask0AD25"), max_size=30)


@given(HOSTILE, HOSTILE, HOSTILE)
def test_nothing_hostile_ends_a_command_or_begins_one(name: str, message: str, help: str) -> None:
    source = Source("text", name)
    (line,) = github([(source, Diagnostic("K101", message, Span(0, 4), help))])
    assert line.splitlines() == [line]
    assert line.startswith("::error file=")
    _, properties, _ = read_command(line)
    assert list(properties) == ["file", "line", "endLine", "col", "endColumn", "title"]
    assert properties["line"] == "1"
