"""The box walk: what it says of every kind of file, and that no bytes can upset it."""

import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cefmp4.core.mp4 import HEADER_BYTES, MAX_BOXES, Boxes, read_boxes


def box(kind: bytes, content: bytes = b"", length: int | None = None) -> bytes:
    """A box; `length` is what its header claims, if that is not the truth."""
    return struct.pack(">I4s", 8 + len(content) if length is None else length, kind) + content


def long_box(kind: bytes, content: bytes = b"", length: int | None = None) -> bytes:
    """A box with a length of 64 bits."""
    claimed = 16 + len(content) if length is None else length
    return struct.pack(">I4sQ", 1, kind, claimed) + content


def walk(file: bytes) -> Boxes:
    return read_boxes(lambda offset, length: file[offset : offset + length], len(file))


FTYP = box(b"ftyp", b"isom\0\0\2\0isommp41")
MOOV = box(b"moov", b"m" * 40)
MDAT = box(b"mdat", b"d" * 100)
MOOF = box(b"moof", b"f" * 20)
ORDINARY = FTYP + box(b"free") + MDAT + MOOV
FASTSTART = FTYP + MOOV + box(b"free") + MDAT
FRAGMENTED = FTYP + MOOV + (MOOF + MDAT) * 2
QUICKTIME = box(b"wide") + MDAT + MOOV
LONG = FTYP + long_box(b"mdat", b"d" * 9) + MOOV


@pytest.mark.parametrize(
    ("file", "fragmented", "faststart"),
    [
        pytest.param(ORDINARY, False, False, id="ordinary"),
        pytest.param(FASTSTART, False, True, id="faststart"),
        pytest.param(FRAGMENTED, True, True, id="fragmented"),
        pytest.param(
            FRAGMENTED + box(b"mfra", b"r" * 30), True, True, id="fragmented and mfra"
        ),
        pytest.param(LONG, False, False, id="length of 64 bits"),
        pytest.param(QUICKTIME, False, False, id="QuickTime without ftyp"),
    ],
)
def test_a_whole_file_is_complete(file: bytes, fragmented: bool, faststart: bool) -> None:
    """With moov and media, and the last box ending at the last byte, nothing is missing."""
    boxes = walk(file)
    assert (boxes.is_mp4, boxes.complete, boxes.problem) == (True, True, None)
    assert (boxes.fragmented, boxes.faststart) == (fragmented, faststart)


@pytest.mark.parametrize("file", [ORDINARY, FASTSTART, QUICKTIME, LONG])
def test_a_file_cut_off_anywhere_is_not_complete(file: bytes) -> None:
    """Whatever is missing at the end of a file that has no fragments, it is noticed."""
    for size in range(len(file)):
        assert not walk(file[:size]).complete, size


def test_a_fragmented_file_is_complete_after_each_fragment_only() -> None:
    """The structure allows an end there; whether it is one, the writer tells."""
    ends = [size for size in range(len(FRAGMENTED) + 1) if walk(FRAGMENTED[:size]).complete]
    assert ends == [len(FRAGMENTED) - len(MOOF + MDAT), len(FRAGMENTED)]


@pytest.mark.parametrize(
    ("file", "problem"),
    [
        (FTYP, "there is no moov box"),
        (FTYP + MOOV, "there is no media yet"),
        (FTYP + MOOV + box(b"mdat"), "there is no media yet"),
        (FTYP + MDAT, "there is no moov box"),
        (FTYP + MOOV + MOOF + MDAT + MOOF, "the media of the last fragment is not there yet"),
        (
            FTYP + box(b"free") + box(b"mdat", b"d" * 9, length=0),
            "the mdat box at byte 32 is still open",
        ),
        (
            FTYP + MOOV + box(b"mdat", b"d" * 9, length=0),
            "the mdat box at byte 72 is still open",
        ),
        (FTYP + long_box(b"mdat", b"d" * 9, length=0), "the mdat box at byte 24 is still open"),
        (
            FTYP + box(b"mdat", b"d", length=7),
            "the mdat box at byte 24 has the impossible length 7",
        ),
        (
            FTYP + long_box(b"mdat", length=15),
            "the mdat box at byte 24 has the impossible length 15",
        ),
        (
            FTYP + box(b"mdat", b"dd", length=20),
            "the mdat box at byte 24 is cut off, 10 bytes are missing",
        ),
        (
            FTYP + long_box(b"mdat", length=2**63),
            f"the mdat box at byte 24 is cut off, {2**63 - 16} bytes are missing",
        ),
        (FTYP + MOOV + bytes(300), "there is no box at byte 72, where one should begin"),
        (ORDINARY + b"\0\0\0", "the box at byte 188 is cut off within its header"),
        (ORDINARY + b"\0\0\0\1mdat\0\0", "the box at byte 188 is cut off within its header"),
        (
            ORDINARY + b"\x81\x82\x83\x84\x85\x86\x87\x88",
            "there is no box at byte 188, where one should begin",
        ),
    ],
)
def test_what_is_missing_is_said_in_one_sentence(file: bytes, problem: str) -> None:
    """An MP4 that is not complete says what keeps it from being so."""
    boxes = walk(file)
    assert (boxes.is_mp4, boxes.complete, boxes.problem) == (True, False, problem)


@pytest.mark.parametrize(
    ("file", "problem"),
    [
        (b"", "the file is empty"),
        (b"\0\0\0\x18fty", "the file is too short to tell"),
        (bytes(4096), "the file does not begin as an MP4 does"),
        (
            b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
            "the file does not begin as an MP4 does",
        ),
        (b"ffconcat version 1.0\nfile x\n", "the file does not begin as an MP4 does"),
        (b"\x1a\x45\xdf\xa3" + bytes(60), "the file does not begin as an MP4 does"),
        (box(b"ftyp", b"iso"), "the file does not begin as an MP4 does"),
        (box(b"free", length=3) + MOOV, "the file does not begin as an MP4 does"),
        (box(b"free", length=0) + MOOV, "the file does not begin as an MP4 does"),
    ],
)
def test_what_is_no_mp4_is_told_by_its_first_bytes(file: bytes, problem: str) -> None:
    """A file that begins otherwise is not walked at all."""
    assert walk(file) == Boxes(is_mp4=False, complete=False, problem=problem)


@pytest.mark.parametrize(
    ("file", "brand"),
    [
        (ORDINARY, "isom"),
        (FTYP, "isom"),
        (box(b"ftyp", b"qt  \0\0\0\0"), "qt  "),
        (box(b"ftyp", b"\xff\0iso\0\0\0"), None),
        (long_box(b"ftyp", b"isom\0\0\0\0"), None),
        (QUICKTIME, None),
    ],
)
def test_the_brand_is_that_of_ftyp(file: bytes, brand: str | None) -> None:
    """Only letters are taken for a brand."""
    assert walk(file).brand == brand


def test_a_length_of_32_bits_that_lies_about_64_is_believed_by_neither() -> None:
    """A header that promises a long length and ends there is cut off, not read beyond."""
    assert (
        walk(FTYP + b"\0\0\0\1mdat").problem
        == "the box at byte 24 is cut off within its header"
    )


def test_the_walk_ends_after_a_bounded_number_of_boxes() -> None:
    """A file made of nothing but headers costs no more than the bound, and is not complete."""
    reads = []

    def read_at(offset: int, length: int) -> bytes:
        reads.append(length)
        return box(b"free") * 2

    boxes = read_boxes(read_at, 8 * (MAX_BOXES + 1))
    assert boxes.is_mp4
    assert boxes.problem == f"more than {MAX_BOXES} boxes: the rest was not looked at"
    assert len(reads) == MAX_BOXES
    assert set(reads) == {HEADER_BYTES}


def test_as_many_boxes_as_are_looked_at_can_be_complete() -> None:
    """The bound itself is still within it."""
    headers = {0: FTYP, len(FTYP): MOOV, len(FTYP + MOOV): MDAT}
    size = len(FTYP + MOOV + MDAT) + 8 * (MAX_BOXES - 3)
    assert read_boxes(lambda offset, _: headers.get(offset, box(b"free"))[:16], size).complete


def test_a_file_that_shrinks_during_the_walk_is_cut_off() -> None:
    """Bytes that the size promised but nobody can read are missing bytes."""
    shrunk = read_boxes(lambda offset, length: FTYP[offset : offset + length], len(ORDINARY))
    assert shrunk.problem == "the box at byte 24 is cut off within its header"


KINDS = st.sampled_from([b"ftyp", b"moov", b"moof", b"mdat", b"free", b"uuid", b"\0\0\0\0"])
LENGTHS = st.one_of(st.none(), st.integers(0, 64), st.integers(0, 2**32 - 1))
BOXES = st.builds(box, KINDS, st.binary(max_size=24), LENGTHS)
LONG_BOXES = st.builds(
    long_box, KINDS, st.binary(max_size=24), st.one_of(st.none(), st.integers(0, 2**64 - 1))
)


@given(st.one_of(st.binary(max_size=200), st.lists(BOXES | LONG_BOXES).map(b"".join)))
@example(FTYP[:15])
def test_no_bytes_make_it_raise_and_complete_means_complete(file: bytes) -> None:
    """Any bytes get an answer; complete ones have moov and media, and end with a box."""
    boxes = walk(file)
    assert boxes.complete == (boxes.problem is None)
    if boxes.complete:
        assert boxes.is_mp4
        assert b"moov" in file
        assert b"mdat" in file
        assert not walk(file + b"\0").complete
        assert not walk(file[:-1]).complete
