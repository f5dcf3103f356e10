"""The log as text for others: JSON Lines in OCSF, CSV, plain JSON Lines, and a page for an auditor to read."""

from __future__ import annotations

import csv
import html
import io
import json
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime

from klapp.audit import ocsf
from klapp.audit.entry import Entry
from klapp.audit.log import Log
from klapp.audit.pages import as_data, sentence

Exporter = Callable[[Log, Iterable[Entry]], Iterator[str]]
COLUMNS = ("entry", "time", "monotonic", "kind", "coworker", "run", "who", "from", "file", "says", "erased", "values")


def ocsf_lines(log: Log, entries: Iterable[Entry]) -> Iterator[str]:
    """An event of OCSF a line (``klapp.audit.ocsf`` says which version)."""
    for entry in entries:
        yield json.dumps(ocsf.event(entry, log.signer.origin)) + "\n"


def json_lines(log: Log, entries: Iterable[Entry]) -> Iterator[str]:
    """An entry a line, as ``klapp audit show --format json`` shows it."""
    for entry in entries:
        yield json.dumps(as_data(entry)) + "\n"


def csv_lines(log: Log, entries: Iterable[Entry]) -> Iterator[str]:
    """RFC 4180, with a head. No cell is one that a spreadsheet would take for a formula."""
    yield _row(COLUMNS)
    for entry in entries:
        data = dict(as_data(entry))
        data["time"] = moment(entry.at)
        data["values"] = json.dumps(data["values"], ensure_ascii=False) if data["values"] else ""
        yield _row(harmless("" if data[name] is None else str(data[name])) for name in COLUMNS)


def _row(cells: Iterable[str]) -> str:
    goal = io.StringIO()
    csv.writer(goal, lineterminator="\r\n").writerow(cells)
    return goal.getvalue()


def harmless(cell: str) -> str:
    """With an apostrophe in front where a spreadsheet would calculate with it (OWASP, CSV injection)."""
    return "'" + cell if cell.lstrip(" ")[:1] in ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20") else cell  # fmt: skip


def moment(at: int) -> str:
    """Nanoseconds since 1970 as an ISO moment in UTC."""
    return datetime.fromtimestamp(at / 1e9, UTC).isoformat(timespec="milliseconds")


def html_lines(log: Log, entries: Iterable[Entry]) -> Iterator[str]:
    """A page that needs nothing else, prints well, and says how to check what it tells."""
    note = html.escape(log.checkpoint())
    yield _HEAD.format(origin=html.escape(log.signer.origin), made=moment(time.time_ns()), size=f"{log.count():,}")
    for entry in entries:
        kind = html.escape(entry.kind)
        cells = (str(entry.seq), moment(entry.at), entry.who, entry.origin, entry.kind, entry.owner, sentence(entry))
        row = "".join(f"<td>{html.escape(cell)}</td>" for cell in cells)
        yield f'<tr class="{kind.replace(" ", "-")}{" erased" if entry.erased else ""}">{row}</tr>\n'
    yield _FOOT.format(note=note, key=html.escape(log.signer.verifier))


_HEAD = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>klapp: audit report</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>
body {{ font: 10pt/1.4 sans-serif; margin: 2em; color: #111; background: #fff }}
h1 {{ font-size: 16pt }} pre {{ background: #f4f4f4; padding: 1em; white-space: pre-wrap; word-break: break-all }}
table {{ border-collapse: collapse; width: 100% }} thead {{ display: table-header-group }}
th, td {{ text-align: left; vertical-align: top; padding: .25em .6em; border-bottom: 1px solid #ccc }}
td:last-child {{ white-space: pre-wrap; overflow-wrap: anywhere }} tr {{ break-inside: avoid }} .erased {{ color: #666 }}
</style></head><body>
<h1>What klapp did: audit report</h1>
<p>Log <code>{origin}</code>, which has {size} entries. Made on {made}. Times are in UTC.</p>
<table><thead><tr><th>Entry</th><th>Time</th><th>Who</th><th>From</th><th>Kind</th><th>Coworker</th><th>What</th></tr></thead><tbody>
"""
_FOOT = """</tbody></table>
<h2>How to check this</h2>
<p>All entries of the log are leaves of one Merkle tree (RFC 9162), whose root the log has signed. The checkpoint below was
the newest when this was written. <code>klapp audit verify</code> holds every entry against it; <code>klapp audit prove
ENTRY</code> writes a proof that a single entry is in it, which <code>docs/check_proof.py</code> checks without klapp.</p>
<pre>{note}</pre>
<p>Public key: <code>{key}</code></p>
</body></html>
"""
FORMS: dict[str, Exporter] = {"ocsf": ocsf_lines, "json": json_lines, "csv": csv_lines, "html": html_lines}
