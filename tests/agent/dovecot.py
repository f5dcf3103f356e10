"""A real IMAP server, Dovecot, on loopback with TLS, in a folder of its own."""

from __future__ import annotations

import getpass
import grp
import imaplib
import os
import pwd
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from tests.agent.hosts import certificates

USER, PASSWORD = "paula", "pass wörd"
CONFIG = """
base_dir = {base}
state_dir = {base}
protocols = imap
listen = 127.0.0.1
log_path = {base}/log
ssl = required
ssl_cert = <{certificate}
ssl_key = <{key}
ssl_dh =
disable_plaintext_auth = yes
auth_mechanisms = plain login
mail_location = maildir:{base}/mail/%u
first_valid_uid = 1
first_valid_gid = 1
{users}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {base}/users
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={base}/mail/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {plain}
  }}
  inet_listener imaps {{
    port = {tls}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
"""


class Dovecot:
    """The server; ``context`` verifies it."""

    def __init__(self, base: Path, context: ssl.SSLContext, tls: int, plain: int) -> None:
        self.base = base
        self.context = context
        self.tls = tls
        self.plain = plain
        self._process: subprocess.Popen[bytes] | None = None

    @contextmanager
    def person(self) -> Iterator[imaplib.IMAP4_SSL]:
        """Somebody else who looks after the same mailbox."""
        with imaplib.IMAP4_SSL("127.0.0.1", self.tls, ssl_context=self.context, timeout=10) as other:
            other.authenticate("PLAIN", lambda _: f"\0{USER}\0{PASSWORD}".encode())
            yield other

    def deliver(self, *mails: EmailMessage | bytes) -> None:
        """Put mails into the inbox."""
        with self.person() as other:
            for mail in mails:
                data = mail if isinstance(mail, bytes) else bytes(mail)
                answer, _ = other.append("INBOX", "", imaplib.Time2Internaldate(time.time()), data)
                assert answer == "OK"

    def start(self) -> None:
        self._process = subprocess.Popen(["dovecot", "-F", "-c", str(self.base / "conf")], stderr=subprocess.DEVNULL)
        end = time.monotonic() + 20
        while True:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.tls), 1):
                return
            if self._process.poll() is not None or time.monotonic() > end:
                log = self.base / "log"
                pytest.fail(f"dovecot does not start: {log.read_text() if log.exists() else 'no log'}")
            time.sleep(0.05)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)
            self._process = None


def mail(
    subject: str, sender: str = "Bill <billing@acme.example>", text: str = "Hello", **files: bytes
) -> EmailMessage:
    """A mail with files by their names, in which ``_`` stands for a dot."""
    made = EmailMessage()
    made["Subject"], made["From"], made["To"] = subject, sender, "paula@example.com"
    made["Date"] = "Mon, 09 Mar 2026 10:00:00 +0000"
    made.set_content(text)
    for name, data in files.items():
        made.add_attachment(data, maintype="application", subtype="octet-stream", filename=name.replace("_", "."))
    return made


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _users() -> dict[str, Any]:
    """As whom the server works: as root it gives its rights up to the users that Debian made for it."""
    if os.getuid() == 0:
        login = pwd.getpwnam("dovecot")
        return {"user": login.pw_uid, "group": login.pw_gid, "users": ""}
    me, group = getpass.getuser(), grp.getgrgid(os.getgid()).gr_name
    return {
        "user": os.getuid(),
        "group": os.getgid(),
        "users": f"default_internal_user = {me}\ndefault_internal_group = {group}\ndefault_login_user = {me}",
    }


@contextmanager
def dovecot() -> Iterator[Dovecot]:
    """A server with one person and an empty inbox."""
    assert shutil.which("dovecot"), "Debian's dovecot-imapd is needed"
    base = Path(tempfile.mkdtemp(prefix="klapp-dovecot-"))
    try:
        base.chmod(0o755)
        _, client = certificates(base)
        (base / "users").write_text(f"{USER}:{PASSWORD}\n", encoding="utf-8")
        (base / "mail").mkdir()
        users = _users()
        if os.getuid() == 0:
            os.chown(base / "mail", users["user"], users["group"])
        tls, plain = _free_port(), _free_port()
        names = dict.fromkeys(("certificate", "key"), base / "127.0.0.1.pem")
        (base / "conf").write_text(CONFIG.format(base=base, tls=tls, plain=plain, **names, **users))
        server = Dovecot(base, client, tls, plain)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(base, ignore_errors=True)
