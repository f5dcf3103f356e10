"""The pages of the log as a whole: searched, verified, exported; and of what left the machine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from starlette.responses import Response, StreamingResponse

from klapp.audit.events import KINDS, acting
from klapp.audit.export import FORMS
from klapp.console.asking import Asking

PAGE = 50
TYPES = {
    "csv": "text/csv",
    "html": "application/octet-stream",
    "json": "application/x-ndjson",
    "ocsf": "application/x-ndjson",
}


def _wanted(asking: Asking) -> dict[str, Any]:
    wanted: dict[str, Any] = {name: asking.field(name) for name in ("text", "coworker") if asking.field(name)}
    if asking.field("kind"):
        wanted["kinds"] = [asking.field("kind")]
    return wanted


def log(asking: Asking) -> Response:
    """The newest entries that fit."""
    wanted, before = _wanted(asking), asking.number("before")
    items = asking.ask("audit", what="show", wanted=wanted, before=before, limit=PAGE)
    entries = [item["entry"] for item in items if "entry" in item]
    return _shown(asking, entries, None)


def _shown(asking: Asking, entries: list[Any], verdict: dict[str, Any] | None) -> Response:
    from datetime import datetime

    for entry in entries:
        entry["at"] = f"{datetime.fromtimestamp(entry['time'] / 1e9):%Y-%m-%d %H:%M:%S}"
    asked = {name: asking.field(name) for name in ("text", "coworker", "kind")}
    return asking.page(
        "log.html",
        entries=entries,
        verdict=verdict,
        asked=asked,
        kinds=sorted(KINDS),
        forms=sorted(FORMS),
        more=entries[-1]["entry"] if len(entries) == PAGE else None,
    )


def verify(asking: Asking) -> Response:
    """Whether the log is as it was written."""
    verdict = list(asking.ask("audit", what="verify"))[-1]
    return _shown(asking, [], verdict)


def export(asking: Asking) -> Response:
    """All entries that fit, as a file."""
    form = asking.field("form")
    if form not in FORMS:
        raise ValueError("There is no such form of export.")
    items = asking.ask("audit", what="export", form=form, wanted=_wanted(asking))

    def parts() -> Iterator[str]:
        while True:
            with acting("page"):  # each part may be made in another thread
                item = next(items, None)
            if item is None:
                return
            if "text" in item:
                yield item["text"]

    name = f"klapp-log.{'jsonl' if form in ('json', 'ocsf') else form}"
    return StreamingResponse(
        parts(), media_type=TYPES[form], headers={"content-disposition": f'attachment; filename="{name}"'}
    )


def network(asking: Asking) -> Response:
    """What left this machine, newest first."""
    contacts = asking.ask("network", what="contacts")
    return asking.page(
        "network.html",
        contacts=contacts[::-1][:200],
        seen=asking.ask("network", what="seen"),
        secrets=asking.ask("network", what="secrets"),
    )
