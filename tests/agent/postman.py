"""A real SMTP server, aiosmtpd, on loopback: what it was handed, and ways to fail."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

USER, PASSWORD = "paula@example.com", "pass wörd"


@dataclass
class Postman:
    """The server. ``envelopes`` are (from, to, mail) of what it took; ``refuses`` maps a recipient to its answer, and
    ``mute`` has it take a mail and end the connection without a word."""

    port: int = 0
    envelopes: list[tuple[str, list[str], bytes]] = field(default_factory=list)
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)
    refuses: dict[str, str] = field(default_factory=dict)
    answer: str = "250 taken"
    mute: bool = False
    user: str = USER

    @property
    def mails(self) -> list[EmailMessage]:
        """The mails, taken apart."""
        return [
            message_from_bytes(data.replace(b"\r\n", b"\n"), policy=policy.default) for _, _, data in self.envelopes
        ]  # type: ignore[misc]

    # -- called by aiosmtpd --------------------------------------------------------------------------------------------

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, to: str, options: Any) -> str:
        if to in self.refuses:
            return self.refuses[to]
        envelope.rcpt_tos.append(to)
        return "250 fine"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.answer.startswith("250"):
            assert isinstance(envelope.content, bytes)
            self.envelopes.append((str(envelope.mail_from), list(envelope.rcpt_tos), envelope.content))
        if self.mute:
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return self.answer

    def lets_in(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: Any) -> AuthResult:
        self.logins.append((given.login, given.password))
        fits = (given.login, given.password) == (self.user.encode(), PASSWORD.encode())
        return AuthResult(success=fits, handled=False)


@contextmanager
def postman(context: ssl.SSLContext | None, encryption: str = "tls", **options: Any) -> Iterator[Postman]:
    """A server that begins encrypted, offers STARTTLS, or does neither ("none")."""
    served = Postman()
    options = {"authenticator": served.lets_in, "auth_require_tls": encryption == "starttls", **options}
    if encryption == "starttls":
        options |= {"tls_context": context, "require_starttls": True}
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def listen() -> asyncio.Server:
        return await loop.create_server(
            lambda: SMTP(served, loop=loop, hostname="postman", **options),
            "127.0.0.1",
            0,
            ssl=context if encryption == "tls" else None,
        )

    listening = asyncio.run_coroutine_threadsafe(listen(), loop).result(20)
    served.port = listening.sockets[0].getsockname()[1]
    try:
        yield served
    finally:
        loop.call_soon_threadsafe(listening.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(20)
