"""A worker as an attacker has it: arbitrary Python in the process that serves a coworker, and everything it tries."""

from __future__ import annotations

import errno
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from klapp.sandbox import landlock, seccomp
from klapp.sandbox.confinement import Confinement
from klapp.sandbox.launch import Process
from tests.security.starting import WAYS, Starter, another, starting

pytestmark = [
    pytest.mark.skipif(
        not sys.platform.startswith("linux") or landlock.version() < 3 or not seccomp.is_known(),
        reason="this system has no Landlock, or seccomp is not known here",
    ),
    pytest.mark.xdist_group("worker"),
]
x86 = pytest.mark.skipif(os.uname().machine != "x86_64", reason="the attacks' system calls are those of x86-64")

BEFORE = """
import ctypes, fcntl, mmap, os, resource, signal, socket, subprocess, sys, threading
PRIVATE, IN, OUT = PERSON + "/Private", PERSON + "/In", PERSON + "/Out"
SECRET = PRIVATE + "/secret"
def beside(path):
    handle = os.open(IN, os.O_PATH)
    try:
        return os.open(path, os.O_RDONLY, dir_fd=handle)
    finally:
        os.close(handle)
def every_family():
    made = []
    for family in range(46):
        for kind in (1, 2, 3, 5):
            try:
                made.append(socket.socket(family, kind))
            except PermissionError:
                pass
    if not made:
        raise PermissionError(1, "none")
class Given(ValueError):
    pass
def given(*values):
    error = Given()
    error.errno = list(values)
    raise error
def is_open(number):
    try:
        os.fstat(number)
    except OSError:
        return False
    return True
def handles(count):
    return [os.open(IN, os.O_PATH) for _ in range(count)]
"""
FILES = {
    "read a file": "open(SECRET).read()",
    "read by descriptor": "os.open(SECRET, os.O_RDONLY)",
    "write a file": "open(PRIVATE + '/new', 'w')",
    "change a file": "open(SECRET, 'r+')",
    "append to a file": "open(SECRET, 'a')",
    "truncate a file": "os.truncate(SECRET, 0)",
    "truncate by opening": "os.open(SECRET, os.O_WRONLY | os.O_TRUNC)",
    "a file without a name": "os.open(PRIVATE, os.O_TMPFILE | os.O_RDWR)",
    "list a folder": "os.listdir(PRIVATE)",
    "list the home": "os.listdir(PERSON)",
    "list the root": "os.listdir('/')",
    "make a folder": "os.mkdir('d', dir_fd=os.open(PRIVATE, os.O_PATH))",
    "remove a folder": "os.unlink('empty', dir_fd=os.open(PRIVATE, os.O_PATH)) or call(263, os.open(PRIVATE, os.O_PATH), b'empty', 0x200)",
    "delete": "os.unlink('secret', dir_fd=os.open(PRIVATE, os.O_PATH))",
    "bring a file in": "os.rename('secret', 'stolen', src_dir_fd=os.open(PRIVATE, os.O_PATH), dst_dir_fd=os.open(OUT, os.O_PATH))",
    "take a file out": "os.rename('a.txt', 'planted', src_dir_fd=os.open(IN, os.O_PATH), dst_dir_fd=os.open(PRIVATE, os.O_PATH))",
    "take a file back": "os.rename('b.txt', 'b.txt', src_dir_fd=os.open(OUT, os.O_PATH), dst_dir_fd=os.open(IN, os.O_PATH))",
    "new in a folder to take from": "open(IN + '/new', 'w')",
    "swap two files": "call(316, os.open(PRIVATE, os.O_PATH), b'secret', os.open(OUT, os.O_PATH), b'b.txt', 2)",
    "link a file in": "os.link('secret', 'hard', src_dir_fd=os.open(PRIVATE, os.O_PATH), dst_dir_fd=os.open(OUT, os.O_PATH))",
    "link a file out": "os.link('b.txt', 'hard', src_dir_fd=os.open(OUT, os.O_PATH), dst_dir_fd=os.open(PRIVATE, os.O_PATH))",
    "a symbolic link": "os.symlink(SECRET, OUT + '/soft')",
    "read through a link": "open(IN + '/link').read()",
    "write through a link": "open(OUT + '/link', 'w')",
    "up from a handle": "beside('../Private/secret')",
    "by its own root": "open('/proc/self/root' + SECRET).read()",
    "by its own working folder": "open('/proc/self/cwd' + SECRET).read()",
    "a pipe in the file system": "os.mkfifo(OUT + '/fifo')",
    "a device": "os.mknod(OUT + '/dev', 0o600 | 0o020000, os.makedev(1, 3))",
    "change rights": "os.chmod(SECRET, 0o777)",
    "change the owner": "os.chown(SECRET, 1, 1)",
    "change times": "os.utime(SECRET, (1, 1))",
    "change attributes": "os.setxattr(SECRET, 'user.x', b'y')",
    "read attributes": "os.getxattr(SECRET, 'user.k')",
    "flags of a file": "fcntl.ioctl(os.open(OUT + '/b.txt', os.O_RDONLY), 0x40086602, bytes(8))",
    "a lease on a file": "fcntl.fcntl(os.open(OUT + '/b.txt', os.O_RDONLY), 1024, 0)",
    "a file by its handle": "call(304, os.open(IN, os.O_PATH), bytes(16), 0)",
    "the handle of a file": "call(303, -100, SECRET.encode(), bytes(64), bytes(8), 0)",
    "go into a folder": "os.chdir(PRIVATE)",
    "another root": "os.chroot(PRIVATE)",
    "a mount": "call(165, b'none', OUT.encode(), b'tmpfs', 0, 0)",
    "a mount the new way": "call(428, -100, b'/', 1)",
    "unmount": "call(166, b'/', 2)",
    "write a library": "open(os.__file__, 'a')",
    "the passwords": "open('/etc/passwd').read()",
    "a temporary file": "open('/tmp/klapp-attack', 'w')",
    "shared memory as a file": "open('/dev/shm/klapp-attack', 'w')",
    "a block device": "open('/dev/vda', 'rb')",
    "a terminal": "open('/dev/tty', 'r+b', buffering=0)",
    "memory as a file": "os.memfd_create('x')",
    "watch a folder": "call(253)",
    "watch a file system": "call(300, 0, 0)",
}  # fmt: skip
AGENT = {
    "the log": "open(STATE + '/klapp.db', 'rb')",
    "the kept copies": "os.listdir(STATE + '/kept')",
    "the keys": "open(STATE + '/vault.json', 'rb')",
    "its coworkers": "os.listdir(STATE + '/coworkers')",
    "a coworker of its own": "open(STATE + '/coworkers/mine.klr', 'w')",
    "its environment": "open(f'/proc/{AGENT}/environ').read()",
    "its memory": "open(f'/proc/{AGENT}/mem', 'rb')",
    "its handles": "os.listdir(f'/proc/{AGENT}/fd')",
    "a handle of it": "open(f'/proc/{AGENT}/fd/0', 'rb')",
    "the zygote's memory": "open(f'/proc/{ZYGOTE}/mem', 'rb')",
    "its own memory": "open('/proc/self/mem', 'r+b')",
    "the control socket": "socket.socket(socket.AF_UNIX).connect(STATE + '/agent.sock')",
    "the control socket by a file": "os.open(STATE + '/agent.sock', os.O_RDWR)",
    "an abstract socket": "socket.socket(socket.AF_UNIX).connect(chr(0) + 'klapp-test-worker')",
    "the session bus": "socket.socket(socket.AF_UNIX).connect('/run/dbus/system_bus_socket')",
    "kill it": "os.kill(AGENT, 9)",
    "kill the zygote": "os.kill(ZYGOTE, 9)",
    "kill all": "os.killpg(0, 9)",
    "signal by another way": "call(297, AGENT, 9, bytes(128))",
    "a handle to signal": "os.pidfd_open(AGENT)",
    "a handle of its handle": "call(438, 3, 0, 0)",
    "trace it": "call(101, 16, AGENT, 0, 0)",
    "read it": "call(310, AGENT, 0, 0, 0, 0, 0)",
    "write it": "call(311, AGENT, 0, 0, 0, 0, 0)",
    "its signals by a handle": "fcntl.fcntl(3, fcntl.F_SETOWN, AGENT)",
    "its limits": "resource.prlimit(AGENT, resource.RLIMIT_CPU)",
}
PROCESSES = {
    "fork": "os.fork()",
    "a program": "subprocess.run(['/bin/true'])",
    "replace itself": "os.execv('/bin/true', ['true'])",
    "a program by a handle": "call(322, os.open('/bin/true', os.O_PATH), b'', 0, 0, 0x1000)",
    "a thread": "threading.Thread(target=print).start()",
    "the newest way to fork": "call(435, bytes(88), 88)",
    "another user": "os.setuid(1)",
    "other priorities": "os.nice(-1)",
    "another session": "os.setsid()",
    "own namespace": "call(272, 0x10000000)",
    "another namespace": "call(308, 3, 0)",
    "more memory again": "call(302, 0, 9, bytes(16), 0)",
    "a lock off": "call(157, 4, 1, 0, 0, 0)",
    "outlive the agent": "call(157, 1, 0, 0, 0, 0)",
    "capabilities": "call(126, bytes(8), bytes(24))",
    "another filter": "call(317, 1, 0, 0)",
    "another sandbox": "call(444, 0, 0, 1)",
}
NETWORK = {
    "TCP": "socket.create_connection(('127.0.0.1', PORT), 1)",
    "UDP": "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', PORT))",
    "every family of sockets": "every_family()",
    "a pair of sockets": "socket.socketpair()",
    "listening": "socket.socket().bind(('127.0.0.1', 0))",
    "a handle over the channel": "socket.send_fds(socket.socket(fileno=CHANNEL), [b'x'], [0])",
}
KERNEL = {
    "keys": "call(250, 0, -3, 0, 0, 0)",
    "a key": "call(248, b'user', b'x', b'y', 1, -3)",
    "ask for a key": "call(249, b'user', b'x', 0, -3)",
    "filters of the kernel": "call(321, 0, 0, 0)",
    "counters": "call(298, 0, 0, -1, -1, 0)",
    "rings": "call(425, 8, 0)",
    "faults": "call(323, 0)",
    "shared memory": "call(29, 1, 4096, 0o1600)",
    "message queues": "call(240, b'klapp', 0o102, 0o600, 0)",
    "modules": "call(175, 0, 0, 0)",
    "another kernel": "call(246, 0, 0, 0, 0)",
    "the clock": "call(227, 0, bytes(16))",
    "the name of the machine": "call(170, b'x', 1)",
    "restart": "call(169, 0, 0, 0, 0)",
    "the kernel's log": "call(103, 3, bytes(64), 64)",
    "swap": "call(168, b'/dev/vda')",
    "ports": "call(173, 0, 1, 1)",
    "another personality": "call(135, 0x0040000)",
    "a call by another door": "call(0x40000000 + 39)",
}
NO_THREAD = "RuntimeError"
ATTACKS = {**FILES, **AGENT, **PROCESSES, **NETWORK, **KERNEL}
SURVIVED = {
    "a memory bomb": ("bytearray(6 << 30)", "MemoryError"),
    "a bomb of mapped memory": ("mmap.mmap(-1, 6 << 30)", errno.ENOMEM),
    "a bomb of handles": ("handles(400)", errno.EMFILE),
}
ALLOWED = {
    "read what may be read": "open(IN + '/a.txt').read()",
    "list what may be read": "os.listdir(IN)",
    "write what may be written": "open(OUT + '/made.txt', 'w').close()",
    "move as may be moved": "os.rename('c.txt', 'c.txt', src_dir_fd=os.open(IN, os.O_PATH), dst_dir_fd=os.open(OUT, os.O_PATH))",
    "see whether a path exists": "os.stat(SECRET)",  # neither Landlock nor seccomp can tell one path from another here
}
LOOKS = {
    "handles": "given(*[number for number in range(256) if is_open(number)])",
    "environment": "given(*os.environ)",
    "main": "given(*[name for name in vars(sys.modules['__main__']) if not name.startswith('__')])",
    "loaded": "given(*[name for name in ('sqlcipher3', 'keyring', 'jeepney', 'klapp.agent', 'klapp.vault.keys', 'klapp.rpc') if name in sys.modules])",
}
GRANTS = [("read", "~/In/*"), ("remove", "~/In/*"), ("write", "~/Out/**")]


starter = starting("tests.security.planted", WAYS)


def begun(starter: Starter, tmp_path: Path, person: str, grants: list[tuple[str, str]]) -> Process:
    """A worker for these grants that does what it is sent."""
    lock = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT)
    process = starter.launch(lock)
    os.close(lock)
    confinement = Confinement.of(grants, person)
    begin = {"places": confinement.places(), "files": "change" if confinement.changes else "read", "home": person}
    begin |= {"trash": f"{person}/Trash", "every_disk": False, "coworker": "planted", "text": None, "grants": grants}
    process.channel.send(begin)
    assert process.channel.receive(60) == {"landlock": landlock.version(), "seccomp": True}
    return process


def tree(person: Path) -> None:
    for folder in ("Private/empty", "In", "Out"):
        (person / folder).mkdir(parents=True)
    for path in ("Private/secret", "In/a.txt", "In/c.txt", "Out/b.txt"):
        (person / path).write_text("content")
    os.setxattr(person / "Private/secret", "user.k", b"v")
    for folder in ("In", "Out"):
        (person / folder / "link").symlink_to(person / "Private/secret")


@pytest.fixture(scope="module")
def tried(starter: Starter, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    base = tmp_path_factory.mktemp("house")
    person, state = base / "person", base / "state"
    tree(person)
    for name in ("kept", "coworkers"):
        (state / name).mkdir(parents=True)
    for name in ("klapp.db", "vault.json"):
        (state / name).write_text("state")
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.socket(socket.AF_UNIX) as local,
        socket.socket(socket.AF_UNIX) as abstract,
    ):
        local.bind(str(state / "agent.sock"))
        local.listen()
        with suppress(OSError):  # another process of the tests may listen under this name already
            abstract.bind("\0klapp-test-worker")
            abstract.listen()
        process = begun(starter, base, str(person), GRANTS)
        values = {"PERSON": str(person), "STATE": str(state), "AGENT": os.getpid(), "PORT": server.getsockname()[1]}
        values |= {"CHANNEL": 4, "ZYGOTE": another(starter)}
        bombs = {name: attack for name, (attack, _) in SURVIVED.items()}
        message = {"do": "python", "before": BEFORE, "values": values}
        process.channel.send(message | {"attacks": {**LOOKS, **ATTACKS, **ALLOWED, **bombs}})
        yield process.channel.receive(120)
        process.end()
    assert (person / "Private/secret").read_text() == "content"
    assert sorted(path.name for path in (person / "Private").iterdir()) == ["empty", "secret"]
    assert sorted(path.name for path in (person / "Out").iterdir()) == ["b.txt", "c.txt", "link", "made.txt"]
    assert (person / "Private/secret").stat().st_mode & 0o777 != 0o777


@x86
@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_is_reached_from_within(tried: dict[str, Any], attack: str) -> None:
    # EXDEV: Landlock's answer to a move or link that would open a file wider than it was.
    assert tried[attack] in (errno.EPERM, errno.EACCES, errno.EXDEV, NO_THREAD), f"{attack}: {tried[attack]}"


@pytest.mark.parametrize("bomb", SURVIVED)
def test_bombs_hit_their_limits(tried: dict[str, Any], bomb: str) -> None:
    assert tried[bomb] == SURVIVED[bomb][1]


def test_nothing_is_taken_along(tried: dict[str, Any]) -> None:
    """Three handles to nothing, the channel, and the empty file that it locks; no variable, and no code that holds keys."""
    assert len(tried["handles"]) == 5
    assert tried["handles"][:3] == [0, 1, 2]
    assert tried["environment"] == 0 or tried["environment"] == "Given"
    assert set(tried["main"]) <= {"sys", "main"}
    assert tried["loaded"] == "Given"


@pytest.mark.parametrize("wish", ALLOWED)
def test_what_the_grants_allow_works(tried: dict[str, Any], wish: str) -> None:
    assert tried[wish] == 0


def test_who_may_only_read_can_change_nothing_at_all(starter: Starter, tmp_path: Path) -> None:
    tree(tmp_path / "person")
    process = begun(starter, tmp_path, str(tmp_path / "person"), [("read", "~/In/**")])
    attacks = {
        "read": "open(IN + '/a.txt').read()",
        "write": "open(IN + '/a.txt', 'a')",
        "rights": "os.fchmod(os.open(IN + '/a.txt', os.O_RDONLY), 0o777)",
        "times": "os.utime(os.open(IN + '/a.txt', os.O_RDONLY), (1, 1))",
        "attributes": "os.setxattr(os.open(IN + '/a.txt', os.O_RDONLY), 'user.x', b'y')",
        "rename": "os.rename('a.txt', 'b', src_dir_fd=os.open(IN, os.O_PATH), dst_dir_fd=os.open(IN, os.O_PATH))",
        "a single file's neighbour": "open(OUT + '/b.txt').read()",
    }
    process.channel.send(
        {"do": "python", "before": BEFORE, "values": {"PERSON": str(tmp_path / "person")}, "attacks": attacks}
    )
    met = process.channel.receive(60)
    process.end()
    assert met.pop("read") == 0
    assert set(met.values()) <= {errno.EPERM, errno.EACCES}


def test_one_path_opens_one_file_to_be_read_and_none_to_be_written(starter: Starter, tmp_path: Path) -> None:
    tree(tmp_path / "person")
    grants = [("read", "~/In/a.txt"), ("write", "~/Out/b.txt"), ("remove", "~/Out/b.txt")]
    process = begun(starter, tmp_path, str(tmp_path / "person"), grants)
    attacks = {
        "read": "open(IN + '/a.txt').read()",
        "another": "open(IN + '/c.txt').read()",
        "list": "os.listdir(IN)",
        "write": "open(OUT + '/b.txt', 'a')",
        "new": "open(OUT + '/new', 'w')",
    }
    process.channel.send(
        {"do": "python", "before": BEFORE, "values": {"PERSON": str(tmp_path / "person")}, "attacks": attacks}
    )
    met = process.channel.receive(60)
    process.end()
    assert met.pop("read") == 0
    assert set(met.values()) <= {errno.EPERM, errno.EACCES}
