"""Attacks on the page, at the level of bytes: nothing but its own person's browser, from its own pages, gets anywhere."""

from __future__ import annotations

import os
import re
import socket
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode

import pytest

from klapp.console.doors import ABSOLUTE_SECONDS, IDLE_SECONDS, LINK_SECONDS, Doors
from klapp.console.guard import LARGEST_BODY, Bucket
from tests.console.conftest import Served


class Client:
    """A client that sends what it is told to."""

    def __init__(self, served: Served) -> None:
        self.link = served.link()
        self.port = int(self.link.split(":")[2].split("/")[0])
        self.cookie = ""
        self.csrf = ""

    def send(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, str]:
        sent = {"Host": f"localhost:{self.port}", "Connection": "close"}
        if self.cookie:
            sent["Cookie"] = self.cookie
        if method == "POST":
            sent |= {
                "Origin": f"http://localhost:{self.port}", "Content-Type": "application/x-www-form-urlencoded",
                "Content-Length": str(len(body)),
            }  # fmt: skip
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items() if value), "", ""]
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
            connection.sendall("\r\n".join(lines).encode() + body)
            answer = b""
            while part := connection.recv(1 << 16):
                answer += part
        head, _, content = answer.decode("utf-8", "replace").partition("\r\n\r\n")
        return int(head.split()[1]), f"{head}\r\n\r\n{content}"

    def post(self, path: str, headers: dict[str, str] | None = None, **form: str) -> tuple[int, str]:
        body = urlencode({"csrf": self.csrf, **form}).encode()
        return self.send("POST", path, body, **(headers or {}))

    def enter(self) -> Client:
        status, answer = self.send("GET", "/enter/" + self.link.rpartition("/")[2])
        assert status == 200, answer
        cookie = re.search(r"set-cookie: ([^;]+);([^\r]*)", answer, re.IGNORECASE)
        assert cookie is not None
        assert "httponly" in cookie[2].lower()
        assert "samesite=strict" in cookie[2].lower()
        self.cookie = cookie[1]
        found = re.search(r'name="csrf" value="([^"]+)"', self.send("GET", "/")[1])
        assert found is not None
        self.csrf = found[1]
        return self


@pytest.fixture
def client(served: Served) -> Client:
    return Client(served).enter()


def test_nothing_listens_before_and_after(served: Served) -> None:
    assert not served.console.listening
    Client(served).enter()
    assert served.console.listening
    served.console.close()
    assert not served.console.listening
    Client(served).enter()


def test_a_link_is_good_once_and_its_file_is_the_persons_alone(served: Served) -> None:
    way = served.console.open()
    status = os.stat(way["file"])
    assert stat.S_IMODE(status.st_mode) == 0o600
    assert way["address"] in Path(way["file"]).read_text()
    first = Client(served)
    first.enter()
    assert not os.path.exists(way["file"])
    path = "/enter/" + first.link.rpartition("/")[2]
    for attempt in (path, "/enter/made-up", "/enter/"):
        status_code, answer = Client(served).send("GET", attempt)
        assert status_code in (401, 403, 404), answer
        assert "set-cookie" not in answer.lower()


def test_without_a_cookie_nothing_is_shown(served: Served) -> None:
    client = Client(served)
    for path in ("/", "/log", "/coworker?name=mover", "/nothing", "/static/../app.py"):
        status, answer = client.send("GET", path)
        assert status in (401, 404), path
        assert "Mover" not in answer
    assert client.send("GET", "/", Cookie=f"klapp-{client.port}=guessed")[0] == 401


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "localhost", "localhost:1", "LOCALHOST.evil.example:80"])
def test_rebound_names_are_refused(client: Client, host: str) -> None:
    assert client.send("GET", "/", Host=host)[0] == 421
    assert client.send("GET", "/enter/x", Host=host)[0] == 421


def test_other_origins_and_forms_without_their_token_are_refused(served: Served, client: Client) -> None:
    approve = {"what": "approve", "name": "mover", "seen": "[]"}
    for headers in (
        {"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": ""}, {"Origin": f"http://localhost:{client.port + 1}"},
        {"Sec_Fetch_Site": "cross-site"}, {"Sec_Fetch_Site": "same-site"}, {"Content_Type": "text/plain"},
        {"Content_Type": "multipart/form-data; boundary=x"},
    ):  # fmt: skip
        status, _ = client.post("/approve", headers, **approve)
        assert status in (403, 415), headers
    for token in ("", "guessed", client.csrf[:-1]):
        assert client.post("/approve", csrf=token, **approve)[0] == 403
    assert client.send("GET", "/coworker/do?what=pause")[0] == 405
    assert client.send("PUT", "/")[0] == 405
    assert client.send("GET", "/", Sec_Fetch_Site="cross-site")[0] == 403
    assert served.service.agent.overview()[0]["state"] == "waiting"


def test_a_form_that_is_too_much_is_refused(client: Client) -> None:
    assert client.send("POST", "/edit", b"text=" + b"x" * (LARGEST_BODY + 1))[0] == 413
    assert client.send("POST", "/edit", b"&".join(b"a=b" for _ in range(1000)))[0] == 400
    assert client.send("POST", "/edit", b"\xff\xfe")[0] == 400


def test_what_browsers_must_not_do_is_said_on_every_answer(client: Client) -> None:
    for path in ("/", "/nothing", "/static/console.js", "/enter/x", "/log"):
        answer = client.send("GET", path)[1].lower()
        for header in (
            "frame-ancestors 'none'", "default-src 'none'", "x-frame-options: deny", "nosniff", "cache-control: no-store",
        ):  # fmt: skip
            assert header in answer, (path, header)
        assert "unsafe-inline" not in answer
        assert "server:" not in answer


def test_hostile_names_are_text(served: Served, client: Client) -> None:
    evil = '<script>alert("x")</script>'
    served.house.coworker(
        f'coworker "{evil.replace(chr(34), chr(39))}"\nmay notify\nwhen asked\n  notify "x"\nend\n', "evil"
    )
    for path in (
        "/",
        "/coworker?name=evil",
        "/approve?name=evil",
        "/edit?name=evil",
        f"/log?text={evil}",
        f"/coworker?name={evil}",
    ):
        _, answer = client.send("GET", path.replace(" ", "%20").replace('"', "%22"))
        assert "<script>alert" not in answer, path
    assert "Traceback" not in client.send("GET", "/run?run=99999")[1]


def test_nobody_is_led_elsewhere_behind_the_login(client: Client) -> None:
    for back in ("//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"):
        answer = client.send("GET", "/unlock?" + urlencode({"back": back}))[1]
        assert "evil.example" not in answer
        assert "javascript:" not in answer


@pytest.mark.skipif(
    not sys.platform.startswith("linux") or os.geteuid() != 0, reason="needs root, to be another person"
)
def test_another_person_of_the_machine_can_not_use_even_a_good_link(served: Served) -> None:
    client = Client(served)
    asking = (
        "import socket,sys; c=socket.create_connection(('127.0.0.1',int(sys.argv[1])));"
        "c.sendall(f'GET {sys.argv[2]} HTTP/1.1\\r\\nHost: localhost:{sys.argv[1]}\\r\\nConnection: close\\r\\n\\r\\n'.encode());"
        "print(c.makefile().read())"
    )
    path = "/enter/" + client.link.rpartition("/")[2]
    done = subprocess.run(
        ["/usr/bin/python3", "-c", asking, str(client.port), path],
        user=65534,
        cwd="/",
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert " 403 " in done.stdout, done.stdout + done.stderr
    assert "another person" in done.stdout
    client.enter()


def test_links_and_visits_end() -> None:
    now = [0.0]
    doors = Doors(lambda: now[0])
    late = doors.link()
    now[0] += LINK_SECONDS + 1
    assert doors.enter(late) is None
    assert not doors.wanted()
    entrance = doors.enter(doors.link("/new"))
    assert entrance is not None
    token, path = entrance
    assert path == "/new"
    now[0] += IDLE_SECONDS
    assert doors.visit(token)
    now[0] += IDLE_SECONDS
    assert doors.visit(token, by_person=False)
    now[0] += 1
    assert doors.visit(token, by_person=False) is None
    token, _ = doors.enter(doors.link()) or ("", "")
    for _ in range(int(ABSOLUTE_SECONDS / IDLE_SECONDS) + 1):
        now[0] += IDLE_SECONDS
        doors.visit(token)
    assert doors.visit(token) is None
    assert not doors.wanted()


def test_a_flood_is_cut_off_and_ends() -> None:
    now = [0.0]
    bucket = Bucket(10, 5, lambda: now[0])
    assert [bucket.take() for _ in range(6)] == [True] * 5 + [False]
    now[0] += 0.1
    assert bucket.take()
    assert not bucket.take()


def test_a_page_that_keeps_itself_up_to_date_keeps_no_session_from_ending(served: Served) -> None:
    agent = served.service.agent
    agent.account.create("Ada", "seven blue herons by the lake")
    session = agent.account.login("seven blue herons by the lake")

    def used() -> object:
        [kept] = agent.account._sessions._kept().values()
        return kept["used"]

    client = Client(served)
    client.enter()
    [visit] = served.console._doors._visits.values()
    visit.session = session
    before, clock = used(), agent.account._sessions._clock
    agent.account._sessions._clock = lambda: replace(clock(), seconds=clock().seconds + 200)
    for path in ("/", "/version", "/activity", "/settings", "/notices", "/coworker?name=mover"):
        assert client.send("GET", path, X_Klapp_Live="1")[0] == 200, path
        assert used() == before, path
    assert client.send("GET", "/")[0] == 200
    assert used() != before
