"""Seccomp: from now on this process can ask the kernel for a short list of harmless things, and for nothing else.

See seccomp(2). The filter is a program for the kernel's packet filter (McCanne and Jacobson, 1993): it loads the
machine's architecture and the number of the system call, and compares. What is not on the list fails with EPERM.

There are three lists, each of them the one before and more: to compute, to read files, to change files. Some calls are
allowed with certain arguments only.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys

_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_X32 = 0x40000000

# What a Python that computes needs of the kernel, by architecture (name of the machine: audit number, system calls).
_CALLS = {
    "x86_64": (
        0xC000003E,
        {
            "read": 0, "write": 1, "close": 3, "stat": 4, "fstat": 5, "lstat": 6, "poll": 7, "lseek": 8, "mmap": 9,
            "mprotect": 10, "munmap": 11, "brk": 12, "rt_sigaction": 13, "rt_sigprocmask": 14, "rt_sigreturn": 15,
            "ioctl": 16, "pread64": 17, "readv": 19, "writev": 20, "access": 21, "sched_yield": 24, "mremap": 25,
            "madvise": 28, "dup": 32, "nanosleep": 35, "getpid": 39, "exit": 60, "uname": 63, "fcntl": 72,
            "getcwd": 79, "readlink": 89, "gettimeofday": 96, "getrlimit": 97, "getrusage": 98, "times": 100,
            "getuid": 102, "getgid": 104, "geteuid": 107, "getegid": 108, "sigaltstack": 131, "gettid": 186,
            "time": 201, "futex": 202, "getdents64": 217, "restart_syscall": 219, "clock_gettime": 228,
            "clock_getres": 229, "clock_nanosleep": 230, "exit_group": 231, "openat": 257, "newfstatat": 262,
            "readlinkat": 267, "faccessat": 269, "set_robust_list": 273, "getrandom": 318, "statx": 332, "rseq": 334,
            "faccessat2": 439,
        },
    ),
    "aarch64": (
        0xC00000B7,
        {
            "getcwd": 17, "dup": 23, "fcntl": 25, "ioctl": 29, "faccessat": 48, "openat": 56, "close": 57,
            "getdents64": 61, "lseek": 62, "read": 63, "write": 64, "readv": 65, "writev": 66, "pread64": 67,
            "ppoll": 73, "readlinkat": 78, "newfstatat": 79, "fstat": 80, "exit": 93, "exit_group": 94, "futex": 98,
            "set_robust_list": 99, "nanosleep": 101, "clock_gettime": 113, "clock_getres": 114, "clock_nanosleep": 115,
            "restart_syscall": 128, "sched_yield": 124, "sigaltstack": 132, "rt_sigaction": 134,
            "rt_sigprocmask": 135, "rt_sigreturn": 139, "times": 153, "uname": 160, "getrlimit": 163, "getrusage": 165,
            "gettimeofday": 169, "getpid": 172, "getuid": 174, "geteuid": 175, "getgid": 176, "getegid": 177,
            "gettid": 178, "brk": 214, "munmap": 215, "mremap": 216, "mmap": 222, "mprotect": 226, "madvise": 233,
            "getrandom": 278, "statx": 291, "rseq": 293, "faccessat2": 439,
        },
    ),
}  # fmt: skip

# What else the processes need that read a person's files: whole ways below a folder are resolved by the kernel.
_READING = {"x86_64": {"openat2": 437, "flock": 73}, "aarch64": {"openat2": 437, "flock": 32}}
# And those that change them. Names are relative to an open folder, so no call that takes a bare path is there.
_CHANGING = {
    "x86_64": {
        "pwrite64": 18, "fsync": 74, "fdatasync": 75, "ftruncate": 77, "fchmod": 91, "fchown": 93, "fsetxattr": 190,
        "fgetxattr": 193, "flistxattr": 196, "mkdirat": 258, "unlinkat": 263, "renameat": 264, "linkat": 265,
        "utimensat": 280, "renameat2": 316, "copy_file_range": 326,
    },
    "aarch64": {
        "fsetxattr": 7, "fgetxattr": 10, "flistxattr": 13, "mkdirat": 34, "unlinkat": 35, "linkat": 37,
        "renameat": 38, "ftruncate": 46, "fchmod": 52, "fchown": 55, "pwrite64": 68, "fsync": 82, "fdatasync": 83,
        "utimensat": 88, "renameat2": 276, "copy_file_range": 285,
    },
}  # fmt: skip
# Calls that do many things by one of their arguments: its position, and the values that are harmless. ``fcntl``: copying
# a handle and its flags, but no leases, signals or owners; ``ioctl``: whether a handle is a terminal; ``utimensat``: of
# an open file, never of a path.
_ONLY = {"fcntl": (1, (0, 1, 2, 3, 1030)), "ioctl": (1, (0x5401,)), "utimensat": (1, (0,))}


def is_known() -> bool:
    """Whether there is a list for this machine."""
    return sys.platform.startswith("linux") and platform.machine() in _CALLS


def restrict(*, files: str = "") -> bool:
    """Close the process in, for good; False where there is no list for this machine. Raises OSError where it failed.

    ``files`` is what it has to do with a person's files: "" for nothing, "read" or "change". The process must have
    given up new privileges before (``landlock.restrict`` does so, or ``prctl``).
    """
    if not is_known():
        return False
    machine = platform.machine()
    architecture, calls = _CALLS[machine]
    if files:
        calls = calls | _READING[machine]
    if files == "change":
        calls = calls | _CHANGING[machine]
    program = _program(architecture, calls)
    libc = ctypes.CDLL(None, use_errno=True)
    memory = ctypes.create_string_buffer(program)
    header = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(memory))
    libc.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
    if libc.prctl(22, 2, header, 0, 0) != 0:  # PR_SET_SECCOMP, SECCOMP_MODE_FILTER
        number = ctypes.get_errno()
        raise OSError(number, f"the sandbox can not be set up: {os.strerror(number)}")
    return True


def _program(architecture: int, calls: dict[str, int]) -> bytes:
    plain = sorted(number for name, number in calls.items() if name not in _ONLY)
    code = [
        (_LOAD, 0, 0, 4),  # the architecture
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, 0),  # the number of the call
    ]
    for name, (position, values) in _ONLY.items():
        if name in calls:
            code.extend(_with_argument(calls[name], position, values))
    code.append((_AT_LEAST, len(plain), 0, _X32))  # another way to the same calls, on x86
    for index, number in enumerate(plain):
        code.append((_EQUAL, len(plain) - index, 0, number))
    code.append((_RETURN, 0, 0, _ERRNO | errno.EPERM))
    code.append((_RETURN, 0, 0, _ALLOW))
    return b"".join(struct.pack("HBBI", *line) for line in code)


def _with_argument(number: int, position: int, values: tuple[int, ...]) -> list[tuple[int, int, int, int]]:
    """Decides one call by an argument, all 64 bits of it; for any other call it goes on behind the block."""
    low, high = 16 + 8 * position, 20 + 8 * position  # both machines are little-endian
    checks = [(_EQUAL, len(values) - index, 0, value) for index, value in enumerate(values)]
    return [
        (_EQUAL, 0, len(values) + 5, number),
        (_LOAD, 0, 0, high),
        (_EQUAL, 0, len(values) + 1, 0),
        (_LOAD, 0, 0, low),
        *checks,
        (_RETURN, 0, 0, _ERRNO | errno.EPERM),
        (_RETURN, 0, 0, _ALLOW),
    ]
