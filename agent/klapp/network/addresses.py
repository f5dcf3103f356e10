"""Which numeric addresses may be connected to, and how the names of hosts become such addresses.

Only addresses of the open internet are reached by name: a name that leads to this machine or to the local network is
refused whole (DNS rebinding, RFC 6761 and 6890 ranges). Who means a machine of the local network grants its address.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Callable

Resolver = Callable[[str, int], list[str]]
"""The numeric addresses of a host and port, in the order in which to try them. Raises OSError."""
_Ip = ipaddress.IPv4Address | ipaddress.IPv6Address
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")  # NAT64 (RFC 6052): the last four bytes are an IPv4 address
LOCAL_NAMES = ("localhost",)


def system_resolver(host: str, port: int) -> list[str]:
    """What the system's resolver says."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found))


def is_public(text: str) -> bool:
    """Whether a numeric address is one of the open internet, also where it wraps another one."""
    address: _Ip = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv6Address):
        inner = _wrapped(address)
        if inner is not None:
            return is_public(str(inner))
        if address.is_site_local:
            return False
    return address.is_global and not (
        address.is_multicast
        or address.is_reserved
        or address.is_unspecified
        or address.is_loopback
        or address.is_link_local
    )


def _wrapped(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address to which an IPv6 address really leads, or None."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    value = int(address)
    if address in _TRANSLATED or 0 < value < 1 << 32:  # the latter: "IPv4-compatible", long deprecated
        return ipaddress.IPv4Address(value & 0xFFFFFFFF)
    return None


def addresses_of(host: str, port: int, resolver: Resolver, seconds: float) -> list[str]:
    """The addresses at which a granted host may be reached. Raises ValueError with a sentence, and OSError.

    ``host`` is a name, or a numeric address (in brackets for IPv6), which then was granted literally.
    """
    literal = host.strip("[]")
    try:
        return [str(ipaddress.ip_address(literal))]
    except ValueError:
        pass
    if literal.rpartition(".")[2].isdigit() or literal.startswith("0x"):
        # "127.1" or "0x7f000001": forms of an address that only some resolvers read as one.
        raise ValueError(f"{host} is neither the name of a host nor an address that can be read.")
    found = _in_time(lambda: resolver(literal, port), seconds)
    if not found:
        raise OSError(f"there is no address for {host}")
    if literal in LOCAL_NAMES or literal.endswith(".localhost"):
        bad = [one for one in found if not ipaddress.ip_address(one).is_loopback]
        where = "to another machine than this one"
    else:
        bad = [one for one in found if not is_public(one)]
        where = "to this machine or its local network"
    if bad:
        raise ValueError(f"The name {host} leads {where} ({bad[0]}). To mean that, grant the address itself.")
    return found


def _in_time(work: Callable[[], list[str]], seconds: float) -> list[str]:
    """What ``work`` gives; a resolver that hangs holds up nobody for longer than ``seconds``. Raises TimeoutError."""
    outcome: list[list[str] | BaseException] = []

    def run() -> None:
        try:
            outcome.append(work())
        except BaseException as error:
            outcome.append(error)

    thread = threading.Thread(target=run, name="klapp-resolver", daemon=True)
    thread.start()
    thread.join(seconds)
    if not outcome:
        raise TimeoutError("the name could not be looked up in time")
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    return outcome[0]
