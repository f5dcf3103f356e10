"""Exported events are what the Open Cybersecurity Schema Framework says that they are, held against its own schema.

The schema is that of the version which the export names, as the package ocsf-json-schema has it (Apache-2.0).
"""

from __future__ import annotations

import json
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

from klapp.audit import ocsf
from klapp.audit.entry import Entry
from klapp.audit.events import KINDS, Event
from tests.agent.house import House, reports

COWORKER = """coworker "Filer"
may read "~/In/*"
may remove "~/In/*"
may write "~/Out/**"
may notify

when file arrives in "~/In"
  notify "{file.name}"
  move file to "~/Out/" on conflict fail
end
"""
BODIES: dict[type, Any] = {str: "a text\nof two lines", int: 7, bool: True, list[str]: ["a", "b"], list[list[int]]: [[1, 2]]}  # fmt: skip


@cache
def schema() -> dict[str, Any]:
    found: dict[str, Any] = get_ocsf_schema(version=ocsf.VERSION)
    return found


@cache
def validator(class_uid: int, profiles: tuple[str, ...]) -> Draft202012Validator:
    made = OcsfJsonSchemaEmbedded(schema())
    name = made.lookup_class_name_from_uid(class_uid)
    found = made.get_class_schema(class_name=name, profiles=list(profiles))
    Draft202012Validator.check_schema(found)
    return Draft202012Validator(found)


def valid(event: dict[str, Any]) -> None:
    """Whether an event is as the schema says, the names beside its numbers included, which JSON Schema can not tell."""
    event = json.loads(json.dumps(event))
    wrong = validator(event["class_uid"], tuple(event["metadata"]["profiles"])).iter_errors(event)
    assert [f"{list(error.path)}: {error.message}" for error in wrong] == []
    of_schema = next(one for one in schema()["classes"].values() if one.get("uid") == event["class_uid"])
    assert event["class_name"] == of_schema["caption"]
    if event["class_uid"]:
        assert (event["category_uid"], event["category_name"]) == (of_schema["category_uid"], of_schema["category_name"])  # fmt: skip
    assert str(event["activity_id"]) in of_schema["attributes"]["activity_id"]["enum"]
    assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"]
    assert event["metadata"]["version"] == ocsf.VERSION


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_every_kind_is_valid(kind: type[Event]) -> None:
    hints = get_type_hints(kind)
    declared = {field.name: BODIES.get(hints[field.name], "x") for field in fields(kind)}
    whole = declared or {"outcome": "failed", "reason": "r", "trigger": "asked"}
    public = {name: value for name, value in whole.items() if name in kind.public}
    at = 1_700_000_000_123_456_789
    for body, erased in ((whole, False), (public, True), ({}, True)):
        for run, owner, subject in ((None, "", ""), (7, "Filer", "/home/a/b.txt")):
            entry = Entry(run, kind.kind, body, seq=3, at=at, owner=owner, subject=subject, erased=erased)
            valid(ocsf.event(entry, "klapp.invalid/log/1"))
    valid(ocsf.event(Entry(None, "of a newer klapp", {"x": 1}, seq=3, at=at, who="anna", origin="tray"), "log"))


def test_a_log_that_was_lived_is_valid(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.coworker(COWORKER)
    house.file("In/a.txt", b"x")
    with house.agent() as agent:
        agent.approve("filer")
        runs = [report["run"] for report in reports(agent.run("filer"))]
        house.file("In/a.txt", b"y")
        agent.run("filer")
        agent.undo(runs)
        agent.pause("filer")
        agent.account.create("Anna", "several long words in a row here")
        session = agent.account.login("several long words in a row here")
        agent.account.logout(session)
        list(agent.audit("erase", coworker="Filer", do=True))
        text = "".join(item.get("text", "") for item in agent.audit("export", form="ocsf", wanted={}))
    events = [json.loads(line) for line in text.splitlines()]
    assert len({event["class_uid"] for event in events}) >= 5
    for event in events:
        valid(event)


def test_what_is_not_valid_is_told() -> None:
    event = ocsf.event(Entry(None, "approved", {"coworker": "a", "may": ["b"]}, seq=3, at=10**18, owner="a"), "log")
    valid(event)
    for name, value in (("time", "now"), ("activity_id", 77), ("entity", None), ("nonsense", 1)):
        with pytest.raises(AssertionError):
            valid(event | {name: value})
