"""The broker on real sockets: what it reaches, what it refuses, and what hostile hosts can not do."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klapp.network import Body, Broker, NetworkError, Request
from klapp.network.addresses import addresses_of, is_public
from tests.agent.hosts import certificates, host, ok, raw
from tests.agent.house import until


def get(broker: Broker, address: str, *granted: str) -> str:
    return broker.request(Request("GET", address), granted).text()


def test_a_request_reaches_its_host_with_what_it_carries() -> None:
    with host(ok("grüße".encode())) as server:
        request = Request(
            "POST", f"{server.origin}/in?x=1", Body(b"hello", "text/plain"), ("Authorization", "Bearer s3cret")
        )
        assert Broker().request(request, {server.origin}).text() == "grüße"
        (heard,) = server.heard
        head, _, body = heard.partition(b"\r\n\r\n")
        assert head.startswith(b"POST /in?x=1 HTTP/1.1\r\n")
        assert b"Authorization: Bearer s3cret" in head
        assert body == b"hello"
        assert b"Cookie" not in head
        assert "s3cret" not in repr(request)


def test_no_host_that_is_not_granted_and_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with host(ok()) as server, host(ok()) as proxy:
        monkeypatch.setenv("http_proxy", proxy.origin)
        monkeypatch.setenv("ALL_PROXY", proxy.origin)
        with pytest.raises(NetworkError, match="may not be contacted"):
            get(Broker(), f"{server.origin}/", f"http://127.0.0.1:{server.port + 1}")
        assert get(Broker(), f"{server.origin}/", server.origin) == "fine"
        assert not proxy.heard
        assert len(server.heard) == 1


def test_tls_is_verified_for_the_name(tmp_path: Path) -> None:
    server_side, trusting = certificates(tmp_path)
    other, _ = certificates(tmp_path, "other.example")
    with host(ok(), server_side) as server:
        assert get(Broker(context=trusting), f"{server.origin}/", server.origin) == "fine"
        with pytest.raises(NetworkError, match="can not prove") as caught:
            get(Broker(), f"{server.origin}/", server.origin)
        assert not caught.value.begun
    with host(ok(), other) as server, pytest.raises(NetworkError, match="can not prove"):
        get(Broker(context=trusting), f"{server.origin}/", server.origin)


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "192.168.1.1", "169.254.169.254", "::1", "fe80::1", "fc00::1",
    "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "::7f00:1", "0.0.0.0", "224.0.0.1", "ff02::1", "100.64.0.1",
    "255.255.255.255", "fec0::1"])  # fmt: skip
def test_a_name_never_leads_into_the_local_network(address: str) -> None:
    assert not is_public(address)
    with pytest.raises(ValueError, match="leads to this machine or its local network"):
        addresses_of("rebound.example", 443, lambda *_: ["93.184.216.34", address], 5)


def test_a_name_is_looked_up_once_and_its_address_pinned() -> None:
    asked = []

    def resolver(name: str, port: int) -> list[str]:
        asked.append(name)
        return ["127.0.0.1"] if len(asked) == 1 else ["93.184.216.34"]

    with host(ok(), name="app.localhost") as server:
        assert get(Broker(resolver=resolver), f"{server.origin}/", server.origin) == "fine"
    assert asked == ["app.localhost"]


@pytest.mark.parametrize("name", ["127.1", "2130706433", "0x7f000001", "0177.0.0.1"])
def test_odd_forms_of_addresses_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="neither the name"):
        addresses_of(name, 80, lambda *_: ["127.0.0.1"], 5)


def test_redirects_stay_with_the_same_host() -> None:
    with host(ok()) as other:
        for goal in (f"{other.origin}/", "https://127.0.0.1/", "//evil.example/", "file:///etc/passwd"):
            with (
                host(raw(b"HTTP/1.1 302 Found\r\nLocation: %b\r\nContent-Length: 0\r\n\r\n" % goal.encode())) as server,
                pytest.raises(NetworkError, match="leads to another host"),
            ):
                get(Broker(), f"{server.origin}/", server.origin, other.origin)
        with host(raw(b"HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n")) as server:
            with pytest.raises(NetworkError, match="never answers"):
                get(Broker(), f"{server.origin}/", server.origin)
            assert len(server.heard) == 5
            with pytest.raises(NetworkError, match="wants this sent to another place"):
                Broker().request(Request("POST", f"{server.origin}/", Body(b"x", "text/plain")), {server.origin})
        assert not other.heard


def endless(request: bytes, wire: socket.socket) -> None:
    wire.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        wire.sendall(b"x" * 65536)


def dripping(request: bytes, wire: socket.socket) -> None:
    import time

    wire.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        wire.sendall(b"X: y\r\n")
        time.sleep(0.05)


def silent(request: bytes, wire: socket.socket) -> None:
    wire.recv(1)


@pytest.mark.parametrize(("reply", "message"), [
    (endless, "answered with more than"),
    (dripping, "took too long|not HTTP"),
    (silent, "took too long"),
    (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"), "answered with more than"),
    (raw(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 1_000_000 + b"\r\n\r\n"), "not HTTP"),
    (raw(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 10_000 + b"\r\n"), "not HTTP"),
    (raw(b"\x00\xff nonsense"), "not HTTP"),
    (raw(b""), "failed|not HTTP|could not be reached"),
    (ok(b"\x1f\x8b bomb", b"Content-Encoding: gzip\r\n"), "compressed form"),
    (raw(b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n"), "answered 500"),
])  # fmt: skip
def test_what_hostile_hosts_can_not_do(reply: object, message: str) -> None:
    with host(reply) as server, pytest.raises(NetworkError, match=message) as caught:  # type: ignore[arg-type]
        get(Broker(seconds=1, largest_answer=1_000_000), f"{server.origin}/", server.origin)
    assert caught.value.begun


def test_what_never_began_is_known_not_to_be_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(NetworkError, match="Nothing was sent") as caught:
        get(Broker(), f"http://127.0.0.1:{port}/", f"http://127.0.0.1:{port}")
    assert not caught.value.begun


@given(st.text(max_size=20))
def test_no_address_reaches_another_host_than_the_granted_one(text: str) -> None:
    granted = "http://127.0.0.1:9"
    broker = Broker(resolver=lambda name, port: pytest.fail(name), seconds=0.2)
    with pytest.raises(NetworkError):
        broker.request(Request("GET", f"http://127.0.0.1:9{text}"), {granted})


@pytest.mark.skipif(os.name != "posix", reason="reads how a process was started from /proc")
def test_an_app_gets_the_file_and_nothing_else(tmp_path: Path) -> None:
    from klapp.network.apps import AppError, open_with

    seen = tmp_path / "seen"
    app = tmp_path / "app"
    app.write_text(
        f'#!/bin/sh\n(echo "$#"; echo "$1"; env; ls /proc/self/fd | wc -l) > {seen}.part; mv {seen}.part {seen}\n'
    )
    app.chmod(0o755)
    secret = os.open("/dev/null", os.O_RDONLY)
    os.set_inheritable(secret, True)
    open_with("/tmp/-rf --help", str(app), {"HOME": "/home/x", "KLAPP_PASSPHRASE_FILE": "/p", "LD_PRELOAD": "/evil.so"})
    until(seen.exists)
    os.close(secret)
    told = seen.read_text()
    assert told.startswith("1\n/tmp/-rf --help\n")
    assert "HOME=/home/x" in told
    assert "KLAPP" not in told
    assert "LD_PRELOAD" not in told
    with pytest.raises(AppError, match="no program"):
        open_with("/tmp/x", "/nowhere/app")


def test_only_requests_since_the_oldest_open_run_are_looked_at(tmp_path: Path) -> None:
    from klapp.audit.events import RequestBegun
    from klapp.audit.log import INTENT, OUTCOME, SELECT, Entry, Log
    from klapp.engine.outside import _BEGUN, Nowhere

    with Log.open(tmp_path / "log.db", b"k" * 32) as log:
        log.append([Entry(1, INTENT, {"batch": 1})])
        for number in range(50):
            log.record(RequestBegun("X", "https://a.example", f"old {number}"))
        log.append([Entry(1, OUTCOME, {"outcome": "done", "reason": ""}), Entry(2, INTENT, {"batch": 2})])
        log.record(RequestBegun("X", "https://a.example", "new"))
        looked: list[int] = []
        select = log.select

        def counted(condition: str, values: Sequence[object] = ()) -> list[Entry]:
            found = select(condition, values)
            looked.append(len(found))
            return found

        log.select = counted  # type: ignore[method-assign]
        world = Nowhere(log)
        assert world.was_sent("new")
        assert not world.was_sent("never")
        log.record(RequestBegun("X", "https://a.example", "later"))
        assert world.was_sent("later")
        assert looked == [1, 0, 1]
        query = f"EXPLAIN QUERY PLAN {SELECT} WHERE {_BEGUN}"
        plan = [row[3] for row in log.connection.execute(query, (RequestBegun.kind, 0))]
        assert "entries_by_kind (kind=? AND rowid>?)" in plan[0], plan


@pytest.mark.parametrize("program", ["C:\\x\\view.bat", "C:\\x\\view.CMD", "view.exe", "\\\\host\\share\\view.exe", "C:view.exe", "C:\\view", "C:\\x.js"])  # fmt: skip
def test_windows_opens_files_in_programs_alone(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from klapp.network import apps

    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("it was started"))
    with pytest.raises(apps.AppError):
        apps.open_with("C:\\In\\a&calc.pdf", program, {})


def test_windows_starts_a_program_with_one_argument_and_little_else(monkeypatch: pytest.MonkeyPatch) -> None:
    from klapp.network import apps

    started: list[tuple[list[str], dict[str, Any]]] = []
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(subprocess, "Popen", lambda command, **more: started.append((command, more)) or Mock())
    with pytest.raises(apps.AppError, match="whole path"):
        apps.open_with("/switch", "C:\\view.exe", {})
    environment = {"SYSTEMROOT": "C:\\Windows", "KLAPP_PASSPHRASE_FILE": "C:\\p", "PATH": "C:\\evil"}
    apps.open_with("C:\\In\\a&calc.pdf", "C:\\Program Files\\view.exe", environment)
    [(command, more)] = started
    assert command == ["C:\\Program Files\\view.exe", "C:\\In\\a&calc.pdf"]
    assert more["executable"] == command[0]
    assert more["env"] == {"SYSTEMROOT": "C:\\Windows"}
    assert not more.get("shell")


@pytest.mark.parametrize("name", ["x.command", "X.TERMINAL", "a.pdf.tool", "b.webloc"])
def test_a_mac_runs_nothing_by_opening_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from klapp.network import apps

    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("it was started"))
    with pytest.raises(apps.AppError, match="would be run"):
        apps.open_with(f"/Users/me/In/{name}", "", {})
    assert apps._default("/Users/me/In/a.pdf") == ["/usr/bin/open", "/Users/me/In/a.pdf"]
