"""Entries as events of the Open Cybersecurity Schema Framework, for the tools of those who watch many machines.

Version 1.8.0 of the schema. What it has no place for stands under ``unmapped``, as the schema wants. A test holds every kind against
that schema.
"""

from __future__ import annotations

import socket
from importlib.metadata import version
from typing import Any

from klapp.audit.entry import OUTCOME, Entry
from klapp.audit.events import KINDS
from klapp.audit.events.event import ACCOUNT, AUTHENTICATION, ENTITY, EVENT_LOG, JOB, LIFECYCLE, NETWORK, Ocsf
from klapp.audit.pages import sentence

VERSION = "1.8.0"
PRODUCT = {"name": "klapp", "vendor_name": "klapp"}
CATEGORIES = {0: "Uncategorized", 1: "System Activity", 3: "Identity & Access Management", 4: "Network Activity", 6: "Application Activity"}  # fmt: skip
CLASSES = {
    0: "Base Event",
    JOB: "Scheduled Job Activity",
    EVENT_LOG: "Event Log Activity",
    ACCOUNT: "Account Change",
    AUTHENTICATION: "Authentication",
    ENTITY: "Entity Management",
    NETWORK: "Network Activity",
    LIFECYCLE: "Application Lifecycle",
}
SUCCESS, FAILURE, OTHER = 1, 2, 99
INFORMATIONAL, LOW = 1, 2


def event(entry: Entry, log_name: str) -> dict[str, Any]:
    """An entry as an event; ``log_name`` is the log's own name, as its checkpoints bear it."""
    declared = KINDS[entry.kind].ocsf if entry.kind in KINDS else Ocsf(0, 99)
    failed = entry.body.get("outcome") == "failed" or entry.body.get("result") in ("refused", "failed")
    told: dict[str, Any] = {
        "class_uid": declared.class_uid,
        "class_name": CLASSES[declared.class_uid],
        "category_uid": declared.class_uid // 1000,
        "category_name": CATEGORIES[declared.class_uid // 1000],
        "activity_id": declared.activity_id,
        "type_uid": declared.class_uid * 100 + declared.activity_id,
        "time": entry.at // 1_000_000,
        "severity_id": LOW if failed else INFORMATIONAL,
        "status_id": FAILURE if failed else SUCCESS,
        "message": sentence(entry),
        "metadata": {
            "version": VERSION,
            "profiles": ["host"],
            "product": PRODUCT | {"version": version("klapp")},
            "log_name": log_name,
            "uid": str(entry.seq),
            "sequence": entry.seq,
            "original_time": str(entry.at),
        },
        "actor": {"user": {"name": entry.who or "unknown"}, "app_name": "klapp"},
        "unmapped": {
            "kind": entry.kind,
            "from": entry.origin,
            "monotonic_ns": entry.mono,
            "erased": entry.erased,
            "values": dict(entry.body),
        },
    }
    if declared.activity_id == OTHER:
        told["activity_name"] = entry.kind
    return told | _of_class(declared.class_uid, entry, log_name)


def _of_class(class_uid: int, entry: Entry, log_name: str) -> dict[str, Any]:
    """What the class itself requires."""
    device: dict[str, Any] = {"device": {"hostname": socket.gethostname(), "type_id": 0}}
    if class_uid == JOB:
        name = f"run {entry.run}"
        state = entry.body.get("outcome") if entry.kind == OUTCOME else None
        job = {"name": name, "desc": entry.owner, "file": {"name": entry.subject or entry.owner or name, "type_id": 1}}
        return device | {"job": job | ({"run_state": state} if state else {})}
    if class_uid == EVENT_LOG:
        return device | {"log_name": log_name}
    if class_uid == ENTITY:
        name = entry.owner or str(entry.body.get("coworker") or "all coworkers")
        return {"entity": {"name": name, "type": "coworker", "uid": name}}
    if class_uid in (AUTHENTICATION, ACCOUNT):
        user = {"user": {"name": str(entry.body.get("account") or entry.who or "unknown")}}
        return user | ({"service": {"name": "klapp"}} if class_uid == AUTHENTICATION else {})
    if class_uid == LIFECYCLE:
        return {"app": PRODUCT | {"version": str(entry.body.get("version") or version("klapp"))}}
    if class_uid == NETWORK:
        return {"dst_endpoint": {"hostname": str(entry.body.get("host") or "(erased)")}}
    return {}
