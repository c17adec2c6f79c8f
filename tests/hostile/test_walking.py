"""The box walk on anything at all: it always ends, reads little, and believes nothing."""

import struct
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cefmp4.core.mp4 import HEADER_BYTES, MAX_BOXES, Boxes, read_boxes
from contract import media
from hostile.files import LYING, POINTING, Elsewhere

Edit = Callable[[bytes], bytes]


class Reader:
    """Bytes to be read at any offset; it counts the reads."""

    def __init__(self, read_at: Callable[[int, int], bytes]) -> None:
        self.read_at = read_at
        self.reads, self.last = 0, -1

    def __call__(self, offset: int, length: int) -> bytes:
        assert length == HEADER_BYTES
        assert offset > self.last, "the walk only ever goes forward"
        self.reads, self.last = self.reads + 1, offset
        return self.read_at(offset, length)


def walked(read_at: Callable[[int, int], bytes], size_bytes: int) -> Boxes:
    """What the walk says, held to what is always true of it."""
    reader = Reader(read_at)
    boxes = read_boxes(reader, size_bytes)
    assert reader.last < size_bytes or size_bytes == 0
    assert reader.reads <= (MAX_BOXES if boxes.is_mp4 else 1)
    assert boxes.complete == (boxes.problem is None)
    assert boxes.is_mp4 or not boxes.complete
    assert len(boxes.problem or "") < 200
    assert (boxes.problem or "").isprintable()
    assert boxes.brand is None or (len(boxes.brand) == 4 and boxes.brand.isprintable())
    return boxes


def walk(file: bytes) -> Boxes:
    """Held also to a second opinion: a complete file is boxes from end to end."""
    boxes = walked(lambda offset, length: file[offset : offset + length], len(file))
    if boxes.complete:
        row = list(tiles(file))
        assert sum(length for _, length in row) == len(file)
        assert b"moov" in [kind for kind, _ in row]
        assert any(kind == b"mdat" and length > 8 for kind, length in row)
        assert boxes.fragmented == (b"moof" in [kind for kind, _ in row])
    return boxes


def tiles(file: bytes) -> Iterator[tuple[bytes, int]]:
    """Kind and length of box after box; fails where they do not follow each other."""
    at = 0
    while at < len(file):
        (length, kind), shortest = struct.unpack_from(">I4s", file, at), 8
        if length == 1:
            (length,), shortest = struct.unpack_from(">Q", file, at + 8), 16
        assert shortest <= length <= len(file) - at
        yield kind, length
        at += length


# --- damage ---------------------------------------------------------------------------------


def overwritten(place: float, with_bytes: bytes) -> Edit:
    def edit(file: bytes) -> bytes:
        at = int(place * len(file))
        return file[:at] + with_bytes + file[at + len(with_bytes) :]

    return edit


def header_changed(number: int, length: int, kind: bytes | None) -> Edit:
    """The header of one of the first boxes lies, as far as there is one."""

    def edit(file: bytes) -> bytes:
        at = 0
        for _ in range(number):
            step = int.from_bytes(file[at : at + 4], "big")
            at += step if step >= 8 else 0
        return (
            file[:at]
            + struct.pack(">I", length)
            + (kind or file[at + 4 : at + 8])
            + file[at + 8 :]
        )

    return edit


def cut(start: float, end: float) -> Edit:
    """Some bytes are gone."""
    return lambda file: file[: int(start * len(file))] + file[int(end * len(file)) :]


def doubled(start: float, end: float) -> Edit:
    """Some bytes are there twice."""
    return lambda file: file[: int(end * len(file))] + file[int(start * len(file)) :]


PLACES = st.floats(0, 1)
LENGTHS = st.one_of(st.integers(0, 32), st.integers(0, 2**32 - 1))
KINDS = st.sampled_from([b"moov", b"mdat", b"moof", b"free", b"\0\0\0\0", b"\xff\xfe\n\r"])
EDITS = st.one_of(
    st.builds(overwritten, PLACES, st.binary(min_size=1, max_size=24)),
    st.builds(header_changed, st.integers(0, 6), LENGTHS, st.none() | KINDS),
    st.builds(cut, PLACES, PLACES),
    st.builds(doubled, PLACES, PLACES),
)


@pytest.mark.parametrize("flavour", media.FLAVOURS, ids=lambda flavour: flavour.name)
@settings(deadline=None, max_examples=40)
@given(edits=st.lists(EDITS, max_size=4))
def test_a_damaged_recording_is_called_complete_only_if_its_boxes_are(
    flavour: media.Flavour, edits: list[Edit]
) -> None:
    """Of every muxer, damaged in any way: no error, no endless walk, no false promise.

    Seen failing with the check against the end of the file removed.
    """
    file = media.recorded(flavour)
    for edit in edits:
        file = edit(file)
    walk(file)


@pytest.mark.parametrize("flavour", media.FLAVOURS, ids=lambda flavour: flavour.name)
def test_a_recording_cut_off_anywhere_is_noticed(flavour: media.Flavour) -> None:
    """At every byte: only between two fragments could it have ended.

    Seen failing with the check against the end of the file removed.
    """
    file = media.recorded(flavour, frames=11)
    fragment_ends, at = set(), 0
    for kind, length in tiles(file):
        at += length
        if kind in (b"mdat", b"mfra") and flavour is not media.RESERVED_MOOV:
            fragment_ends.add(at)
    complete = {size for size in range(len(file) + 1) if walk(file[:size]).complete}
    assert len(file) in complete
    assert complete <= fragment_ends | {len(file)}


@given(st.binary(max_size=400))
def test_any_bytes_get_an_answer(file: bytes) -> None:
    """They are no recording, or they are told what they lack."""
    walk(file)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(LENGTHS, KINDS), min_size=1), st.integers(0, 2**64), st.integers(0))
def test_no_size_and_no_row_of_headers_makes_it_go_on_for_long(
    headers: list[tuple[int, bytes]], size_bytes: int, seed: int
) -> None:
    """A file of any size, of which every read tells something else, or nothing any more.

    Seen failing with the bound on the number of boxes removed.
    """

    def read_at(offset: int, length: int) -> bytes:
        claimed, kind = headers[(offset + seed) % len(headers)]
        return struct.pack(">I4sQ", claimed, kind, offset ^ seed & 2**64 - 1)[: seed % 17]

    walked(read_at, size_bytes)


@pytest.mark.parametrize("name", [*POINTING, *LYING])
def test_every_hostile_file_is_walked(name: str) -> None:
    """None raises or makes the walk go on beyond its bound.

    Seen failing with that bound raised, and with lengths taken that are shorter than
    their own header.
    """
    to = Elsewhere(9, "/nowhere/secret.m4v")
    walk(LYING[name]() if name in LYING else POINTING[name](to))
