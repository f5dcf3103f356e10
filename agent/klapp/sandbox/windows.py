"""What klapp asks of Windows for its sandbox: the functions, their structures and the constants, and nothing decided.

The types have the widths that Microsoft documents for 64-bit Windows, whatever machine this is read on, so that tests
elsewhere see the same bytes. Names are Windows's own. It has never been run on Windows.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from ctypes import POINTER, Structure, c_int32, c_int64, c_size_t, c_uint16, c_uint32, c_uint64, c_void_p
from typing import Any

BOOL, DWORD, HRESULT, HANDLE, SIZE = c_int32, c_uint32, c_int32, c_void_p, c_size_t


class SID_AND_ATTRIBUTES(Structure):
    _fields_ = (("Sid", c_void_p), ("Attributes", DWORD))


class SECURITY_CAPABILITIES(Structure):
    _fields_ = (
        ("AppContainerSid", c_void_p),
        ("Capabilities", c_void_p),
        ("CapabilityCount", DWORD),
        ("Reserved", DWORD),
    )


class STARTUPINFO(Structure):
    _fields_ = (
        ("cb", DWORD),
        ("lpReserved", c_void_p),
        ("lpDesktop", c_void_p),
        ("lpTitle", c_void_p),
        ("dwX", DWORD),
        ("dwY", DWORD),
        ("dwXSize", DWORD),
        ("dwYSize", DWORD),
        ("dwXCountChars", DWORD),
        ("dwYCountChars", DWORD),
        ("dwFillAttribute", DWORD),
        ("dwFlags", DWORD),
        ("wShowWindow", c_uint16),
        ("cbReserved2", c_uint16),
        ("lpReserved2", c_void_p),
        ("hStdInput", HANDLE),
        ("hStdOutput", HANDLE),
        ("hStdError", HANDLE),
    )


class STARTUPINFOEX(Structure):
    _fields_ = (("StartupInfo", STARTUPINFO), ("lpAttributeList", c_void_p))


class PROCESS_INFORMATION(Structure):
    _fields_ = (("hProcess", HANDLE), ("hThread", HANDLE), ("dwProcessId", DWORD), ("dwThreadId", DWORD))


class JOBOBJECT_BASIC_LIMIT_INFORMATION(Structure):
    _fields_ = (
        ("PerProcessUserTimeLimit", c_int64),
        ("PerJobUserTimeLimit", c_int64),
        ("LimitFlags", DWORD),
        ("MinimumWorkingSetSize", SIZE),
        ("MaximumWorkingSetSize", SIZE),
        ("ActiveProcessLimit", DWORD),
        ("Affinity", SIZE),
        ("PriorityClass", DWORD),
        ("SchedulingClass", DWORD),
    )


class JOBOBJECT_EXTENDED_LIMIT_INFORMATION(Structure):
    _fields_ = (
        ("BasicLimitInformation", JOBOBJECT_BASIC_LIMIT_INFORMATION),
        ("IoInfo", c_uint64 * 6),
        ("ProcessMemoryLimit", SIZE),
        ("JobMemoryLimit", SIZE),
        ("PeakProcessMemoryUsed", SIZE),
        ("PeakJobMemoryUsed", SIZE),
    )


TOKEN_ASSIGN_PRIMARY, TOKEN_DUPLICATE, TOKEN_QUERY, TOKEN_ADJUST_DEFAULT = 0x1, 0x2, 0x8, 0x80
DISABLE_MAX_PRIVILEGE = 0x1
WinBuiltinAdministratorsSid, WinLowLabelSid = 26, 66
SECURITY_MAX_SID_SIZE = 68
SE_GROUP_INTEGRITY = 0x20
TokenIntegrityLevel, TokenIsAppContainer = 25, 29

JobObjectBasicUIRestrictions, JobObjectExtendedLimitInformation = 4, 9
JOB_OBJECT_LIMIT_PROCESS_TIME, JOB_OBJECT_LIMIT_ACTIVE_PROCESS, JOB_OBJECT_LIMIT_PROCESS_MEMORY = 0x2, 0x8, 0x100
JOB_OBJECT_LIMIT_DIE_ON_UNHANDLED_EXCEPTION, JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE = 0x400, 0x2000
JOB_OBJECT_UILIMIT_ALL = 0xFF
"""Handles of others, both ways of the clipboard, system parameters, display settings, global atoms, desktops, leaving."""

PROC_THREAD_ATTRIBUTE_HANDLE_LIST = 0x20002
PROC_THREAD_ATTRIBUTE_MITIGATION_POLICY = 0x20007
PROC_THREAD_ATTRIBUTE_SECURITY_CAPABILITIES = 0x20009
PROC_THREAD_ATTRIBUTE_CHILD_PROCESS_POLICY = 0x2000E
PROCESS_CREATION_CHILD_PROCESS_RESTRICTED = 0x1
MITIGATIONS = {
    "DEP_ENABLE": 0x1,
    "FORCE_RELOCATE_IMAGES_ALWAYS_ON": 1 << 8,
    "HEAP_TERMINATE_ALWAYS_ON": 1 << 12,
    "BOTTOM_UP_ASLR_ALWAYS_ON": 1 << 16,
    "HIGH_ENTROPY_ASLR_ALWAYS_ON": 1 << 20,
    "STRICT_HANDLE_CHECKS_ALWAYS_ON": 1 << 24,
    "EXTENSION_POINT_DISABLE_ALWAYS_ON": 1 << 32,
    "FONT_DISABLE_ALWAYS_ON": 1 << 48,
    "IMAGE_LOAD_NO_REMOTE_ALWAYS_ON": 1 << 52,
    "IMAGE_LOAD_NO_LOW_LABEL_ALWAYS_ON": 1 << 56,
    "IMAGE_LOAD_PREFER_SYSTEM32_ALWAYS_ON": 1 << 60,
}
"""PROCESS_CREATION_MITIGATION_POLICY_*. Not among them: to forbid code that is made while it runs, and all calls about
windows. Python's ctypes, which parts of klapp load, needs the one for its callbacks and the other for what it links to."""

CREATE_SUSPENDED, CREATE_UNICODE_ENVIRONMENT = 0x4, 0x400
EXTENDED_STARTUPINFO_PRESENT, CREATE_NO_WINDOW = 0x80000, 0x8000000
STARTF_USESTDHANDLES = 0x100
HANDLE_FLAG_INHERIT = 0x1
WAIT_TIMEOUT = 258
ALREADY_EXISTS = -0x7FF8FF49
"""HRESULT_FROM_WIN32(ERROR_ALREADY_EXISTS), 0x800700B7."""

PROTOTYPES: dict[str, dict[str, tuple[Any, tuple[Any, ...]]]] = {
    "kernel32": {
        "GetCurrentProcess": (HANDLE, ()),
        "CloseHandle": (BOOL, (HANDLE,)),
        "SetHandleInformation": (BOOL, (HANDLE, DWORD, DWORD)),
        "CreateJobObjectW": (HANDLE, (c_void_p, c_void_p)),
        "SetInformationJobObject": (BOOL, (HANDLE, c_int32, c_void_p, DWORD)),
        "AssignProcessToJobObject": (BOOL, (HANDLE, HANDLE)),
        "TerminateJobObject": (BOOL, (HANDLE, DWORD)),
        "TerminateProcess": (BOOL, (HANDLE, DWORD)),
        "ResumeThread": (DWORD, (HANDLE,)),
        "WaitForSingleObject": (DWORD, (HANDLE, DWORD)),
        "InitializeProcThreadAttributeList": (BOOL, (c_void_p, DWORD, DWORD, POINTER(SIZE))),
        "UpdateProcThreadAttribute": (BOOL, (c_void_p, DWORD, SIZE, c_void_p, SIZE, c_void_p, c_void_p)),
        "DeleteProcThreadAttributeList": (None, (c_void_p,)),
    },
    "advapi32": {
        "OpenProcessToken": (BOOL, (HANDLE, DWORD, POINTER(HANDLE))),
        "CreateRestrictedToken": (
            BOOL,
            (HANDLE, DWORD, DWORD, c_void_p, DWORD, c_void_p, DWORD, c_void_p, POINTER(HANDLE)),
        ),
        "CreateWellKnownSid": (BOOL, (c_int32, c_void_p, c_void_p, POINTER(DWORD))),
        "SetTokenInformation": (BOOL, (HANDLE, c_int32, c_void_p, DWORD)),
        "GetTokenInformation": (BOOL, (HANDLE, c_int32, c_void_p, DWORD, POINTER(DWORD))),
        "FreeSid": (c_void_p, (c_void_p,)),
        "CreateProcessAsUserW": (
            BOOL,
            (
                HANDLE,
                c_void_p,
                c_void_p,
                c_void_p,
                c_void_p,
                BOOL,
                DWORD,
                c_void_p,
                c_void_p,
                c_void_p,
                POINTER(PROCESS_INFORMATION),
            ),
        ),
    },
    "userenv": {
        "CreateAppContainerProfile": (
            HRESULT,
            (c_void_p, c_void_p, c_void_p, c_void_p, DWORD, POINTER(c_void_p)),
        ),
        "DeleteAppContainerProfile": (HRESULT, (c_void_p,)),
    },
}
"""For each library its functions: what they give back, and what they take."""


class Refused(Exception):
    """Windows did not do what it was asked; the message completes "the worker ...": "can not be started (...)"."""


class Windows:
    """The functions, checked: each raises Refused where Windows says no. ``library`` opens one by its name."""

    def __init__(self, library: Callable[[str], Any] | None = None) -> None:
        open_library = library or _library
        self._functions = {}
        for name, prototypes in PROTOTYPES.items():
            opened = open_library(name)
            for function, (restype, argtypes) in prototypes.items():
                found = getattr(opened, function)
                found.restype, found.argtypes = restype, argtypes
                self._functions[function] = found

    def ask(self, name: str, *arguments: Any) -> Any:
        """Call a function; what it gives back, as it is."""
        return self._functions[name](*arguments)

    def must(self, name: str, *arguments: Any) -> Any:
        """Call a function that answers 0 (of no handle: None) where it failed."""
        answer = self.ask(name, *arguments)
        if not answer:
            raise Refused(f"can not be started ({name}: {last_error()})")
        return answer


def last_error() -> int:
    """The number of this thread's last error; 0 where there are none."""
    found: Callable[[], int] | None = getattr(ctypes, "get_last_error", None)
    return found() if found else 0


def wide(text: str) -> ctypes.Array[ctypes.c_char]:
    """A text as Windows takes it: UTF-16, with a zero at the end. Raises ValueError where it holds one itself."""
    if "\0" in text:
        raise ValueError("a text for Windows holds no zero")
    return ctypes.create_string_buffer(text.encode("utf-16-le", "surrogatepass") + b"\0")


def _library(name: str) -> Any:
    return ctypes.WinDLL(name, use_last_error=True)  # type: ignore[attr-defined,unused-ignore]
