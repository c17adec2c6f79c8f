"""Whether bytes are a JPEG picture, and how large it is: by its segments, nothing is decoded.

A JPEG begins with SOI, goes on with segments that tell their length, and ends with EOI; one
of the segments before the pixels (SOF) tells width and height (ITU-T T.81, annex B).
"""

from typing import NamedTuple

SOI, EOI = b"\xff\xd8", b"\xff\xd9"
BASELINE, PIXELS_FOLLOW = 0xC0, 0xDA


class Extent(NamedTuple):
    """Width and height in pixels."""

    width: int
    height: int


def jpeg_extent(content: bytes) -> Extent | None:
    """How large the baseline JPEG in these bytes is; None when they are none, or not whole."""
    if not (content.startswith(SOI) and content.endswith(EOI)):
        return None
    extent, place = None, len(SOI)
    while place + 4 <= len(content) and content[place] == 0xFF:
        kind = content[place + 1]
        length = int.from_bytes(content[place + 2 : place + 4])
        segment = content[place + 4 : place + 2 + length]
        if kind == PIXELS_FOLLOW:
            return extent
        if kind == BASELINE and len(segment) > 5:
            height, width = int.from_bytes(segment[1:3]), int.from_bytes(segment[3:5])
            extent = Extent(width, height) if width and height else None
        place += 2 + length
    return None
