"""Whose releases this klapp believes where the person names nobody else. Who publishes klapp puts the address and key here
(``installers/sign-release --new-key`` makes one); with neither, klapp asks nobody until a person names both.
"""

from __future__ import annotations

PLACE = ""
"""Such as "https://klapp.example/klapp.release"."""
KEY = ""
"""The public key, as ``klapp.signednote.Verifier`` writes it."""
