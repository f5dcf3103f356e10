"""The command line as a contract: what it prints, how it exits, and that a person is never shown a traceback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SORTER = """coworker "Sorter"

may read "~/In/*"
may remove "~/In/*"
may write "~/Out/*"

when file arrives in "~/In"
  move file to "~/Out/"
end

test "it moves"
  given file "~/In/a.txt" with text "x"
  when file arrives "~/In/a.txt"
  expect file "~/Out/a.txt"
end
"""


class Terminal:
    """Runs klapp with a state folder, a person's home and a passphrase file of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.person = root / "person"
        self.state = root / "state"
        (self.person / "In").mkdir(parents=True)
        self.state.mkdir(mode=0o700)
        (self.state / "coworkers").mkdir()
        self.passphrase = root / "passphrase"
        self.passphrase.touch(mode=0o600)
        self.passphrase.write_text("correct horse battery\n")
        source = os.pathsep.join((str(ROOT / "dsl"), str(ROOT / "agent")))
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.person),
            "XDG_DATA_HOME": str(root / "data"),
            "KLAPP_HOME": str(self.state),
            "KLAPP_KEYRING": "off",
            "KLAPP_PASSPHRASE_FILE": str(self.passphrase),
            "PYTHONPATH": source,
            "PYTHONIOENCODING": "utf-8",
        }

    def __call__(self, *arguments: str, code: int = 0, **options: object) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "klapp.cli.main", *arguments],
            **(
                {"env": self.env, "stdin": subprocess.DEVNULL, "capture_output": True, "text": True, "timeout": 60}
                | options
            ),  # type: ignore[call-overload]
        )
        assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
        return str(done.stdout + done.stderr)

    def sorter(self, text: str = SORTER) -> Path:
        path = self.state / "coworkers" / "sorter.klr"
        path.write_text(text)
        return path

    @contextmanager
    def agent(self) -> Iterator[subprocess.Popen[str]]:
        """The agent, without a screen."""
        command = [sys.executable, "-m", "klapp.cli.main", "agent", "--headless"]
        process = subprocess.Popen(command, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert process.stdout is not None
        try:
            assert "at work" in process.stdout.readline()
            yield process
        finally:
            process.kill()
            process.wait()


@pytest.fixture
def klapp(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path)


def until(look: Callable[[], object], what: str) -> None:
    end = time.monotonic() + 20
    while not look():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.05)


def test_check_prints_json_with_places_from_one(klapp: Terminal) -> None:
    path = klapp.sorter(SORTER.replace('to "~/Out/"', 'to "~/Other/"'))
    [found] = json.loads(klapp("check", "--format", "json", str(path), code=1))
    assert found == {
        "code": "K401", "severity": "error", "file": str(path), "line": 8, "column": 16, "end_line": 8, "end_column": 26,
        "message": 'This could create and change "~/Other/a", and no `may write` line allows that.',
        "help": 'To allow it, add this line at the top:\nmay write "~/Other/*"',
        "repair": [{"line": 3, "column": 1, "end_line": 3, "end_column": 1, "new": 'may write "~/Other/*"\n'}],
    }  # fmt: skip
    assert "fine" in klapp("check", str(klapp.sorter()))
    assert json.loads(klapp("check", "--format", "json", str(path))) == []


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["check"], 2),
        (["frobnicate"], 2),
        (["check", "/nowhere.klr"], 1),
        (["undo", "x"], 2),
        (["undo", "--since", "soon"], 2),
        (["undo"], 1),
        (["undo", "7"], 1),
        (["explain", "7"], 1),
        (["pause"], 2),
        (["pause", "a", "--all"], 2),
        (["pause", "--all", "--for", "soon"], 2),
        (["approve", "nobody", "--yes"], 1),
        (["run", "nobody"], 1),
        (["log", "nobody"], 1),
        (["simulate", "nobody"], 1),
    ],
)
def test_wrong_usage_and_problems_have_their_exit_codes(klapp: Terminal, arguments: list[str], code: int) -> None:
    assert klapp(*arguments, code=code).strip()


@pytest.mark.parametrize(
    "command",
    [
        "check",
        "fmt",
        "test",
        "lsp",
        "agent",
        "new",
        "list",
        "approve",
        "revoke",
        "run",
        "simulate",
        "log",
        "explain",
        "replay",
        "undo",
        "pause",
        "resume",
        "demo",
    ],
)
def test_every_command_has_help(klapp: Terminal, command: str) -> None:
    assert "usage: klapp " + command in klapp(command, "--help")


def test_fmt_formats_and_checks(klapp: Terminal) -> None:
    path = klapp.sorter(SORTER.replace("  move", "      move"))
    klapp("fmt", "--check", str(path), code=1)
    klapp("fmt", str(path))
    assert path.read_text() == SORTER
    klapp("fmt", "--check", str(path))
    path.write_bytes(b"\xff\xfe")
    assert "UTF-8" in klapp("fmt", str(path), code=1)


def test_test_tells_what_was_found_instead(klapp: Terminal) -> None:
    assert "0 failed" in klapp("test", str(klapp.sorter()))
    broken = klapp.sorter(SORTER.replace('expect file "~/Out/a.txt"', 'expect file "~/Out/b.txt"'))
    told = klapp("test", str(broken), code=1)
    assert "~/Out/b.txt is not there. There is: ~/Out/a.txt." in told


def test_a_whole_working_day_without_an_agent(klapp: Terminal) -> None:
    klapp.sorter()
    (klapp.person / "In" / "-a\nb.txt").write_text("x")
    assert "waits for your approval" in klapp("run", "sorter", code=1)
    assert "Nobody is here to ask" in klapp("approve", "sorter", code=1)
    klapp("approve", "sorter", "--yes")
    would = klapp("simulate", "sorter", "--on", str(klapp.person / "In"))
    assert "+   Out/" in would
    assert "Nothing was changed" in would
    [planned] = json.loads(klapp("simulate", "sorter", "--on", str(klapp.person / "In"), "--format", "json"))
    assert [one["change"] for one in planned["changes"]] == ["goes", "comes", "comes"]
    [report] = json.loads(klapp("run", "sorter", "--on", str(klapp.person / "In"), "--format", "json"))
    assert report["outcome"] == "done"
    assert (klapp.person / "Out" / "-a\nb.txt").read_text() == "x"
    [logged] = [json.loads(line) for line in klapp("log", "--format", "json").splitlines()]
    assert {name: logged[name] for name in ("run", "coworker", "started", "outcome", "effects")} == {
        name: report[name] for name in ("run", "coworker", "started", "outcome", "effects")
    }
    assert "(line 7)" in klapp("explain", str(report["run"]))
    assert "  line   8  " in klapp("explain", "--trace", str(report["run"]))
    told = klapp("explain", "--file", str(klapp.person / "In" / "-a\nb.txt"))
    assert f'"Sorter", run {report["run"]}, from the command line: done' in told
    assert json.loads(klapp("explain", "--file", "nothing", "--format", "json"))["lives"] == []
    klapp("explain", code=2)
    klapp("explain", "1", "--file", "x", code=2)
    assert "every decision is the same" in klapp("replay", str(report["run"]))
    assert "did nothing to" in klapp("undo", "last", "--only", str(klapp.person / "elsewhere"), code=1)
    klapp("undo", "--since", "1d", "--only", str(klapp.person / "Out"))
    assert (klapp.person / "In" / "-a\nb.txt").read_text() == "x"
    assert "There was nothing to undo" in klapp("undo", "--since", "0:00")
    assert "Say which runs" in klapp("undo", "1", "--since", "1h", code=1)
    klapp("pause", "sorter", "--for", "1h")
    assert json.loads(klapp("list", "--format", "json"))[0]["state"] == "paused"
    klapp("resume", "--all")
    klapp("revoke", "sorter")
    assert "approval" in klapp("run", "sorter", code=1)


def test_new_writes_a_coworker_that_is_fine_and_never_over_another(klapp: Terminal) -> None:
    klapp("new", "My papers")
    path = klapp.state / "coworkers" / "my-papers.klr"
    klapp("check", str(path))
    klapp("test", str(path))
    assert "there already" in klapp("new", "My papers", code=1)
    klapp("new", "Invoices", "--from", "invoice-filer")
    klapp("new", "x", "--from", "nothing", code=1)
    klapp("new", "../evil", code=1)
    assert sorted(p.name for p in path.parent.iterdir()) == ["invoices.klr", "my-papers.klr"]


def test_passphrases_come_by_descriptor_or_private_file_and_wrong_ones_change_nothing(klapp: Terminal) -> None:
    klapp("list")
    klapp.passphrase.write_text("something else entirely")
    assert "not the passphrase" in klapp("list", code=1)
    reading, writing = os.pipe()
    os.write(writing, b"correct horse battery")
    os.close(writing)
    klapp("--passphrase-fd", str(reading), "list", pass_fds=(reading,))
    os.close(reading)
    klapp.passphrase.write_text("correct horse battery")
    klapp.passphrase.chmod(0o644)
    assert "chmod 600" in klapp("list", code=1)
    del klapp.env["KLAPP_PASSPHRASE_FILE"]
    assert "--passphrase-fd" in klapp("list", code=1)


def test_a_foreign_or_damaged_log_is_named_and_left_alone(klapp: Terminal) -> None:
    klapp("list")
    log = klapp.state / "klapp.db"
    for name in ("klapp.db-wal", "klapp.db-shm"):
        (klapp.state / name).unlink(missing_ok=True)
    log.write_bytes(b"SQLite format 3\0" + b"x" * 5000)
    assert "klapp.db is not a log of this klapp, or is damaged" in klapp("list", code=1)
    assert log.read_bytes().startswith(b"SQLite format 3\0")


def test_wherever_the_file_is_damaged_a_person_is_told_so(klapp: Terminal) -> None:
    """What is damaged may be in the way of klapp itself; then it can still be verified, or is not opened at all."""
    klapp.sorter()
    klapp("approve", "sorter", "--yes")
    database = klapp.state / "klapp.db"
    whole = database.read_bytes()
    pages = len(whole) // 4096
    told = set()
    for page in {1, *range(1, pages, pages // 5), pages - 1}:
        at = page * 4096 + 900
        database.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        said = klapp("audit", "verify", code=1)
        assert "mistake of its own" not in said
        told.add("file was changed" if "file was changed" in said else "damaged" if "is damaged" in said else said)
    assert told <= {"file was changed", "damaged"}
    assert "file was changed" in told
    database.write_bytes(whole)
    assert "as they were written" in klapp("audit", "verify")


def test_the_agent_sorts_reloads_and_answers(klapp: Terminal) -> None:
    path = klapp.sorter()
    klapp("approve", "sorter", "--yes")
    with klapp.agent() as agent:
        assert agent.stdout is not None
        (klapp.person / "In" / "a.crdownload").write_text("half")
        (klapp.person / "In" / "b.txt").write_text("whole")
        until(lambda: (klapp.person / "Out" / "b.txt").exists(), "the file to be moved")
        assert (klapp.person / "In" / "a.crdownload").exists()
        (klapp.person / "In" / "a.crdownload").rename(klapp.person / "In" / "a.txt")
        until(lambda: (klapp.person / "Out" / "a.txt").exists(), "the finished download to be moved")
        assert "already runs" in klapp("agent", "--headless", code=1)
        path.write_text(SORTER.replace("move file", "mvoe file"))
        assert "last good version stays in force" in agent.stdout.readline()
        (klapp.person / "In" / "c.txt").write_text("c")
        until(lambda: (klapp.person / "Out" / "c.txt").exists(), "the last good version to work on")
        path.write_text(SORTER.replace("~/Out", "~/Done"))
        assert "waits for your approval" in agent.stdout.readline()
        klapp("approve", "sorter", "--yes")
        (klapp.person / "In" / "d.txt").write_text("d")
        until(lambda: (klapp.person / "Done" / "d.txt").exists(), "the new version to work")
        klapp("pause", "--all")
        runs = [json.loads(line) for line in klapp("log", "--format", "json").splitlines()]
        assert [run["outcome"] for run in runs] == ["done"] * 4
        klapp("undo", str(runs[0]["run"]))
        assert (klapp.person / "In" / "b.txt").exists()
        assert oct(os.stat(klapp.state / "agent.sock").st_mode)[-3:] == "600"
        agent.send_signal(signal.SIGINT)
        agent.wait(60)
    assert json.loads(klapp("list", "--format", "json"))[0]["state"] == "paused"


def test_an_agent_that_is_killed_in_its_work_is_followed_by_one_that_settles_it(klapp: Terminal) -> None:
    klapp.sorter()
    klapp("approve", "sorter", "--yes")
    for number in range(300):
        (klapp.person / "In" / f"{number}.txt").write_text(str(number))
    running = subprocess.Popen(
        [sys.executable, "-m", "klapp.cli.main", "run", "sorter"], env=klapp.env, stdout=subprocess.DEVNULL
    )
    until(lambda: (klapp.person / "Out").exists() or running.poll() is not None, "the work to begin")
    running.kill()
    running.wait()
    klapp("list")
    found = sorted(int(p.read_text()) for p in klapp.person.rglob("*.txt"))
    assert found == list(range(300))
    assert {json.loads(line)["outcome"] for line in klapp("log", "--format", "json").splitlines()} <= {
        "done",
        "interrupted",
    }


def test_the_demonstration_files_its_papers(klapp: Terminal) -> None:
    folder = klapp.root / "demo"
    told = klapp("demo", "--folder", str(folder))
    assert "klapp undo last" in told
    assert (folder / "Filed" / "Invoices" / "2026" / "Müller" / "Rechnung Müller & Söhne.pdf").exists()
    assert [p.name for p in (folder / "Inbox").iterdir()] == ["mystery.bin"]
    assert "not empty" in klapp("demo", "--folder", str(folder), code=1)
    klapp.env |= {"KLAPP_HOME": str(folder / "klapp-state"), "KLAPP_PASSPHRASE_FILE": str(folder / "passphrase")}
    klapp("replay", "1")
    klapp("undo", "last")
    assert len(list((folder / "Inbox").iterdir())) == 13
    assert not (folder / "Filed").exists()


def test_audit_verify_says_whether_the_log_was_changed(klapp: Terminal) -> None:
    klapp.sorter()
    (klapp.person / "In" / "a.txt").write_text("x")
    klapp("approve", "sorter", "--yes")
    klapp("run", "sorter")
    told = klapp("audit", "verify")
    assert "entries of the log are as they were written" in told
    assert "klapp audit witness PATH" in told
    note = klapp.person / "checkpoint"
    assert "+" in klapp("audit", "witness", str(note))
    with klapp.agent():
        found = json.loads(klapp("audit", "verify", "--format", "json"))
        assert (found["problem"], found["witnesses"]) == (None, [str(note)])
        proof = klapp.person / "proof.json"
        proof.write_text(klapp("audit", "prove", "2"))
        assert "checkpoint" in json.loads(klapp("audit", "prove", "--since", str(proof)))
    assert note.read_text().startswith("klapp.invalid/log/")
    from klapp.home import Home
    from klapp.vault.database import connect
    from klapp.vault.keys import open_vault

    home = Home.of(klapp.env)
    vault = open_vault(home.path, lambda _: "correct horse battery", use_keyring=False)
    connection = connect(home.database, vault.key("log"))
    connection.executescript("DROP TRIGGER entries_stay; UPDATE entries SET public = replace(public, 'done', 'skip')")
    connection.close()
    told = klapp("audit", "verify", code=1)
    assert "was changed" in told
    assert "This is: changed" in told
    klapp("audit", "prove", code=2)
    klapp("audit", "prove", "999999", code=1)
    (klapp.person / "mine.txt").write_text("my own words")
    klapp("audit", "witness", str(klapp.person / "mine.txt"), code=1)
    assert (klapp.person / "mine.txt").read_text() == "my own words"
    klapp("audit", "frobnicate", code=2)


def test_audit_shows_exports_and_erases(klapp: Terminal, tmp_path: Path) -> None:
    klapp.sorter()
    (klapp.person / "In" / "Anna Plantedname.txt").write_text("x")
    (klapp.person / "In" / "b.txt").write_text("y")
    klapp("approve", "sorter", "--yes")
    klapp("run", "sorter")
    assert "was allowed to" in klapp("audit", "show", "--kind", "approved")
    assert "command line" in klapp("audit", "show", "--kind", "approved")
    lines = klapp("audit", "show", "--format", "json", "--text", "plantedname", "--limit", "5").splitlines()
    assert {json.loads(line)["run"] for line in lines} == {1}
    goal = tmp_path / "report.html"
    klapp("audit", "export", "--format", "html", "--output", str(goal))
    assert "Anna Plantedname" in goal.read_text()
    assert goal.stat().st_mode & 0o077 == 0
    klapp("audit", "export", "--output", str(goal), code=1)
    assert json.loads(klapp("audit", "export", "--run", "2").splitlines()[0])["class_uid"] == 1006
    with klapp.agent():
        klapp("audit", "erase", "--subject", "plantedname", code=1)
        told = klapp("audit", "erase", "--subject", "plantedname", "--yes")
        assert "backups" in told
        assert "were erased" in klapp("explain", "1", code=1)
        assert "line" in klapp("explain", "2")
        assert "as they were written" in klapp("audit", "verify")
    assert "Plantedname" not in klapp("audit", "export", "--format", "csv")
    assert "for ever" in klapp("audit", "retain")
    assert "100 days" in klapp("audit", "retain", "--days", "100")
    assert "from for ever to for 100 days" in klapp("audit", "show", "--kind", "setting changed")
    assert "up to 100 MB" in klapp("audit", "inputs")
    assert "Of others" not in klapp("audit", "inputs", "--any")
    assert json.loads(klapp("audit", "inputs", "--none", "--format", "json")) == {"megabytes": 0}
    klapp("audit", "inputs", "--megabytes", "0", code=2)
    klapp("audit", "erase", code=2)
    klapp("audit", "erase", "--copies", code=2)
    klapp("audit", "erase", "--before", "yesterday", code=2)
    klapp("audit", "show", "--kind", "nonsense", code=1)
    assert "Nothing in the log" in klapp("audit", "show", "--coworker", "nobody")


def test_an_erasure_tells_which_copies_it_could_not_search(klapp: Terminal) -> None:
    klapp.sorter('coworker "Newest"\nmay read "~/In/*"\nmay remove "~/In/*"\nmay write "~/Out/*"\n\nwhen file arrives in "~/In"\n  move file to "~/Out/" on conflict replace\nend\n')  # fmt: skip
    for name, content in (("a.png", b"\x89PNG\r\n\x1a\n"), ("b.txt", b"of Zebediah")):
        for folder in ("In", "Out"):
            (klapp.person / folder).mkdir(exist_ok=True)
            (klapp.person / folder / name).write_bytes(content if folder == "Out" else b"new")
    klapp("approve", "Newest", "--yes")
    klapp("run", "Newest")
    told = klapp("audit", "erase", "--subject", "Zebediah", "--yes")
    assert "1 kept copy of a replaced file was removed" in told
    assert "a.png (run 1): it has no text" in told
    assert "2 kept" not in told
    assert "1 kept copy" in klapp("audit", "erase", "--subject", "Zebediah", "--copies", "--yes")
    assert "Nothing was erased" in klapp("audit", "erase", "--subject", "Zebediah", "--copies", "--yes")


def test_without_any_streams_klapp_works_all_the_same(klapp: Terminal) -> None:
    for arguments, code in ((("--version",), 0), (("list",), 0), (("run", "nobody"), 1)):
        command = (sys.executable, "-m", "klapp.cli.main", *arguments)
        closed = ("sh", "-c", 'exec "$@" >&- 2>&-', "sh", *command)
        assert subprocess.run(closed, env=klapp.env, stdin=subprocess.DEVNULL, timeout=60).returncode == code


def test_what_the_facade_refuses_is_told_in_its_words_with_an_agent_and_without(klapp: Terminal) -> None:
    words = "klapp asks for updates over https:// only."
    assert words in klapp("update", "from", "http://klapp.example/", code=1)
    with klapp.agent():
        assert words in klapp("update", "from", "http://klapp.example/", code=1)
