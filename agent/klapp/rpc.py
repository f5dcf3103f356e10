"""How the command line reaches the running agent: JSON over a socket that only its owner can open.

One connection carries one request. The agent speaks first, with the version of this protocol; the client sends a method
and its arguments; the agent answers with a value, with items one by one, or with a sentence that says what is wrong.
The frames are those of ``multiprocessing.connection``; what is in them is JSON and never pickle, so whoever gets to the
socket can ask, and can not make either side run code.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from typing import TYPE_CHECKING, Any

from klapp.audit.events import acting
from klapp.vault.database import told

PROTOCOL = 1
"""Raised whenever an agent and a command line of different versions would misunderstand each other."""
SOCKET = "agent.sock"
CONNECTIONS = 16
"""So many clients are served at a time; one more is told to come back."""
REQUEST_BYTES = 1 << 20
ANSWER_BYTES = 1 << 28
REQUEST_SECONDS = 10.0
"""A client that has not sent its whole request by then is cut off."""
SEND_SECONDS = 600
"""A client may take so long between two reads: someone may be reading a log in a pager."""
GREETING_SECONDS = 10.0
"""An agent that has not said a word by then is taken to hang."""

Handler = Callable[[str, dict[str, Any]], Any]
"""Answers a method and its arguments with what JSON can hold, or with an iterator of it to be sent item by item. What
it raises reaches the client as a sentence where it is a ValueError or an exception of klapp's own."""
if TYPE_CHECKING or sys.version_info < (3, 13):
    Wire = Connection
else:
    Wire = Connection[Any, Any]


class NoAgent(Exception):
    """No agent listens for this state folder."""


class RpcError(Exception):
    """The agent could not do what it was asked, or could not be talked to; the message is a sentence for a person."""


class Server:
    """Listens at a state folder, with one thread for each connection.

    ``home`` is a folder that only its owner can enter, and the caller is the one agent for it (``klapp.single.hold``):
    a socket that lies there already is left over from an agent that was killed, and gives way.
    """

    def __init__(
        self,
        home: Path,
        handler: Handler,
        *,
        connections: int = CONNECTIONS,
        request_seconds: float = REQUEST_SECONDS,
    ) -> None:
        self._home = home
        self._handler = handler
        self._request_seconds = request_seconds
        self._free = threading.BoundedSemaphore(connections)
        self._serving: dict[threading.Thread, Wire] = {}
        self._lock = threading.Lock()
        self._stopping = False
        self._listener: Listener | None = None
        self._thread = threading.Thread(target=self._accept, name="klapp-rpc", daemon=True)

    def start(self) -> None:
        """Begin to listen; when this returns, clients can connect. Raises OSError where the socket can not be made."""
        with _address(self._home) as address:
            if os.name == "posix":
                with suppress(FileNotFoundError):
                    os.unlink(address)
            self._listener = Listener(address, backlog=CONNECTIONS)
            if os.name == "posix":
                os.chmod(address, 0o600)
        self._thread.start()

    def stop(self) -> None:
        """Stop listening, cut off the clients, and wait for what the handler has in hand."""
        if self._listener is None:
            return
        self._stopping = True
        # A blocked accept hears of nothing but a connection.
        with suppress(OSError), _address(self._home) as address:
            Client(address).close()
        self._thread.join()
        with suppress(OSError):
            self._listener.close()
        if os.name == "posix":
            (self._home / SOCKET).unlink(missing_ok=True)
        with self._lock:
            serving = dict(self._serving)
        for connection in serving.values():
            _cut(connection)
        for thread in serving:
            thread.join()

    def _accept(self) -> None:
        assert self._listener is not None
        while True:
            try:
                connection = self._listener.accept()
            except OSError:
                # The client was gone before it was let in, or this process is out of handles: on to the next one.
                if self._stopping:
                    return
                continue
            if self._stopping:
                connection.close()
                return
            self._receive(connection)

    def _receive(self, connection: Wire) -> None:
        if not _is_ours(connection):
            connection.close()
        elif not self._free.acquire(blocking=False):
            with connection, suppress(OSError):
                _send(connection, {"error": "The agent is busy with too many requests at once. Try again in a moment."})
        else:
            thread = threading.Thread(target=self._serve, args=(connection,), name="klapp-rpc-client", daemon=True)
            with self._lock:
                self._serving[thread] = connection
            thread.start()

    def _serve(self, connection: Wire) -> None:
        try:
            with connection, suppress(OSError, EOFError):
                _limit_sending(connection)
                _send(connection, {"klapp": PROTOCOL})
                request = self._request(connection)
                if request is None:
                    _send(connection, {"error": "The agent does not understand this request."})
                else:
                    with acting(f"socket (process {_peer(connection)})"):
                        for frame in self._frames(*request):
                            _send(connection, frame)
        finally:
            with self._lock:
                del self._serving[threading.current_thread()]
            self._free.release()

    def _request(self, connection: Wire) -> tuple[str, dict[str, Any]] | None:
        """The method and arguments that a client sends; None for anything else. Raises OSError or EOFError where it
        sends too much, too slowly or nothing."""
        cutting = threading.Timer(self._request_seconds, _cut, [connection])
        cutting.daemon = True
        cutting.start()
        try:
            data = connection.recv_bytes(REQUEST_BYTES)
        finally:
            cutting.cancel()
        try:
            request = json.loads(data)
        except (ValueError, RecursionError):
            return None
        match request:
            case {"method": str(method), "arguments": dict(arguments)}:
                return method, arguments
        return None

    def _frames(self, method: str, arguments: dict[str, Any]) -> Iterator[dict[str, Any]]:
        try:
            answer = self._handler(method, arguments)
            if not isinstance(answer, Iterator):
                yield {"value": answer}
                return
            for item in answer:
                yield {"item": item}
            yield {"end": True}
        except Exception as error:
            yield {"error": _sentence(error)}


def call(home: Path, method: str, arguments: dict[str, Any]) -> Any:
    """What the agent of a state folder answers; a list where it answers item by item.

    Raises NoAgent where none listens, and RpcError with a sentence where it can not do it.
    """
    with _asked(home, method, arguments) as frames:
        first = next(frames)
        if "value" in first:
            return first["value"]
        return [item for (item,) in _items(first, frames)]


def stream(home: Path, method: str, arguments: dict[str, Any]) -> Iterator[Any]:
    """As ``call``, but gives the items as they come; a plain value counts as one item."""
    with _asked(home, method, arguments) as frames:
        first = next(frames)
        if "value" in first:
            yield first["value"]
        else:
            for (item,) in _items(first, frames):
                yield item


def _items(first: dict[str, Any], frames: Iterator[dict[str, Any]]) -> Iterator[tuple[Any]]:
    frame = first
    while "item" in frame:
        yield (frame["item"],)
        frame = next(frames)


@contextmanager
def _asked(home: Path, method: str, arguments: dict[str, Any]) -> Iterator[Iterator[dict[str, Any]]]:
    """The frames of an answer, on a connection that is closed at the end."""
    with _connected(home) as connection:
        if not _is_ours(connection):
            raise RpcError(f"The socket in {home} belongs to somebody else. klapp does not talk to it.")
        if not connection.poll(GREETING_SECONDS):
            raise RpcError("klapp's agent runs, but does not answer. End it, and start it again.")
        frames = _answers(connection)
        greeting = next(frames)
        if greeting.get("klapp") != PROTOCOL:
            raise RpcError("The agent that runs is of another version of klapp. Quit it, and start it again.")
        with suppress(BrokenPipeError, ConnectionResetError):
            # Where the agent has ended, reading says so.
            _send(connection, {"method": method, "arguments": arguments})
        yield frames


def _answers(connection: Wire) -> Iterator[dict[str, Any]]:
    """Frame by frame, for ever; raises RpcError for one that tells an error, and where there are no more."""
    while True:
        try:
            frame = json.loads(connection.recv_bytes(ANSWER_BYTES))
        except (OSError, EOFError, ValueError, RecursionError) as error:
            raise RpcError(
                "klapp's agent ended before it had answered. Look at what was done with: klapp log"
            ) from error
        if not isinstance(frame, dict):
            raise RpcError("klapp's agent answered what this version does not understand. Quit it, and start it again.")
        if "error" in frame:
            raise RpcError(str(frame["error"]))
        yield frame


def _connected(home: Path) -> Wire:
    try:
        with _address(home) as address:
            return Client(address)
    except PermissionError as error:
        raise RpcError(f"The agent's socket in {home} can not be opened: it belongs to somebody else.") from error
    except OSError as error:
        raise NoAgent(f"No agent runs for {home}.") from error


@contextmanager
def _address(home: Path) -> Iterator[str]:
    """The socket's address, good for as long as the context lasts.

    A Unix socket's path may have 107 bytes at most (unix(7)), and a home may well be deeper. On Linux the folder is
    therefore opened, and the socket named through the handle.
    """
    if sys.platform == "win32":
        yield rf"\\.\pipe\klapp-{hashlib.sha256(os.fsencode(home)).hexdigest()[:32]}"
    elif sys.platform == "linux":
        folder = os.open(home, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            yield f"/proc/self/fd/{folder}/{SOCKET}"
        finally:
            os.close(folder)
    else:
        yield str(home / SOCKET)


def _send(connection: Wire, frame: dict[str, Any]) -> None:
    # ASCII alone: a name that is not UTF-8 travels as the escapes of its surrogates.
    connection.send_bytes(json.dumps(frame, ensure_ascii=True).encode("ascii"))


def _sentence(error: Exception) -> str:
    if isinstance(error, ValueError) or type(error).__module__.startswith(("klapp.", "klr.")):
        return str(error)
    if (sentence := told(error)) is not None:
        return sentence
    return f"The agent has made a mistake of its own ({type(error).__name__}). Nothing was lost."


@contextmanager
def _socket_of(connection: Wire) -> Iterator[socket.socket]:
    """The socket below a connection, by a handle of its own."""
    with socket.socket(fileno=os.dup(connection.fileno())) as below:
        yield below


def _is_ours(connection: Wire) -> bool:
    """Whether the other side runs as the same user; where the system can not tell, the folder's mode must do."""
    return sys.platform != "linux" or _credentials(connection)[1] == os.geteuid()


def _peer(connection: Wire) -> int | str:
    """The number of the process on the other side, where the system tells."""
    return _credentials(connection)[0] if sys.platform == "linux" else "unknown"


def _credentials(connection: Wire) -> tuple[int, int, int]:
    """Process, user and group of the other side (unix(7))."""
    with _socket_of(connection) as below:
        packed = below.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    process, user, group = struct.unpack("3i", packed)
    return process, user, group


def _limit_sending(connection: Wire) -> None:
    if os.name == "posix":
        with _socket_of(connection) as below:
            below.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", SEND_SECONDS, 0))


def _cut(connection: Wire) -> None:
    """End a connection that another thread may be reading or writing: closing alone would not wake it."""
    with suppress(OSError):
        if os.name == "posix":
            with _socket_of(connection) as below:
                below.shutdown(socket.SHUT_RDWR)
        else:
            connection.close()
