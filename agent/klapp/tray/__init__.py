"""The icon in the system's tray, and its menu. Shows what the facade says, and holds no logic."""

from __future__ import annotations

from klapp.tray.icon import NoTray, Tray

__all__ = ["NoTray", "Tray"]
