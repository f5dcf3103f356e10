"""klapp's picture as the icon files of each system, drawn by klapp's own code."""

from __future__ import annotations

import io

from klapp.tray.picture import picture

SIDES = (16, 22, 24, 32, 48, 64, 128, 256, 512)
"""The sizes of the hicolor theme, in pixels."""


def png(side: int) -> bytes:
    """The program's icon."""
    return _saved(side, "PNG")


def ico() -> bytes:
    """For Windows: several sizes in one file."""
    return _saved(256, "ICO", sizes=[(side, side) for side in (16, 24, 32, 48, 64, 128, 256)])


def icns() -> bytes:
    """For macOS."""
    return _saved(1024, "ICNS")


def document(side: int) -> bytes:
    """The icon of a ``.klr`` file: a sheet with klapp's picture on it."""
    from PIL import Image, ImageDraw

    larger = 4
    whole = side * larger
    unit = whole / 64
    sheet = Image.new("RGBA", (whole, whole))
    draw = ImageDraw.Draw(sheet)
    edge = [(x * unit, y * unit) for x, y in ((12, 3), (42, 3), (53, 14), (53, 61), (12, 61))]
    draw.polygon(edge, "white")
    draw.line([*edge, edge[0], edge[1]], "#5f6368", max(larger, int(2 * unit)), "curve")
    draw.line(
        [(42 * unit, 3 * unit), (42 * unit, 14 * unit), (53 * unit, 14 * unit)], "#5f6368", max(larger, int(2 * unit))
    )
    mark = picture("running", int(32 * unit))
    sheet.alpha_composite(mark, (int(16.5 * unit), int(22 * unit)))
    kept = io.BytesIO()
    sheet.resize((side, side), Image.Resampling.LANCZOS).save(kept, "PNG")
    return kept.getvalue()


def _saved(side: int, format: str, **options: object) -> bytes:
    kept = io.BytesIO()
    picture("running", side).save(kept, format, **options)
    return kept.getvalue()
