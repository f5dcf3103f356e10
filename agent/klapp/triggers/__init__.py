"""What starts a rule: files that arrive, moments that come, and a person who asks."""

from __future__ import annotations

from klapp.triggers.declarations import ALL

__all__ = ["ALL"]
