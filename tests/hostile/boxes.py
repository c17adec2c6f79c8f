"""MP4 boxes taken apart and put together, truthfully or not."""

import struct
from collections.abc import Callable, Iterator

HEADER_BYTES = 8


def box(kind: bytes, content: bytes = b"", length: int | None = None) -> bytes:
    """A box; `length` is what its header claims, if that is not the truth."""
    claimed = HEADER_BYTES + len(content) if length is None else length
    return struct.pack(">I4s", claimed, kind) + content


def long_box(kind: bytes, content: bytes = b"", length: int | None = None) -> bytes:
    """A box with a length of 64 bits."""
    claimed = 2 * HEADER_BYTES + len(content) if length is None else length
    return struct.pack(">I4sQ", 1, kind, claimed) + content


def split(row: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and content of each box in a row that tells the truth."""
    at = 0
    while at < len(row):
        length, kind = struct.unpack_from(">I4s", row, at)
        yield kind, row[at + HEADER_BYTES : at + length]
        at += length


def changed(row: bytes, trail: str, change: Callable[[bytes], bytes]) -> bytes:
    """The row with the content of every box at `trail` ("moov/trak/mdia") changed.

    Each length tells the truth again. Chunk offsets hold, as long as moov comes last.
    """
    first, _, rest = trail.partition("/")
    made = []
    for kind, content in split(row):
        if kind == first.encode():
            content = changed(content, rest, change) if rest else change(content)
        made.append(box(kind, content))
    return b"".join(made)


def patched(offset: int, layout: str, *values: int) -> Callable[[bytes], bytes]:
    """A change that overwrites a few fields of a box."""

    def change(content: bytes) -> bytes:
        new = struct.pack(layout, *values)
        return content[:offset] + new + content[offset + len(new) :]

    return change
