"""The operations that reach beyond the machine's files: a request to a host, a mail, and a file opened in an app.

What was sent can not be unsent, and after a crash nobody can know whether it arrived. So a request is noted in the log
right before its first byte goes out, and never made a second time; a mail right before its end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import urlsplit

from klapp.files.failures import changed
from klapp.files.protocol import FileError, Files, Identity
from klapp.files.shown import shown
from klapp.operations.operation import Letter, Operation, World, is_version, look
from klr.runtime import show_size
from klr.vocabulary import Permission


class Sending(Operation):
    """What requests and mails have in common."""

    address: str
    token: str

    @property
    def host(self) -> str:
        """The host, with scheme and port."""
        parts = urlsplit(self.address)
        return f"{parts.scheme}://{parts.netloc}"

    def settle(self, world: World) -> bool:
        """Whether it was begun: then it counts as done, whatever became of it."""
        return world.was_sent(self.token)

    def inverse(self, product: Identity | None, files: Files) -> tuple[Operation, ...]:
        """There is none: raises FileError("sent")."""
        raise FileError(f"What was sent to {self.host} can not be taken back. Nothing was changed.", "sent")

    def takes(self) -> dict[str, Identity]:
        return {}


@dataclass(frozen=True)
class SendData(Sending):
    """Send bytes, of a media type, by a method."""

    kind: ClassVar[str] = "send data"
    address: str
    method: str
    type: str
    data: bytes
    secret: str
    token: str

    def apply(self, world: World) -> None:
        world.send(self.method, self.address, self.type, lambda: self.data, self.secret, self.token)

    def places(self) -> dict[Permission, tuple[str, ...]]:
        return {}

    def sentence(self) -> str:
        return f"sent {show_size(len(self.data))} to {shown(self.address)}"


@dataclass(frozen=True)
class SendFile(Sending):
    """Send a file's bytes, or, where ``upload`` is set, the file as the upload of a form."""

    kind: ClassVar[str] = "send file"
    address: str
    method: str
    upload: bool
    path: str
    identity: Identity
    secret: str
    token: str

    def apply(self, world: World) -> None:
        def body() -> bytes:
            data = _bytes_of(world.files, self.path, self.identity)
            return _form(self.path.rpartition("/")[2], data, self.token) if self.upload else data

        kind = f"multipart/form-data; boundary={self.token}" if self.upload else "application/octet-stream"
        world.send(self.method, self.address, kind, body, self.secret, self.token)

    def places(self) -> dict[Permission, tuple[str, ...]]:
        return {"read": (self.path,)}

    def sentence(self) -> str:
        return f"sent {shown(self.path)} to {shown(self.address)}"


def _bytes_of(files: Files, path: str, identity: Identity) -> bytes:
    """What is in a file of just that version. Raises FileError."""
    if not is_version(look(files, path), identity):
        raise changed(path)
    data = files.read(path, identity[3] + 1)
    if len(data) != identity[3]:
        raise changed(path)
    return data


def _form(name: str, data: bytes, boundary: str) -> bytes:
    """A form with one file in it (RFC 7578); the signs that could end the name are written as browsers write them."""
    safe = name.encode("utf-8", "replace").replace(b'"', b"%22").replace(b"\r", b"%0D").replace(b"\n", b"%0A")
    edge = b"--" + boundary.encode("ascii")
    head = b'Content-Disposition: form-data; name="file"; filename="' + safe + b'"\r\n'
    return b"\r\n".join((edge, head + b"Content-Type: application/octet-stream\r\n", data, edge + b"--\r\n"))


@dataclass(frozen=True)
class SendMail(Sending):
    """Send a mail to one address, with the files at some paths, and with what came with a ``mail``: by its key, and the
    ``numbers`` and ``names`` of its attachments."""

    kind: ClassVar[str] = "send mail"
    address: str
    subject: str
    text: str
    paths: tuple[str, ...]
    identities: tuple[Identity, ...]
    mail: str
    numbers: tuple[int, ...]
    names: tuple[str, ...]
    token: str
    account: str = ""

    @property
    def host(self) -> str:
        """To whom it goes."""
        return self.address

    def apply(self, world: World) -> None:
        def attached() -> list[tuple[str, bytes]]:
            pairs = zip(self.paths, self.identities, strict=True)
            files = [(path.rpartition("/")[2], _bytes_of(world.files, path, which)) for path, which in pairs]
            came = zip(self.names, self.numbers, strict=True)
            return [*files, *((name, world.attachment(self.mail, number)) for name, number in came)]

        world.mail(Letter(self.address, self.subject, self.text, attached, self.account), self.token)

    def places(self) -> dict[Permission, tuple[str, ...]]:
        return {"read": self.paths} if self.paths else {}

    def sentence(self) -> str:
        along = f" with {', '.join(map(shown, (*self.paths, *self.names)))}" if self.paths or self.names else ""
        by = f" from “{shown(self.account)}”" if self.account else ""
        return f"sent mail{by} to {shown(self.address)} about “{shown(self.subject)}”{along}"


@dataclass(frozen=True)
class Open(Operation):
    """Open a file in an app ("" for the one that the person uses for such files)."""

    kind: ClassVar[str] = "open"
    settles: ClassVar[bool] = False
    path: str
    identity: Identity
    app: str

    def apply(self, world: World) -> None:
        world.open(self.path, self.app)

    def settle(self, world: World) -> bool:
        """Always False: it leaves no trace."""
        return False

    def inverse(self, product: Identity | None, files: Files) -> tuple[Operation, ...]:
        return ()

    def places(self) -> dict[Permission, tuple[str, ...]]:
        return {"read": (self.path,)}

    def sentence(self) -> str:
        return f"opened {shown(self.path)}" + (f" with {shown(self.app)}" if self.app else "")
