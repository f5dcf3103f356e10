"""The icon's pixels as panels get them: drawn beforehand, so that an agent at rest need not hold what draws.

python -m klapp.tray.pixels     draws them anew, into the file beside this one
"""

from __future__ import annotations

import zlib
from pathlib import Path

from klapp.tray.picture import COLOURS, picture

SIDES = (16, 22, 24, 32, 48, 64)
"""Each drawn by itself, so that the icon is crisp in panels of every height and scale."""
STATES = tuple(COLOURS)
STORED = Path(__file__).with_name("pixels.bin")
"""A zlib stream for each state, of the pictures of all sides."""


def argb(state: str) -> list[tuple[int, int, bytes]]:
    """(width, height, pixels) for each of ``SIDES``: row by row, four bytes each, alpha, red, green, blue, as
    StatusNotifierItem has them. A state that is not known is shown as "trouble"."""
    rest = STORED.read_bytes()
    for one in STATES:
        stream = zlib.decompressobj()
        pixels, rest = stream.decompress(rest), stream.unused_data
        if one == state:
            break
    found, place = [], 0
    for side in SIDES:
        found.append((side, side, pixels[place : place + 4 * side * side]))
        place += 4 * side * side
    return found


def drawn(state: str, side: int) -> bytes:
    """The pixels of one picture, drawn now."""
    from PIL import Image

    red, green, blue, alpha = picture(state, side).split()
    return Image.merge("RGBA", (alpha, red, green, blue)).tobytes()


if __name__ == "__main__":
    STORED.write_bytes(b"".join(zlib.compress(b"".join(drawn(one, side) for side in SIDES), 9) for one in STATES))
