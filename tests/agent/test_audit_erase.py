"""Erasing, searching, exporting and letting go: nothing is left of what was erased, and the tree still verifies."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st

from klapp.agent import Agent
from klapp.audit.choosing import Mention
from klapp.audit.erasing import ranges
from klapp.audit.export import harmless
from klapp.audit.log import Entry, Log, LogError, digest
from klapp.audit.retiring import Retention, retire
from klapp.audit.search import TABLE, match
from klapp.triggers.seen import SeenInDatabase
from tests.agent.house import House, reports

COWORKER = """coworker "Filer"
may read "~/In/*"
may remove "~/In/*"
may write "~/Out/**"
may notify

when file arrives in "~/In"
  if file.text contains "secret"
    notify "{file.name} is for the doctor"
  end
  write "{file.text}" to "~/Out/newest.txt" on conflict replace
  move file to "~/Out/"
end
"""
LONG = "Frau Plantedperson came on Monday. " * 40


@pytest.fixture
def house(house: House) -> House:
    house.coworker(COWORKER)
    house.coworker(COWORKER.replace("Filer", "Other").replace("~/In", "~/In2").replace("~/Out", "~/Out2"), "two")
    for number in range(3):
        house.file(f"In/letter {number}.txt", b"nothing of note")
    house.file("In/Plantedname Müller.txt", LONG.encode())
    house.file("In2/other.txt", b"a word about Plantedother, secret")
    with house.agent() as agent:
        for name in ("one", "two"):
            agent.approve(name)
            assert {r["outcome"] for r in reports(agent.run(name))} == {"done"}
    return house


def asked(agent: Agent, what: str, **arguments: Any) -> list[dict[str, Any]]:
    return [item for item in agent.audit(what, **arguments) if "progress" not in item]


def decrypted(house: House) -> bytes:
    """Every page of the database and of its write-ahead log, opened with the key as a thief of both could: SQLCipher 4
    encrypts each with AES-256-CBC; its vector stands 80 bytes before the page's end."""
    assert house._vault is not None
    key = house._vault.key("log")
    found = b""
    for name, head, step in (("klapp.db", 0, 4096), ("klapp.db-wal", 32, 4096 + 24)):
        path = house.home.path / name
        data = path.read_bytes() if path.exists() else b""
        for at in range(head, len(data), step):
            page = data[at + step - 4096 : at + step]
            salt = 16 if data[at : at + step] and name == "klapp.db" and at == 0 else 0
            body, vector = page[salt : 4096 - 80], page[4096 - 80 : 4096 - 64]
            if len(vector) == 16 and len(body) % 16 == 0:
                opener = Cipher(algorithms.AES(key), modes.CBC(vector)).decryptor()
                found += opener.update(body) + opener.finalize()
    return found


def stored(house: House) -> bytes:
    """Every byte and every name below the state folder, but for the person's own coworkers; and the opened pages."""
    found = decrypted(house)
    for folder, folders, files in os.walk(house.home.path):
        if folder == str(house.home.path):
            folders.remove("coworkers")
        for name in files:
            found += os.fsencode(name) + b"\n" + Path(folder, name).read_bytes() + b"\n"
    return found


def keys_of(agent: Agent, text: str) -> list[bytes]:
    """The keys that seal what mentions a text."""
    secrets = []
    for entry in agent.log_store.select("1 ORDER BY e.seq"):
        if text in json.dumps(entry.body, ensure_ascii=False):
            rows = agent.log_store.connection.execute(
                "SELECT k.secret FROM entries e JOIN keys k ON k.id = e.key WHERE e.seq = ?", (entry.seq,)
            )
            secrets += [bytes(row[0]) for row in rows]
    return secrets


def test_erasing_a_subject_leaves_nothing_of_it_and_all_of_the_rest(house: House) -> None:
    with house.agent() as agent:
        asked(agent, "show", wanted={"text": "Plantedname"})
        assert b"plantedname" in decrypted(house).lower(), "the index, and this very test, can be found"
        seen = SeenInDatabase(agent.log_store.connection, agent.log_store.lock)
        there = [str(house.person / "Out" / name) for name in ("Plantedname Müller.txt", "letter 1.txt")]
        seen.told([(path, (1, 2, 3, 4)) for path in [*there, "/gone/Plantedname.txt", "/gone/other.txt"]])
        secrets = keys_of(agent, "Plantedname")
        assert secrets
        assert any(secret in decrypted(house) for secret in secrets)
        (told,) = asked(agent, "erase", subject="plantedNAME")
        assert told["runs"] >= 1
        assert not told["erased"]
        (told,) = asked(agent, "erase", subject="plantedNAME", do=True)
        assert told["erased"]
        runs = [report["run"] for report in agent.log() if "erased" in report["reason"]]
        assert len(runs) == told["runs"]
        for run in runs:
            for act in (agent.explain, agent.replay):
                with pytest.raises(ValueError, match="were erased"):
                    act(run)
            assert "erased" in agent.undo([run])[0]["reason"]
        others = [report["run"] for report in agent.log() if report["run"] not in runs and report["outcome"] == "done"]
        assert len(others) >= 3
        assert agent.replay(others[0]) == []
        assert agent.log_store.verify() is None
        assert asked(agent, "erase", subject="Plantedname", do=True)[0]["entries"] == 0
        # Of files that are still there klapp must know that it has seen them.
        assert seen.unknown("/gone", [(path, (1, 2, 3, 4)) for path in [*there, "/gone/other.txt"]]) == []
        assert seen.unknown("/gone", [("/gone/Plantedname.txt", (1, 2, 3, 4))]) != []
        agent.log_store.connection.execute("DROP TABLE seen")
        found = stored(house)
        assert b"plantedname" not in found.lower().replace(os.fsencode(there[0]).lower(), b"")
        assert b"M\\u00fcller" not in found
        assert not any(secret in found for secret in secrets)
        assert asked(agent, "show", wanted={"text": "Plantedname"}) == []
    with house.agent() as agent:
        assert agent.log_store.verify() is None
        assert b"plantedname" not in stored(house).lower()


def test_what_a_file_said_is_found_by_its_text_and_erased_with_the_run(house: House) -> None:
    with house.agent() as agent:
        found = asked(agent, "show", wanted={"text": "plantedperson mon*"})
        assert {item["entry"]["file"] for item in found} == {str(house.person / "In/Plantedname Müller.txt")}
        kept = list(house.home.kept.iterdir())
        (told,) = asked(agent, "erase", subject="Frau Plantedperson", do=True)
        assert told["runs"] == 1
        assert len(list(house.home.kept.iterdir())) == len(kept) - 2, (
            "a note and its content: what the next run replaced was of that person"
        )
        with pytest.raises(LogError):
            agent.log_store.blob(digest(LONG.encode()))
        assert agent.log_store.verify() is None
        # The same text again is stored again.
        house.file("In/again.txt", LONG.encode())
        assert reports(agent.run("one"))[0]["outcome"] == "done"
        assert agent.log_store.blob(digest(LONG.encode()))
        assert agent.log_store.verify() is None


def test_erasing_by_coworker_and_by_time(house: House) -> None:
    with house.agent() as agent:
        (told,) = asked(agent, "erase", coworker="Other", do=True)
        assert told["runs"] == 1
        assert b"Plantedother" not in stored(house)
        assert [r["run"] for r in agent.log("two") if "erased" not in r["reason"]] == []
        assert agent.replay(1) == []
        assert asked(agent, "erase", before=1)[0]["entries"] == 0
        (told,) = asked(agent, "erase", before=1 << 62, do=True)
        assert told["runs"] == 4
        assert asked(agent, "erase", before=1 << 62)[0]["entries"] == 0
        assert agent.log_store.connection.execute("SELECT count(*) FROM contents").fetchone() == (0,)
        assert agent.log_store.verify() is None
        erased = agent.log_store.select("e.kind = 'erased' ORDER BY e.seq")
        assert [entry.body["by"] for entry in erased] == ["coworker", "time"]


def test_rules_that_mention_a_subject_are_left_unless_asked(house: House) -> None:
    with house.agent() as agent:
        (told,) = asked(agent, "erase", subject="is for the doctor", do=True)
        assert told["rules_left"] == ["Filer", "Other"]
        assert agent.replay(1) == []
        (told,) = asked(agent, "erase", subject="is for the doctor", rules=True, do=True)
        assert told["rules_left"] == []
        with pytest.raises(ValueError, match="erased"):
            agent.replay(1)


def test_a_key_that_was_removed_without_an_erasure_is_told(house: House) -> None:
    with house.agent() as agent:
        agent.log_store.connection.execute("DELETE FROM keys WHERE id = (SELECT max(id) FROM keys)")
        found = agent.log_store.verify()
        assert found is not None
        assert found.kind == "deleted"


def test_runs_that_have_not_ended_are_left(tmp_path: Path) -> None:
    with Log.open(tmp_path / "log.db", bytes(32)) as log:
        from klapp.audit.choosing import Choice, Chosen, choosing

        log.append([Entry(log.reserve(1), "intent", {"batch": 1, "secret": "Müller"}, owner="c")])
        (chosen,) = [step for step in choosing(log, Choice(subject="MÜLLER")) if isinstance(step, Chosen)]
        assert (chosen.keys, chosen.open_runs) == (set(), {1})


@pytest.mark.parametrize("term", ["MÜLLER", "Mu\u0308ller", "müller", 'a "quoted', "C:\\x", "straße"])
def test_a_mention_is_found_however_it_is_written(term: str) -> None:
    values = {"a": ["Herr Müller", {"b": 'said a "quoted C:\\x in der STRASSE'}]}
    assert Mention(term).of_json(json.dumps(values).encode())
    assert not Mention(term + "x").of_json(json.dumps(values).encode())


def test_a_mention_of_nearly_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="two letters"):
        Mention(" a ")


@given(st.sets(st.integers(1, 200)))
def test_ranges_hold_what_they_should(numbers: set[int]) -> None:
    assert {n for first, last in ranges(numbers) for n in range(first, last + 1)} == numbers


@given(st.text())
def test_any_search_is_a_search(text: str) -> None:
    import sqlite3

    connection = sqlite3.connect(":memory:")
    connection.execute(TABLE)
    try:
        words = match(text)
    except ValueError:
        return
    connection.execute("SELECT * FROM search WHERE search MATCH ?", (words,)).fetchall()


# -- showing and exporting --------------------------------------------------------------------------------------------


def test_show_filters_and_pages(house: House) -> None:
    with house.agent() as agent:
        agent.pause("one")
        everything = asked(agent, "show", wanted={}, limit=1000)
        numbers = [item["entry"]["entry"] for item in everything]
        assert numbers == sorted(numbers, reverse=True)
        paged: list[int] = []
        before = None
        while part := asked(agent, "show", wanted={}, before=before, limit=3):
            paged += [item["entry"]["entry"] for item in part]
            before = paged[-1]
        assert paged == numbers
        at = everything[len(everything) // 2]["entry"]["time"]
        earlier = [one["entry"]["entry"] for one in everything if one["entry"]["time"] < at]
        paged, before = [], None
        while part := asked(agent, "show", wanted={"until": at}, before=before, limit=2):
            paged += [item["entry"]["entry"] for item in part]
            before = paged[-1]
        assert paged == earlier

        def kinds(**wanted: Any) -> set[str]:
            return {item["entry"]["kind"] for item in asked(agent, "show", wanted=wanted)}

        assert kinds(kinds=["approved", "paused"]) == {"approved", "paused"}
        assert kinds(run=1) == {"intent", "outcome"}
        assert kinds(outcome="done") == {"outcome"}
        assert kinds(outcome="failed") == set()
        assert kinds(coworker="Nobody") == set()
        assert kinds(since=1 << 62) == set()
        assert kinds(until=1) == set()
        assert kinds(file=str(house.person / "In/letter 1.txt")) == {"intent", "outcome"}
        assert "approved" in kinds(coworker="Filer", text="approved")
        with pytest.raises(ValueError, match="no kind"):
            kinds(kinds=["nonsense"])
        says = [item["entry"]["says"] for item in everything]
        assert f"Run 1 began (file arrives): {house.person}/In/Plantedname Müller.txt" in says
        assert 'Paused: "Filer" until resumed.' in says


def test_a_page_of_what_is_in_the_index_uses_it(tmp_path: Path) -> None:
    from klapp.audit.pages import Filter

    with Log.open(tmp_path / "log.db", bytes(32)) as log:
        for wanted in (Filter(coworker="x"), Filter(kinds=("approved",)), Filter(run=1), Filter(outcome="failed"), Filter(since=1, until=5)):  # fmt: skip
            conditions, values = wanted.condition()
            plan = log.connection.execute(
                f"EXPLAIN QUERY PLAN SELECT e.seq FROM entries e LEFT JOIN keys k ON k.id = e.key WHERE {' AND '.join(conditions)} ORDER BY e.seq DESC LIMIT 9",
                values,
            ).fetchall()
            assert any("INDEX" in str(row) for row in plan), (wanted, plan)


def exported(agent: Agent, form: str, **wanted: Any) -> str:
    return "".join(item.get("text", "") for item in asked(agent, "export", form=form, wanted=wanted))


def test_exports_are_whole_and_harmless(house: House) -> None:
    house.file("In/=cmd|'x'!A1.txt", b"<script>alert(1)</script>")
    with house.agent() as agent:
        assert reports(agent.run("one"))[0]["outcome"] == "done"
        lines = [json.loads(line) for line in exported(agent, "json").splitlines()]
        events = [json.loads(line) for line in exported(agent, "ocsf").splitlines()]
        assert len(events) == len(lines) + 1, "the export itself is logged"
        rows = list(csv.reader(io.StringIO(exported(agent, "csv", file=str(house.person / "In/=cmd|'x'!A1.txt")))))
        assert len(rows) == 3
        assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)
        page = exported(agent, "html")
        assert "<script" not in page
        assert agent.log_store.signer.verifier in page
        assert "http" not in page.replace("http-equiv", "")
    for told in events:
        assert told["metadata"]["version"] == "1.8.0"
        assert told["type_uid"] == told["class_uid"] * 100 + told["activity_id"]
        assert told["category_uid"] == told["class_uid"] // 1000
        assert {"time", "severity_id", "message", "metadata", "activity_id"} <= told.keys()
        required = {1006: {"device", "job"}, 1008: {"log_name"}, 3004: {"entity"}, 3002: {"user", "service"}, 6002: {"app"}}  # fmt: skip
        assert required.get(told["class_uid"], set()) <= told.keys()


def test_a_person_is_told_what_the_log_holds_of_them(house: House) -> None:
    with house.agent() as agent:
        items = asked(agent, "export", form="json", wanted={}, subject="Müller")
        told = [json.loads(item["text"]) for item in items if "text" in item]
        assert {one["run"] for one in told} == {one["run"] for one in told if one["run"]}
        assert any(one["file"] and "Müller" in one["file"] for one in told)
        assert not any(one["file"] and "letter 1" in one["file"] for one in told)


@given(st.text())
def test_no_cell_is_a_formula(text: str) -> None:
    cell = harmless(text)
    assert not cell.strip(" ").startswith(("=", "+", "-", "@", "\t", "\r"))
    assert text in cell


# -- retention --------------------------------------------------------------------------------------------------------


def long_log(path: Path, runs: int = 700) -> Iterator[Log]:
    with Log.open(path, bytes(32)) as log:
        text = b"the rules"
        first = log.reserve(runs)
        for start in range(first, first + runs, 100):
            uses = {"batch": first, "uses": [digest(text)], "secret": "x"}
            log.append([Entry(n, "intent", uses, owner="c") for n in range(start, start + 100)], [text])
            log.append([Entry(n, "outcome", {"outcome": "done"}) for n in range(start, start + 100)])
        yield log


def test_what_is_let_go_is_signed_for_and_the_tree_goes_on(tmp_path: Path) -> None:
    for log in long_log(tmp_path / "log.db"):
        now = log.select("e.seq = 900")[0].at
        older = log.checkpoint()
        gone = retire(log, Retention(days=1), now + 86_400 * 10**9 - 1)
        assert gone % 256 == 0
        assert 0 < gone <= 900
        assert log.verify() is None
        assert log.count() > 1400
        assert log.select("e.seq = ?", (gone,)) == []
        assert log.blob(digest(b"the rules")) == b"the rules"
        assert log.select("e.kind = 'retired'")[0].body == {"entries": gone, "why": "age"}
        assert retire(log, Retention(days=1), now) == 0
        from klapp.audit import proofs

        assert proofs.inclusion(log, gone + 1)["proof"]
        assert proofs.consistency(log, older)["proof"]
        with pytest.raises(LogError):
            proofs.inclusion(log, gone)
        log.append([Entry(None, "note", {"n": n, "text": "x" * 200}) for n in range(4000)])
        assert log.verify() is None
        assert retire(log, Retention(megabytes=1)) > 0
        assert log.verify() is None
        connection = log.connection
        with pytest.raises(Exception, match="append only"):
            connection.execute("DELETE FROM entries WHERE seq = (SELECT min(seq) FROM entries)")
        connection.executescript("DROP TRIGGER entries_remain")
        connection.execute("DELETE FROM entries WHERE seq = (SELECT min(seq) FROM entries)")
        found = log.verify()
        assert found is not None
        assert found.kind == "deleted"


def test_a_beginning_that_was_cut_off_is_not_taken_for_retention(tmp_path: Path) -> None:
    for log in long_log(tmp_path / "log.db"):
        connection = log.connection
        size, note, peaks = connection.execute("SELECT size, note, peaks FROM checkpoints ORDER BY size").fetchone()
        connection.executescript("DROP TRIGGER entries_remain")
        for table in ("entries", "leaves"):
            connection.execute(f"DELETE FROM {table} WHERE seq <= ?", (size,))
        stone = json.dumps({"size": size, "peaks": bytes(peaks).hex(), "note": note})
        connection.execute("INSERT INTO traits VALUES ('tombstone', ?)", (stone,))
        found = log.verify()
        assert found is not None
        assert found.kind == "forged checkpoint"


def test_a_run_that_has_not_ended_is_never_let_go(tmp_path: Path) -> None:
    with Log.open(tmp_path / "log.db", bytes(32)) as log:
        log.append([Entry(log.reserve(1), "intent", {"batch": 1}, owner="c")])
        log.append([Entry(None, "note", {"n": n}) for n in range(600)])
        assert retire(log, Retention(days=1), 1 << 62) == 0
