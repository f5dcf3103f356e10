"""Hands one mail to an SMTP server for submission (RFC 6409): verified TLS, one deadline for all, one end of the mail.

``smtplib`` knows the protocol's words, and is given a socket of ours. A server may not deliver what it was not told the
end of (RFC 5321, section 4.5.3.2.6), so all but the last three bytes can be sent before anybody has to remember it.
"""

from __future__ import annotations

import base64
import re
import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from klapp.mail.accounts import Account
from klapp.network import NetworkError
from klapp.network.wire import Deadline

SECONDS = 120.0
"""Everything together, from the connection to the server's last word."""
US = "[127.0.0.1]"
"""What klapp calls itself: the name of this machine is nobody's business."""


class _Wire(smtplib.SMTP):
    """A connection that ends at its deadline. Connects when it is made; raises OSError and SMTPException."""

    def __init__(self, account: Account, context: ssl.SSLContext, deadline: Deadline) -> None:
        self._deadline = deadline
        self._context = context
        self._tls = account.smtp_encryption == "tls"
        super().__init__(account.smtp_server, account.smtp_port, local_hostname=US, timeout=deadline.left)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        """Called by ``smtplib``."""
        plain = socket.create_connection((host, port), timeout)
        self._deadline.guard(plain)
        if not self._tls:
            return plain
        try:
            return self._guarded(self._context.wrap_socket(plain, server_hostname=host))
        except BaseException:
            plain.close()
            raise

    def _guarded(self, secured: ssl.SSLSocket) -> ssl.SSLSocket:
        self._deadline.guard(secured)
        return secured

    def secure(self) -> bool:
        """STARTTLS; whether the server does it. What was said before counts for nothing afterwards."""
        if not self.has_extn("starttls"):
            return False
        self.starttls(context=self._context)
        assert isinstance(self.sock, ssl.SSLSocket)
        self._guarded(self.sock)
        self.ehlo_or_helo_if_needed()
        return True


def look(account: Account, context: ssl.SSLContext, seconds: float = SECONDS) -> None:
    """Log in, and send nothing. Raises NetworkError."""
    with _connected(account, context, seconds):
        return


def submit(
    account: Account,
    context: ssl.SSLContext,
    recipient: str,
    mail: bytes,
    begun: Callable[[], None],
    seconds: float = SECONDS,
) -> None:
    """Hand over one mail, lines ended by CRLF. ``begun`` is called right before the server is told its end.

    Raises NetworkError; its ``begun`` tells that the server was told the end and nobody knows what it did then.
    """
    with _connected(account, context, seconds) as wire:
        size = wire.esmtp_features.get("size", "")
        if size.isdigit() and 0 < int(size) < len(mail):
            raise NetworkError(f"{account.smtp_server} takes no mail of {len(mail)} bytes. Nothing was sent.")
        _accepted(wire.mail(account.address), f"does not take mail from {account.address}", account)
        _accepted(wire.rcpt(recipient), f"does not take mail for {recipient}", account)
        code, _ = wire.docmd("DATA")
        if code != 354:
            raise _refused("does not take this mail", code, account)
        wire.send(re.sub(rb"(?m)^\.", b"..", mail))
        begun()
        try:
            wire.send(b".\r\n" if mail.endswith(b"\r\n") else b"\r\n.\r\n")
            code, _ = wire.getreply()
        except (OSError, smtplib.SMTPException):
            raise NetworkError(
                f"The connection to {account.smtp_server} ended at the mail's end. "
                f"Perhaps it was sent to {recipient}: look at what you sent.",
                begun=True,
            ) from None
        if code != 250:
            raise _refused("did not take this mail", code, account)


@contextmanager
def _connected(account: Account, context: ssl.SSLContext, seconds: float) -> Iterator[_Wire]:
    deadline = Deadline(seconds)
    wire: _Wire | None = None
    try:
        wire = _Wire(account, context, deadline)
        wire.ehlo_or_helo_if_needed()
        if account.smtp_encryption == "starttls" and not wire.secure():
            raise NetworkError(f"{account.smtp_server} does not encrypt, so nothing was said to it.")
        _log_in(wire, account)
        yield wire
        with suppress(OSError, smtplib.SMTPException):
            wire.docmd("QUIT")
    except NetworkError:
        raise
    except (OSError, smtplib.SMTPException, ValueError) as error:
        raise NetworkError(_reason(account, error, deadline.over)) from None
    finally:
        deadline.cancel()
        if wire is not None:
            wire.close()


def _log_in(wire: _Wire, account: Account) -> None:
    """AUTH by PLAIN (RFC 4616) or LOGIN, in UTF-8, which ``smtplib`` does not send."""
    ways = wire.esmtp_features.get("auth", "").upper().split()
    if not ways and account.smtp_encryption == "none":
        return  # a relay on this machine that knows who is here
    if "PLAIN" in ways:
        code, _ = wire.docmd("AUTH", f"PLAIN {_base64(f'{chr(0)}{account.user}{chr(0)}{account.password}')}")
    elif "LOGIN" in ways:
        code, _ = wire.docmd("AUTH", f"LOGIN {_base64(account.user)}")
        if code == 334:
            code, _ = wire.docmd(_base64(account.password))
    else:
        raise NetworkError(f"{account.smtp_server} knows no way to log in that klapp knows. Nothing was sent.")
    if code != 235:
        raise NetworkError(
            f"{account.smtp_server} does not let {account.user} in: look at the user and password. Nothing was sent."
        )


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode("ascii")


def _accepted(answer: tuple[int, bytes], problem: str, account: Account) -> None:
    if answer[0] not in (250, 251):
        raise _refused(problem, answer[0], account)


def _refused(problem: str, code: int, account: Account) -> NetworkError:
    later = " Perhaps it does later." if 400 <= code < 500 else ""
    return NetworkError(f"{account.smtp_server} {problem} ({code}).{later} Nothing was sent.", status=code)


def _reason(account: Account, error: Exception, over: bool) -> str:
    """What went wrong, in a sentence. Nothing of what the server said is repeated."""
    server = account.smtp_server
    if isinstance(error, ssl.SSLCertVerificationError):
        reason = error.verify_message or "it can not be verified"
        return f"{server} can not prove that it is that server: {reason}. No password was sent."
    if over or isinstance(error, TimeoutError):
        return f"{server} took too long. Nothing was sent."
    if isinstance(error, socket.gaierror):
        return f"There is no server {server}, or no network. Nothing was sent."
    if isinstance(error, OSError) and error.strerror and not isinstance(error, (ssl.SSLError, smtplib.SMTPException)):
        return f"{server} could not be reached: {error.strerror}. Nothing was sent."
    return f"The connection to {server} failed, or it is no SMTP server. Nothing was sent."
