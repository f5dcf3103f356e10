"""Listens while the page is wanted: at a port of its own on loopback, in one thread of the agent, until nobody looks."""

from __future__ import annotations

import errno
import os
import socket
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from klapp.console.doors import Doors

if TYPE_CHECKING:
    from uvicorn import Server

    from klapp.service import Service

LOOK_EVERY = 5.0
"""Seconds between two looks whether the page is still wanted."""
LINK_FILE = "console.html"


class Console:
    """The page of one agent. Nothing listens, and none of its libraries is loaded, before ``open`` is called."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._doors = Doors()
        self._lock = threading.Lock()
        self._server: Server | None = None
        self._thread: threading.Thread | None = None
        self._port = 0
        self._home: Path = service.agent.home.path

    def open(self, path: str = "/") -> dict[str, str]:
        """The way in, to an address of the page: {"address", "file"}, the former good once and for a minute, the latter a
        file of the person's alone that leads there, for a browser's arguments can be read by everybody."""
        from klapp.console.app import is_page

        if not is_page(path):
            raise ValueError("klapp's page has no such place.")
        with self._lock:
            if self._server is not None and self._server.should_exit and self._thread is not None:
                self._thread.join()  # it is ending just now
            if not self.listening:
                self._start()
            address = f"http://localhost:{self._port}/enter/{self._doors.link(path)}"
        return {"address": address, "file": str(self._link_file(address))}

    @property
    def listening(self) -> bool:
        """Whether anything listens now."""
        return self._thread is not None and self._thread.is_alive()

    def close(self) -> None:
        """Stop listening."""
        with self._lock:
            if self._server is not None:
                self._server.should_exit = True
            if self._thread is not None:
                self._thread.join()
        self._link_gone()

    def _start(self) -> None:
        from uvicorn import Config, Server

        from klapp.console.app import application

        sockets = _sockets()
        self._port = sockets[0].getsockname()[1]
        self._doors = Doors()
        config = Config(
            application(self._service, self._doors, self._port, self._link_gone),
            http="h11", ws="none", loop="asyncio", lifespan="off", interface="asgi3", log_config=None,
            access_log=False, server_header=False, date_header=False, proxy_headers=False, limit_concurrency=64,
            timeout_keep_alive=5, timeout_graceful_shutdown=3, h11_max_incomplete_event_size=1 << 14,
        )  # fmt: skip
        server = self._server = Server(config)
        self._thread = threading.Thread(
            target=self._serve, args=(server, sockets, self._doors), name="klapp-console", daemon=True
        )
        self._thread.start()

    @staticmethod
    def _serve(server: Any, sockets: list[socket.socket], doors: Doors) -> None:
        import asyncio

        async def watch() -> None:
            while not server.should_exit:
                await asyncio.sleep(LOOK_EVERY)
                server.should_exit = server.should_exit or not doors.wanted()

        async def both() -> None:
            watching = asyncio.create_task(watch())
            try:
                await server.serve(sockets=sockets)
            finally:
                watching.cancel()

        try:
            asyncio.run(both())
        finally:
            for one in sockets:
                one.close()

    # -- the file that leads there ------------------------------------------------------------------------------------

    def _link_file(self, address: str) -> Path:
        path = self._home / LINK_FILE
        self._link_gone()
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(handle, "w", encoding="utf-8") as file:
            file.write(
                '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="referrer" content="no-referrer">'
                f'<meta http-equiv="refresh" content="0; url={address}"><title>klapp</title>'
                f'<p><a href="{address}">Go on to klapp</a></p></html>\n'
            )
        return path

    def _link_gone(self) -> None:
        with suppress(OSError):
            (self._home / LINK_FILE).unlink(missing_ok=True)


def _sockets() -> list[socket.socket]:
    """Both loopback addresses at one free port: on the one that we left, somebody else could wait for our visitors."""
    for _ in range(20):
        first = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        first.bind(("127.0.0.1", 0))
        first.listen(64)
        port = first.getsockname()[1]
        try:
            second = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
        except OSError:
            return [first]
        try:
            second.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            second.bind(("::1", port))
            second.listen(64)
            return [first, second]
        except OSError as error:
            second.close()
            if error.errno != errno.EADDRINUSE:  # this machine has no such address
                return [first]
            first.close()
    raise OSError("There is no free port on this machine.")
