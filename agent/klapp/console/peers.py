"""Whose program is at the other end of a connection over loopback, where the system tells."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

_TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
_ESTABLISHED = "01"


def is_another_persons(client_port: int, server_port: int) -> bool:
    """Whether the client of a connection to this machine's own address is known not to be this person's.

    Linux tells the owner of every socket (proc(5), ``/proc/net/tcp``); elsewhere nobody is known to be another, and the
    link alone keeps them out.
    """
    if not sys.platform.startswith("linux"):
        return False
    ends = (f":{client_port:04X}", f":{server_port:04X}")
    for table in _TABLES:
        with suppress(OSError), open(table, encoding="ascii") as lines:
            next(lines)
            for line in lines:
                fields = line.split()
                if fields[1].endswith(ends[0]) and fields[2].endswith(ends[1]) and fields[3] == _ESTABLISHED:
                    return int(fields[7]) != os.geteuid()
    return True
