"""Workers that can open no file at all, as on Windows: over a pipe, they ask the agent, which does all that they plan."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klapp.engine.asked import ASK, AskedFiles, answer
from klapp.engine.hands import RealWorld
from klapp.engine.judge import Lied
from klapp.files.empty import Empty
from klapp.files.overlay import Overlay
from klapp.files.protocol import FileError
from klapp.lane import Lane
from klapp.sandbox import landlock, seccomp
from klapp.sandbox.channel import BLOCK, HEADER, Lost, PipeChannel
from klapp.sandbox.confinement import Confinement
from tests.agent.house import House, reports
from tests.security.starting import Piper

linux = pytest.mark.skipif(
    not sys.platform.startswith("linux") or landlock.version() < 3 or not seccomp.is_known(),
    reason="this system has no Landlock, or seccomp is not known here",
)
GRANTS = [("read", "~/In/*"), ("remove", "~/In/*"), ("write", "~/Out/**"), ("read", "~/list.csv")]
TEXT = """coworker "one"
may read "~/In/*"
may remove "~/In/*"
may write "~/Out/**"
may write "~/log.txt"
may notify
when file arrives in "~/In"
  let same = file.text contains "invoice"
  if same
    move file to "~/Out/{file.modified:%Y}/{file.name}"
  else
    append "{file.name} of {file.size}" to "~/log.txt"
    copy file to "~/Out/" on conflict rename
    notify "Not an invoice: {file.name}"
  end
end
"""


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    house = House(tmp_path)
    house.file("In/a.txt", b"an invoice")
    house.file("In/b.txt", b"something else")
    house.file("In/\udcff.txt", b"an invoice, too")
    house.file("Out/b.txt", b"old")
    house.file("log.txt", b"first\n")
    house.file("Private/secret", b"secret")
    return house


# -- whole ------------------------------------------------------------------------------------------------------------


@linux
def test_the_same_is_done_by_a_worker_that_opens_files_and_by_one_that_asks(house: House, tmp_path: Path) -> None:
    house.coworker(TEXT)
    before = house.tree()
    trees = []
    for piped in (True, False):
        with house.agent() as agent:
            assert agent.workers
            if piped:
                agent.workers.launcher = Piper()
            agent.approve("one")
            done = reports(agent.run("one"))
            assert [report["outcome"] for report in done] == ["done"] * 3
            assert agent.workers.holds == {"landlock": landlock.version(), "seccomp": True}
            trees.append({path: content[0] for path, content in house.tree().items()})
            assert {report["outcome"] for report in agent.undo([report["run"] for report in done])} == {"done"}
            assert agent.log_store.verify() is None
        assert {path: told[0] for path, told in house.tree().items()} == {
            path: told[0] for path, told in before.items()
        }
    assert trees[0] == trees[1]
    assert trees[0]["Out/2026/a.txt"] == b"an invoice"
    assert trees[0]["log.txt"] == b"first\nb.txt of 14 bytes\n"
    assert [told for told in house.told.notices if "Not an invoice" in told[1]] == [
        ("one", "Not an invoice: b.txt")
    ] * 2


ATTACKS = {
    "read": "open(IN + '/a.txt').read()",
    "list": "os.listdir(IN)",
    "write": "open(OUT + '/new', 'w')",
    "read another": "open(PERSON + '/Private/secret').read()",
    "move": "os.rename(IN + '/a.txt', OUT + '/a.txt')",
    "network": "socket.socket()",
    "a program": "subprocess.run(['/bin/true'])",
}
ASKS = {
    "read another": ["read", "/Private/secret", 10],
    "list another": ["kind", "/Private"],
    "look at another": ["look", "/Private/secret"],
    "up": ["read", "/In/../Private/secret", 10],
    "into the trash": ["trash", "/Private/secret"],
    "when another was made": ["born", "/Private/secret"],
    "a file by itself": ["look", "/log.txt/x"],
}


@linux
def test_such_a_worker_can_open_nothing_and_ask_for_nothing_else(house: House) -> None:
    piped = Piper("tests.security.planted").launch(0)
    begin = {"places": {}, "files": "", "asks": True, "home": str(house.person), "coworker": "planted", "text": None}
    begin |= {"trash": str(house.person / "T"), "every_disk": False, "grants": GRANTS}
    try:
        piped.channel.send(begin)
        assert piped.channel.receive(60) == {"landlock": landlock.version(), "seccomp": True}
        before = "import os, socket, subprocess\nIN, OUT = PERSON + '/In', PERSON + '/Out'"
        message = {"do": "python", "before": before, "values": {"PERSON": str(house.person)}, "attacks": ATTACKS}
        piped.channel.send(message)
        assert set(piped.channel.receive(60).values()) <= {1, 13}
    finally:
        piped.end()
    with house.agent() as agent:
        person = str(house.person)
        files = agent._files_within(Lane.of([("read", "~/**")], person))
        bounds = Confinement.of(GRANTS, person)  # the guard is made out to allow all that can be read
        for what, path, *more in ASKS.values():
            with pytest.raises(FileError):
                answer([what, person + path, *more], files, bounds)
        found = answer(["list", "~/**".replace("~", person)], files, bounds)
        names = sorted(one["f"][0].removeprefix(person) for one in found)
        assert names == ["/In/a.txt", "/In/b.txt", "/In/\udcff.txt"]


@linux
def test_a_worker_that_can_open_files_may_not_ask_about_them(house: House) -> None:
    house.coworker(TEXT)
    with house.agent() as agent:
        agent.approve("one")
        assert agent.workers
        path = str(house.person / "In/a.txt")
        files = agent._files_within(Lane.of(GRANTS, str(house.person)))
        world = RealWorld(files, agent.notifier, "one")
        with (
            agent.workers.for_steps({"read": {path}}, world, files) as hands,
            pytest.raises(Lied, match="there is not"),
        ):
            hands._served({"ask": ASK, "with": ["look", path]}, b"")


# -- questions --------------------------------------------------------------------------------------------------------


def world() -> Overlay:
    made = Overlay(Empty())
    made.given("/home/In/a.txt", b"content", datetime(2026, 1, 1), datetime(2025, 1, 1))
    made.given("/home/Private/b.txt", b"secret", datetime(2026, 1, 1))
    return made


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.sampled_from(["look", "read", "list", "/home/In/a.txt"]),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
        max_leaves=6,
    )
)  # fmt: skip
def test_whatever_is_asked_is_answered_or_refused(wish: Any) -> None:
    bounds = Confinement.of([("read", "/home/In/*")], "/home")
    with suppress(FileError, ValueError):
        answer(wish, world(), bounds)


def test_questions_and_answers_belong_together() -> None:
    base = world()
    bounds = Confinement.of([("read", "~/In/*"), ("write", "~/Out/x/*")], "/home")
    asked = AskedFiles(lambda name, wish: answer(wish, base, bounds))
    assert asked.look("/home/In/a.txt") == base.look("/home/In/a.txt")
    assert asked.look("/home/In/b.txt") is None
    assert asked.kind_at("/home/In/a.txt") == "file"
    assert asked.kind_at("/home/Out") == ""
    assert asked.read("/home/In/a.txt", 4) == b"cont"
    assert asked.born("/home/In/a.txt") == base.born("/home/In/a.txt")
    assert asked.has_kept("x")
    assert asked.in_trash("x") is None
    with pytest.raises(FileError):
        asked.kind_at("/home/Private")


# -- the pipe ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def ends() -> Iterator[tuple[PipeChannel, Connection]]:
    ours, theirs = Pipe()
    yield PipeChannel(ours), theirs
    ours.close()
    theirs.close()


def test_messages_of_any_length_arrive_whole(ends: tuple[PipeChannel, Connection]) -> None:
    channel, theirs = ends
    other = PipeChannel(theirs)
    other.send({"x": [1, "é\udcff"]})
    assert channel.receive(10) == {"x": [1, "é\udcff"]}
    whole = os.urandom(3 * BLOCK + 5)
    if not os.fork():
        other.send_bytes(whole)
        os._exit(0)
    assert channel.receive_bytes(60) == whole


@pytest.mark.parametrize("noise", [b"\0" * 64, HEADER.pack(b"J", 3) + b"{{{", HEADER.pack(b"J", 0xFFFFFFFF), b""])
def test_noise_ends_it(ends: tuple[PipeChannel, Connection], noise: bytes) -> None:
    channel, theirs = ends
    theirs.send_bytes(noise)
    with pytest.raises(Lost):
        channel.receive(10)


def test_a_block_that_is_too_long_is_not_read(ends: tuple[PipeChannel, Connection]) -> None:
    channel, theirs = ends
    os.write(theirs.fileno(), b"\x7f\xff\xff\xff")  # as if 2 GB came
    with pytest.raises(Lost, match="ended"):
        channel.receive(10)


def test_who_says_nothing_hangs_and_who_is_gone_has_ended(ends: tuple[PipeChannel, Connection]) -> None:
    channel, theirs = ends
    with pytest.raises(Lost, match="hangs"):
        channel.receive(0.01)
    theirs.close()
    with pytest.raises(Lost, match="ended"):
        channel.receive(10)
    with pytest.raises(Lost, match="ended"):
        channel.send("x" * BLOCK)


def test_who_takes_nothing_is_ended() -> None:
    ours, theirs = Pipe()
    stuck: list[bool] = []

    def end() -> None:
        stuck.append(True)
        theirs.close()

    with pytest.raises(Lost, match="ended"):
        PipeChannel(ours, end, 0.05).send_bytes(bytes(8 * BLOCK))
    assert stuck == [True]
    ours.close()
