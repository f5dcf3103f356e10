"""Passkeys as a second factor of the account: WebAuthn (W3C, Level 2) by the library ``webauthn``.

A passkey belongs to the name that the local page has, "localhost", whatever its port is. What is kept is public.
"""

from __future__ import annotations

import json
import re
import time
from typing import Any

from klapp.account.errors import AccountError
from klapp.vault.header import from_text, to_text

PARTY, NAME = "localhost", "klapp"
_ORIGIN = re.compile(r"http://localhost:\d{1,5}")
MOST = 10
CHALLENGE_SECONDS = 180.0
REFUSED = "The passkey was not taken. Nothing was changed; try again."


class Challenges:
    """The challenges that were given out: one for each purpose at a time, good once and for a while, and never kept."""

    def __init__(self) -> None:
        self._given: dict[str, tuple[bytes, float]] = {}

    def put(self, purpose: str, challenge: bytes) -> None:
        """Remember what an authenticator was asked to sign."""
        self._given[purpose] = challenge, time.monotonic() + CHALLENGE_SECONDS

    def take(self, purpose: str) -> bytes:
        """The challenge, which is used up by that. Raises AccountError where there is none."""
        challenge, until = self._given.pop(purpose, (b"", 0.0))
        if not challenge or until < time.monotonic():
            raise AccountError("That took too long. Begin once more.")
        return challenge


def registration(challenges: Challenges, account: str, kept: list[dict[str, Any]]) -> str:
    """What a browser is asked for a new passkey, as the JSON that it understands."""
    from webauthn import generate_registration_options, options_to_json
    from webauthn.helpers.structs import (
        AuthenticatorSelectionCriteria,
        PublicKeyCredentialDescriptor,
        ResidentKeyRequirement,
        UserVerificationRequirement,
    )

    options = generate_registration_options(
        rp_id=PARTY,
        rp_name=NAME,
        user_name=account,
        exclude_credentials=[PublicKeyCredentialDescriptor(from_text(one["id"])) for one in kept],
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.DISCOURAGED, user_verification=UserVerificationRequirement.PREFERRED
        ),
    )
    challenges.put("registration", options.challenge)
    return str(options_to_json(options))


def registered(challenges: Challenges, answer: str, origin: str, name: str) -> dict[str, Any]:
    """What is kept of a new passkey. Raises AccountError where the answer does not hold."""
    from webauthn import verify_registration_response
    from webauthn.helpers.exceptions import WebAuthnException

    challenge = challenges.take("registration")
    try:
        found = verify_registration_response(
            credential=json.loads(answer),
            expected_challenge=challenge,
            expected_rp_id=PARTY,
            expected_origin=_own(origin),
            require_user_verification=False,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise AccountError(REFUSED) from error
    return {
        "id": to_text(found.credential_id),
        "key": to_text(found.credential_public_key),
        "count": found.sign_count,
        "name": (name.strip() or "passkey")[:60],
    }


def authentication(challenges: Challenges, kept: list[dict[str, Any]]) -> str:
    """What a browser is asked for at a login, as JSON."""
    from webauthn import generate_authentication_options, options_to_json
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor, UserVerificationRequirement

    options = generate_authentication_options(
        rp_id=PARTY,
        allow_credentials=[PublicKeyCredentialDescriptor(from_text(one["id"])) for one in kept],
        user_verification=UserVerificationRequirement.PREFERRED,
    )
    challenges.put("authentication", options.challenge)
    return str(options_to_json(options))


def authenticated(
    challenges: Challenges, kept: list[dict[str, Any]], answer: str, origin: str
) -> list[dict[str, Any]] | None:
    """The passkeys with the counter of the one that signed; None where none of them did, or an older copy of one."""
    from webauthn import verify_authentication_response
    from webauthn.helpers import base64url_to_bytes
    from webauthn.helpers.exceptions import WebAuthnException

    try:
        challenge = challenges.take("authentication")
        said = json.loads(answer)
        used = base64url_to_bytes(said["id"])
        one = next(one for one in kept if from_text(one["id"]) == used)
        found = verify_authentication_response(
            credential=said,
            expected_challenge=challenge,
            expected_rp_id=PARTY,
            expected_origin=_own(origin),
            credential_public_key=from_text(one["key"]),
            credential_current_sign_count=one["count"],
            require_user_verification=False,
        )
    except (AccountError, WebAuthnException, ValueError, KeyError, TypeError, StopIteration):
        return None
    return [other | {"count": found.new_sign_count} if other is one else other for other in kept]


def _own(origin: str) -> str:
    """An origin that can be the local page's. Raises ValueError for every other."""
    if not _ORIGIN.fullmatch(origin):
        raise ValueError("This is no address of the local page.")
    return origin
