"""The icon itself: told apart by shape as well as by colour, in both bright and dark trays."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image, ImageDraw

SIDE = 64
LARGER = 4  # drawn so much larger and then made small, which smooths every edge
COLOURS = {
    "running": "#2f6fb0",
    "working": "#2f6fb0",
    "paused": "#767676",
    "needs you": "#b8600b",
    "trouble": "#b3261e",
}
"""Of even lightness, so that white marks are readable on each; the shapes tell them apart without colour."""


def picture(state: str, side: int = SIDE) -> Image.Image:
    """The icon for a state: "running", "working", "paused", "needs you" or "trouble"."""
    from PIL import Image, ImageDraw

    whole = side * LARGER
    image = Image.new("RGBA", (whole, whole))
    draw = ImageDraw.Draw(image)
    unit = whole / 64
    draw.rounded_rectangle(
        (3 * unit, 3 * unit, 61 * unit, 61 * unit),
        14 * unit,
        COLOURS.get(state, COLOURS["trouble"]),
        "white",
        int(3 * unit),
    )
    _mark(draw, state, unit)
    return image.resize((side, side), Image.Resampling.LANCZOS)


def _mark(draw: ImageDraw.ImageDraw, state: str, unit: float) -> None:
    def at(*numbers: float) -> list[float]:
        return [number * unit for number in numbers]

    thick = int(6 * unit)
    match state:
        case "running":  # a tick
            draw.line(at(17, 33, 28, 44, 47, 21), "white", thick, "curve")
        case "working":  # three dots
            for left in (14, 27, 40):
                draw.ellipse(at(left, 27, left + 10, 37), "white")
        case "paused":  # two bars
            for left in (20, 36):
                draw.rectangle(at(left, 19, left + 8, 45), "white")
        case "needs you":  # a question: a bar and a dot, hooked
            draw.arc(at(20, 14, 44, 38), 180, 450, "white", thick)
            draw.line(at(32, 37, 32, 43), "white", thick)
            draw.ellipse(at(28, 47, 36, 55), "white")
        case _:  # a cross
            draw.line(at(20, 20, 44, 44), "white", thick)
            draw.line(at(44, 20, 20, 44), "white", thick)
