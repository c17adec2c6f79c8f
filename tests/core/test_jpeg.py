"""What is taken for a JPEG picture, and how large it is said to be."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from cefmp4.core.jpeg import EOI, SOI, Extent, jpeg_extent


def segment(kind: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, kind, 2 + len(content)) + content


def frame(width: int, height: int, kind: int = 0xC0) -> bytes:
    return segment(kind, struct.pack(">BHHB", 8, height, width, 3) + bytes(9))


COMMENT, SCAN = segment(0xFE, b"Lavc"), segment(0xDA, bytes(10)) + b"pixels"
WHOLE = SOI + COMMENT + frame(640, 360) + SCAN + EOI


def test_a_picture_tells_its_size() -> None:
    """Width and height, whatever segments come first."""
    assert jpeg_extent(WHOLE) == Extent(640, 360)


def test_what_is_no_picture_has_no_size() -> None:
    """Cut off, without pixels, without a size, of another kind, or something else."""
    others = [
        b"",
        SOI + EOI,
        WHOLE[:-1],
        WHOLE[1:],
        WHOLE + b"<html>",
        SOI + SCAN + EOI,
        SOI + frame(640, 360) + EOI,
        SOI + frame(0, 360) + SCAN + EOI,
        SOI + frame(640, 360, kind=0xC9) + SCAN + EOI,
        SOI + b"\xfe" + frame(640, 360)[1:] + SCAN + EOI,
        SOI + b"<script>" + frame(640, 360) + SCAN + EOI,
    ]
    assert [jpeg_extent(content) for content in others] == [None] * len(others)


@given(st.binary(max_size=200), st.integers(0, len(WHOLE)))
def test_any_bytes_get_an_answer(noise: bytes, place: int) -> None:
    """Lengths that are not true lead nowhere, and never round and round."""
    jpeg_extent(SOI + noise + EOI)
    jpeg_extent(WHOLE[:place] + noise + WHOLE[place + len(noise) :])
