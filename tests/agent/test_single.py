"""Two agents never share a state folder, and two changes never happen at once."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from klapp.single import AlreadyRunning, hold, working

HOLDER = "import sys, pathlib, klapp.single as s\nwith s.hold(pathlib.Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"


def test_a_second_agent_is_refused_in_a_sentence_and_let_in_after_the_first(tmp_path: Path) -> None:
    with hold(tmp_path):
        with pytest.raises(AlreadyRunning, match="klapp already runs"), hold(tmp_path):
            pass
        assert (tmp_path / "agent.lock").stat().st_mode & 0o077 == 0
    with hold(tmp_path):
        pass


def test_a_killed_agent_leaves_no_lock_behind(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(AlreadyRunning), hold(tmp_path):
            pass
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    with hold(tmp_path):
        pass


def test_two_homes_do_not_hinder_each_other(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with hold(tmp_path / "a"), hold(tmp_path / "b"), working(tmp_path / "a"), working(tmp_path / "b"):
        pass


def test_threads_take_turns(tmp_path: Path) -> None:
    inside = 0
    most = 0

    def work() -> None:
        nonlocal inside, most
        for _ in range(5):
            with working(tmp_path):
                inside += 1
                most = max(most, inside)
                threading.Event().wait(0.002)
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
