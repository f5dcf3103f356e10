"""Real HTTP and HTTPS servers on loopback, honest and hostile ones, for tests of what leaves the machine."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Host:
    """A server: ``heard`` are the requests as they came, ``origin`` is how it is granted."""

    port: int
    scheme: str
    name: str = "127.0.0.1"
    heard: list[bytes] = field(default_factory=list)

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{self.name}:{self.port}"


Reply = Callable[[bytes, socket.socket], None]


def ok(body: bytes = b"fine", head: bytes = b"") -> Reply:
    """An answer of success."""

    def reply(request: bytes, connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n%bContent-Length: %d\r\n\r\n%b" % (head, len(body), body))

    return reply


def raw(data: bytes) -> Reply:
    """An answer, byte by byte as it is given."""
    return lambda request, connection: connection.sendall(data)


@contextmanager
def host(reply: Reply, context: ssl.SSLContext | None = None, name: str = "127.0.0.1") -> Iterator[Host]:
    """A server that answers everything alike."""
    listener = socket.create_server(("127.0.0.1", 0))
    served = Host(listener.getsockname()[1], "https" if context else "http", name)

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=one, args=(connection,), daemon=True).start()

    def one(connection: socket.socket) -> None:
        try:
            with context.wrap_socket(connection, server_side=True) if context else connection as wire:
                wire.settimeout(10)
                request = read(wire)
                served.heard.append(request)
                reply(request, wire)
        except (OSError, ValueError):
            pass

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield served
    finally:
        listener.close()


def read(wire: socket.socket) -> bytes:
    """One whole request."""
    data = b""
    while b"\r\n\r\n" not in data:
        if not (more := wire.recv(65536)):
            raise ValueError("no request")
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")), 0
    )
    while len(body) < length:
        if not (more := wire.recv(65536)):
            raise ValueError("half a request")
        body += more
    return head + b"\r\n\r\n" + body


def certificates(folder: Path, name: str = "127.0.0.1") -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """(the context of a server of that name, that of a client which trusts its authority)."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "klapp test")])
    try:
        alternative: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        alternative = x509.DNSName(name)
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.load_verify_locations(path)
    return server, client
