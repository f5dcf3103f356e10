"""The sandbox as an attacker meets it: arbitrary Python in the confined process, and everything it tries."""

from __future__ import annotations

import errno
import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from klapp.properties.texts import text_of
from klapp.sandbox import Failed, Reader, landlock, seccomp, worker
from klr.effects import EffectError

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the sandbox is that of Linux"),
    pytest.mark.xdist_group("sandbox"),
]
needs_all = pytest.mark.skipif(
    landlock.version() < 1 or not seccomp.is_known(), reason="this kernel has no Landlock, or seccomp is not known here"
)

ATTACKS = {
    # files
    "read a file": "open(SECRET).read()",
    "read by descriptor": "os.open(SECRET, os.O_RDONLY)",
    "write a file": "open(FOLDER + '/new', 'w')",
    "change a file": "open(SECRET, 'r+')",
    "append to a file": "open(SECRET, 'a')",
    "truncate a file": "os.truncate(SECRET, 0)",
    "list a folder": "os.listdir(FOLDER)",
    "list the root": "os.listdir('/')",
    "list the home": "os.listdir(HOME)",
    "make a folder": "os.mkdir(FOLDER + '/d')",
    "remove a folder": "os.rmdir(FOLDER + '/empty')",
    "rename": "os.rename(SECRET, FOLDER + '/other')",
    "delete": "os.unlink(SECRET)",
    "link": "os.link(SECRET, FOLDER + '/hard')",
    "symbolic link": "os.symlink(SECRET, FOLDER + '/soft')",
    "read through a link": "open(FOLDER + '/link').read()",
    "change rights": "os.chmod(SECRET, 0o777)",
    "change the owner": "os.chown(SECRET, 1, 1)",
    "change times": "os.utime(SECRET, (1, 1))",
    "change attributes": "os.setxattr(SECRET, 'user.x', b'y')",
    "read attributes": "os.getxattr(SECRET, 'user.k')",
    "make a pipe": "os.mkfifo(FOLDER + '/fifo')",
    "make a device": "os.mknod(FOLDER + '/dev', 0o600 | 0o020000, os.makedev(1, 3))",
    "go into a folder": "os.chdir(FOLDER)",
    "another root": "os.chroot(FOLDER)",
    "write a library": "open(os.__file__, 'a')",
    "a file without a name": "os.memfd_create('x')",
    # what the system tells of others
    "another's environment": "open(f'/proc/{PARENT}/environ').read()",
    "another's memory": "open(f'/proc/{PARENT}/mem', 'rb')",
    "another's handles": "os.listdir(f'/proc/{PARENT}/fd')",
    "its own memory": "open('/proc/self/mem', 'r+b')",
    "a device": "open('/dev/zero', 'rb')",
    "mounts": "open('/proc/self/mounts').read()",
    # processes
    "fork": "os.fork()",
    "a program": "subprocess.run(['/bin/true'])",
    "replace itself": "os.execv('/bin/true', ['true'])",
    "a thread": "threading.Thread(target=print).start()",
    "kill the agent": "os.kill(PARENT, 0)",
    "kill all": "os.killpg(0, 0)",
    "trace the agent": "call(101, 16, PARENT, 0, 0)",
    "read the agent": "call(310, PARENT, 0, 0, 0, 0, 0)",
    "a handle of the agent": "os.pidfd_open(PARENT)",
    "another user": "os.setuid(1)",
    "other priorities": "os.nice(-1)",
    "own namespace": "call(272, 0x10000000)",
    "mount": "call(165, 0, FOLDER.encode(), b'tmpfs', 0, 0)",
    "allow more again": "resource.setrlimit(resource.RLIMIT_NOFILE, (1000, 1000))",
    # network
    "TCP": "socket.create_connection(('127.0.0.1', PORT), 1)",
    "UDP": "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', PORT))",
    "IPv6": "socket.socket(socket.AF_INET6)",
    "a local socket": "socket.socket(socket.AF_UNIX).connect(FOLDER + '/socket')",
    "an abstract socket": "socket.socket(socket.AF_UNIX).connect(chr(0) + 'klapp-test')",
    "a pair of sockets": "socket.socketpair()",
    "the kernel's sockets": "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
    "raw packets": "socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
    "listening": "socket.socket().bind(('127.0.0.1', 0))",
    # the kernel
    "keys": "call(250, 0, -3, 0, 0, 0)",
    "filters of the kernel": "call(321, 0, 0, 0)",
    "counters": "call(298, 0, 0, -1, -1, 0)",
    "rings": "call(425, 8, 0)",
    "faults": "call(323, 0)",
    "shared memory": "call(29, 1, 4096, 0o1600)",
    "modules": "call(175, 0, 0, 0)",
    "watches": "call(253)",
    "a call by another door": "call(0x40000000 + 39)",
    "a lock off": "call(157, 4, 1, 0, 0, 0)",
}  # fmt: skip

CHILD = """
import ctypes, json, os, resource, socket, subprocess, sys, threading
sys.path[:0] = ROOTS
from klapp.sandbox.confine import confine, readable
from klapp.sandbox.reader import libraries
libc = ctypes.CDLL(None, use_errno=True)
def call(*arguments):
    if libc.syscall(*arguments) < 0:
        raise OSError(ctypes.get_errno(), "refused")
handles = sorted(map(int, os.listdir("/proc/self/fd")))
confined = confine(readable(libraries()))
results = {"handles": handles, "environment": sorted(os.environ), "landlock": confined.landlock}
for name, attack in ATTACKS.items():
    try:
        eval(attack)
    except (OSError, RuntimeError, ValueError) as error:
        results[name] = getattr(error, "errno", None) or 1
    else:
        results[name] = 0
try:
    bytearray(3 << 30)
except MemoryError:
    results["memory"] = 1
print(json.dumps(results))
"""


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("outside")
    (folder / "secret").write_text("secret")
    os.setxattr(folder / "secret", "user.k", b"v")
    (folder / "empty").mkdir()
    (folder / "link").symlink_to(folder / "secret")
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.socket(socket.AF_UNIX) as local,
        socket.socket(socket.AF_UNIX) as abstract,
    ):
        local.bind(str(folder / "socket"))
        local.listen()
        with suppress(OSError):  # another process of the tests may listen under this name already
            abstract.bind("\0klapp-test")
            abstract.listen()
        roots = [str(Path(__file__).parents[2] / part) for part in ("agent", "dsl")]
        values = {"ROOTS": roots, "ATTACKS": ATTACKS, "SECRET": str(folder / "secret"), "FOLDER": str(folder)}
        values |= {"HOME": os.path.expanduser("~"), "PARENT": os.getpid(), "PORT": server.getsockname()[1]}
        code = "\n".join(f"{name} = {value!r}" for name, value in values.items()) + CHILD
        done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, env={}, timeout=60)
        assert done.returncode == 0, done.stderr.decode()
        yield json.loads(done.stdout)
    assert (folder / "secret").read_text() == "secret"
    assert sorted(path.name for path in folder.iterdir()) == ["empty", "link", "secret", "socket"]


@needs_all
@pytest.mark.skipif(
    os.uname().machine != "x86_64", reason="the numbers of the attacks' system calls are those of x86-64"
)
@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_is_reached_from_within(tried: dict[str, Any], attack: str) -> None:
    assert tried[attack] in (errno.EPERM, errno.EACCES), f"{attack}: {tried[attack]}"


@needs_all
def test_nothing_is_taken_along(tried: dict[str, Any]) -> None:
    assert tried["handles"][:3] == [0, 1, 2]
    assert len(tried["handles"]) == 4  # the fourth is that of the look itself
    assert set(tried["environment"]) <= {"LC_CTYPE"}
    assert tried["memory"] == 1


# -- the reader -------------------------------------------------------------------------------------------------------


def document(text: str = "") -> bytes:
    import pypdf

    writer = pypdf.PdfWriter()
    writer.add_blank_page(100, 100)
    made = io.BytesIO()
    writer.write(made)
    return made.getvalue()


@pytest.fixture
def reader() -> Iterator[Reader]:
    made = Reader(patience=2.0)
    yield made
    made.close()


def running(reader: Reader) -> subprocess.Popen[bytes]:
    assert isinstance(reader._process, worker._Started)
    return reader._process.process


@needs_all
def test_the_reader_is_confined(reader: Reader) -> None:
    assert reader.text(document()) == ""
    assert reader.confined == {"landlock": landlock.version(), "seccomp": True}


def test_a_process_that_hangs_or_dies_is_replaced(reader: Reader) -> None:
    assert reader.text(document()) == ""
    process = running(reader)
    process.send_signal(signal.SIGSTOP)
    with pytest.raises(Failed, match="takes too long"):
        reader.text(document())
    assert process.poll() is not None
    assert reader.text(document()) == ""
    running(reader).kill()
    running(reader).wait()
    assert reader.text(document()) == ""


def test_an_idle_process_is_let_go_and_comes_back() -> None:
    reader = Reader(idle=0.2)
    assert reader.text(document()) == ""
    process = running(reader)
    assert process.wait(timeout=10) is not None
    end = time.monotonic() + 10
    while reader._process is not None:
        assert time.monotonic() < end
        time.sleep(0.01)
    assert reader.text(document()) == ""
    reader.close()


def test_several_threads_take_turns(reader: Reader) -> None:
    heard: list[str] = []
    threads = [threading.Thread(target=lambda: heard.append(reader.text(document()))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert heard == [""] * 8


@pytest.mark.parametrize(
    "data", [b"", b"%PDF-1.7", b"%PDF-1.4\n" + b"\0" * 100_000, document()[:-40], b"%PDF-" + os.urandom(5000)]
)
def test_broken_documents_are_a_sentence(data: bytes) -> None:
    refused = ""
    try:
        assert isinstance(text_of("pdf", data, "/home/me/a.pdf"), str)
    except EffectError as error:
        refused = error.message
    assert not refused or "a.pdf" in refused
