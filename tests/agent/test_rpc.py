"""The socket between the command line and the agent: honest clients are answered, hostile ones hurt nobody."""

from __future__ import annotations

import os
import pickle
import socket
import stat
import struct
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klapp import rpc


def answer(method: str, arguments: dict[str, Any]) -> Any:
    match method:
        case "echo":
            return arguments
        case "count":
            return iter(range(arguments["to"]))
        case "refuse":
            raise ValueError("That can not be done.")
        case "break":
            raise RuntimeError("a secret of the agent")
        case "break later":
            return (1 // (2 - n) for n in range(5))
    return None


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    # Longer than a socket's address may be.
    folder = tmp_path / ("x" * 90) / ("y" * 90)
    folder.mkdir(parents=True, mode=0o700)
    server = rpc.Server(folder, answer, connections=4, request_seconds=0.5)
    server.start()
    yield folder
    server.stop()
    assert not (folder / rpc.SOCKET).exists()


def raw(home: Path) -> socket.socket:
    """A client of our own making."""
    here = os.open(home, os.O_RDONLY)
    try:
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(10)
        client.connect(f"/proc/self/fd/{here}/{rpc.SOCKET}")
        return client
    finally:
        os.close(here)


def drain(client: socket.socket) -> None:
    """Read until the other side has had enough."""
    with suppress(ConnectionResetError):
        while client.recv(4096):
            pass


def test_values_items_and_errors_come_back(home: Path) -> None:
    assert rpc.call(home, "echo", {"a": [1, None, "\udcff\n"]}) == {"a": [1, None, "\udcff\n"]}
    assert list(rpc.stream(home, "count", {"to": 1000})) == list(range(1000))
    assert rpc.call(home, "count", {"to": 0}) == []
    with pytest.raises(rpc.RpcError, match=r"^That can not be done\.$"):
        rpc.call(home, "refuse", {})
    with pytest.raises(rpc.RpcError, match="mistake of its own") as caught:
        rpc.call(home, "break", {})
    assert "secret" not in str(caught.value)
    items = rpc.stream(home, "break later", {})
    assert [next(items), next(items)] == [0, 1]
    with pytest.raises(rpc.RpcError):
        next(items)


def test_only_its_owner_can_open_it(home: Path) -> None:
    assert stat.S_IMODE(os.stat(home / rpc.SOCKET).st_mode) == 0o600


def test_without_an_agent_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(rpc.NoAgent):
        rpc.call(tmp_path, "echo", {})
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(tmp_path / rpc.SOCKET))
    left.close()
    with pytest.raises(rpc.NoAgent):
        rpc.call(tmp_path, "echo", {})


@given(st.binary(max_size=200))
def test_garbage_hurts_nobody(data: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        server = rpc.Server(Path(folder), answer, request_seconds=0.2)
        server.start()
        try:
            for sent in (data, struct.pack("!i", len(data)) + data):
                client = raw(Path(folder))
                client.sendall(sent)
                client.shutdown(socket.SHUT_WR)
                drain(client)
                client.close()
            assert rpc.call(Path(folder), "echo", {"x": 1}) == {"x": 1}
        finally:
            server.stop()


def test_a_huge_frame_and_a_pickle_are_refused(home: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, (str(home / "pwned"),)

    for sent in (struct.pack("!i", 0x7FFFFFFF), struct.pack("!i", len(pickle.dumps(Evil()))) + pickle.dumps(Evil())):
        client = raw(home)
        client.sendall(sent)
        drain(client)
        client.close()
    assert not (home / "pwned").exists()
    assert rpc.call(home, "echo", {}) == {}


def test_clients_that_hang_are_cut_off_and_too_many_are_told(home: Path) -> None:
    hanging = [raw(home) for _ in range(4)]
    for client in hanging:
        client.recv(1)
    with pytest.raises(rpc.RpcError, match="Try again"):
        rpc.call(home, "echo", {})
    for client in hanging:
        drain(client)
        client.close()
    assert rpc.call(home, "echo", {"x": 2}) == {"x": 2}


def test_many_at_a_time_get_their_own_answers(home: Path) -> None:
    wrong: list[int] = []

    def ask(number: int) -> None:
        for _ in range(20):
            try:
                if rpc.call(home, "echo", {"n": number}) != {"n": number}:
                    wrong.append(number)
            except rpc.RpcError as error:
                if "Try again" not in str(error):
                    wrong.append(number)

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
