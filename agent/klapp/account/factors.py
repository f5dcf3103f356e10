"""The factors of the account as they are kept: a password, one-time codes of an app (TOTP), and recovery codes."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from klapp.vault.header import from_text, to_text
from klapp.vault.recovery import ALPHABET
from klapp.vault.stretching import Cost, stretched

STEP, DIGITS = 30, 6
"""Seconds that a code holds, and its length, as all apps take for granted (RFC 6238)."""
CODES, CODE_LENGTH = 10, 10
"""Recovery codes at a time, and letters in each: 50 random bits."""


def password_kept(password: str, cost: Cost) -> dict[str, Any]:
    """What is kept of a password: nothing that tells it."""
    salt = secrets.token_bytes(16)
    return {
        "salt": to_text(salt),
        "cost": list(cost.parts()),
        "hash": to_text(stretched(password.encode("utf-8", "surrogatepass"), salt, cost)),
    }


def is_password(kept: dict[str, Any], password: str) -> bool:
    """Whether this is that password."""
    made = stretched(password.encode("utf-8", "surrogatepass"), from_text(kept["salt"]), Cost(*kept["cost"]))
    return hmac.compare_digest(made, from_text(kept["hash"]))


def fresh_secret() -> bytes:
    """The secret that klapp shares with an app for one-time codes: 160 bits, as RFC 4226 recommends."""
    return secrets.token_bytes(20)


def address(secret: bytes, account: str) -> str:
    """The address that an app reads from a QR code (the ``otpauth`` form that all of them know)."""
    import base64

    text = base64.b32encode(secret).decode("ascii").rstrip("=")
    return f"otpauth://totp/klapp:{quote(account, safe='')}?secret={text}&issuer=klapp"


def one_time_code(secret: bytes, step: int) -> str:
    """The code of one step of 30 seconds since 1970 (RFC 6238 with HMAC-SHA-1, six digits)."""
    from cryptography.hazmat.primitives.hashes import SHA1
    from cryptography.hazmat.primitives.twofactor.totp import TOTP

    # The algorithm that apps have; what is against SHA-1 elsewhere does not touch HMAC (RFC 6194).
    return TOTP(secret, DIGITS, SHA1(), STEP).generate(step * STEP).decode("ascii")  # noqa: S303


def step_of(secret: bytes, code: str, used: int, moment: float | None = None) -> int | None:
    """The step whose code this is, now or one step off; None for another one, and for those up to ``used``."""
    now = int((time.time() if moment is None else moment) // STEP)
    given = "".join(code.split())
    found = None
    for step in (now - 1, now, now + 1):
        if (
            hmac.compare_digest(one_time_code(secret, step).encode(), given.encode("utf-8", "surrogatepass"))
            and step > used
        ):
            found = step
    return found


def recovery_codes() -> list[str]:
    """New codes, each good for one login in place of the second factor: ``"7QWE2-Z9KDM"``."""
    made = ("".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH)) for _ in range(CODES))
    return [f"{code[:5]}-{code[5:]}" for code in made]


def codes_kept(codes: Sequence[str]) -> list[str]:
    """What is kept of recovery codes: nothing that tells them."""
    return [_digest(code) for code in codes]


def without(kept: Sequence[str], code: str) -> list[str] | None:
    """The codes that are left when this one is used; None where it is not among them."""
    given = _digest(code)
    left = [one for one in kept if not hmac.compare_digest(one, given)]
    return left if len(left) < len(kept) else None


def _digest(code: str) -> str:
    """Of 50 random bits within an encrypted database: a plain hash is enough."""
    plain = code.upper().replace("-", "").replace(" ", "").replace("O", "0").replace("I", "1").replace("L", "1")
    return hashlib.sha256(b"klapp recovery code " + plain.encode("utf-8", "surrogatepass")).hexdigest()
