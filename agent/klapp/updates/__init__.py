"""Which klapp is the newest: what its publisher has signed, and where that is read. klapp asks for it only when a person
does, or has said that it may; it never fetches an installer, and never installs one.
"""

from __future__ import annotations

from klapp.updates.release import Release, Untrusted, newer
from klapp.updates.source import Unreached, place_of, read

__all__ = ["Release", "Unreached", "Untrusted", "newer", "place_of", "read"]
