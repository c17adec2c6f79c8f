"""The box structure of an MP4, read from its top level only.

An MP4 is a row of boxes: 4 bytes of length, 4 letters of type, the content. A length
of 1 means that 8 more bytes hold the real one, 0 that the box goes on to the end of
the file (ISO/IEC 14496-12, 4.2). The walk jumps from header to header, so it costs a
few short reads however large the file is, and it believes nothing it reads.

`complete` is said of a structure, not of a recording: a fragmented file looks complete
after every fragment. Whether a writer is left is another question, asked elsewhere.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

ReadAt = Callable[[int, int], bytes]
"""The bytes from an offset on, up to a length; fewer only where the file ends."""

MAX_BOXES = 250_000
"""Fragments of one second fill a day with 172,800 boxes; walking all of these takes well
under a second. A file with more is never called complete: the idle time alone ends it."""

HEADER_BYTES = 16
FIRST_BOXES = frozenset(
    {
        b"ftyp",
        b"styp",
        b"pdin",
        b"moov",
        b"moof",
        b"mdat",
        b"sidx",
        b"free",
        b"skip",
        b"wide",  # QuickTime without ftyp begins with wide or mdat
        b"pnot",
        b"uuid",
    }
)
BRANDED_BOX_MIN_BYTES = 16


@dataclass(frozen=True, slots=True)
class Boxes:
    """What the top-level boxes of one file say."""

    is_mp4: bool
    """The file begins as an MP4 does."""
    complete: bool
    """`moov` is there, no box is cut off or open-ended, and the last ends at the last byte."""
    fragmented: bool = False
    """Media lies in `moof` + `mdat` pairs."""
    faststart: bool = False
    """`moov` comes before the first `mdat`: players can begin before the end is there."""
    brand: str | None = None
    """Major brand of `ftyp`."""
    problem: str | None = None
    """What keeps it from being complete, for people."""


class _Box(NamedTuple):
    kind: bytes
    header: bytes
    content_bytes: int
    problem: str | None


def read_boxes(read_at: ReadAt, size_bytes: int) -> Boxes:
    """Walk the top-level boxes of a file of `size_bytes`. No bytes make it raise.

    Of an error of `read_at` itself nothing is caught.
    """
    first: _Box | None = None
    last = b""
    moov = moof = media = faststart = False
    problem: str | None = None
    for box in _walk(read_at, size_bytes):
        if first is None:
            if not _begins_an_mp4(box):
                return Boxes(is_mp4=False, complete=False, problem=_not_an_mp4(box))
            first = box
        moov = moov or box.kind == b"moov"
        moof = moof or box.kind == b"moof"
        faststart = faststart or (box.kind == b"moov" and not media)
        media = media or (box.kind == b"mdat" and box.content_bytes > 0)
        last, problem = box.kind, box.problem
    if first is None:
        return Boxes(is_mp4=False, complete=False, problem="the file is empty")
    problem = problem or _missing(moov, media, last)
    return Boxes(
        is_mp4=True,
        complete=problem is None,
        fragmented=moof,
        faststart=faststart,
        brand=_brand(first),
        problem=problem,
    )


def _walk(read_at: ReadAt, size_bytes: int) -> Iterator[_Box]:
    """Box after box; one with a problem is the last."""
    offset = 0
    for _ in range(MAX_BOXES):
        if offset == size_bytes:
            return
        header = read_at(offset, HEADER_BYTES)
        kind, length, length_of_header = header[4:8], int.from_bytes(header[:4], "big"), 8
        if length == 1:
            length, length_of_header = int.from_bytes(header[8:16], "big"), 16
        problem = _problem(header, length, length_of_header, offset, size_bytes)
        yield _Box(kind, header, length - length_of_header, problem)
        if problem is not None:
            return
        offset += length
    if offset != size_bytes:
        yield _Box(b"", b"", 0, f"more than {MAX_BOXES} boxes: the rest was not looked at")


def _problem(
    header: bytes, length: int, length_of_header: int, offset: int, size_bytes: int
) -> str | None:
    """Why the walk cannot go on beyond this box."""
    kind = header[4:8]
    if len(header) < length_of_header:
        return f"the box at byte {offset} is cut off within its header"
    if not _is_printable(kind):
        return f"there is no box at byte {offset}, where one should begin"
    name = kind.decode("ascii")
    if length == 0:
        return f"the {name} box at byte {offset} is still open"
    if length < length_of_header:
        return f"the {name} box at byte {offset} has the impossible length {length}"
    if offset + length > size_bytes:
        missing = offset + length - size_bytes
        return f"the {name} box at byte {offset} is cut off, {missing} bytes are missing"
    return None


def _begins_an_mp4(box: _Box) -> bool:
    length = int.from_bytes(box.header[:4], "big")
    if box.kind in (b"ftyp", b"styp"):
        return length == 1 or length >= BRANDED_BOX_MIN_BYTES
    if box.kind == b"mdat":
        return length in (0, 1) or length >= 8
    return box.kind in FIRST_BOXES and (length == 1 or length >= 8)


def _not_an_mp4(box: _Box) -> str:
    if len(box.header) < 8:
        return "the file is too short to tell"
    return "the file does not begin as an MP4 does"


def _missing(moov: bool, media: bool, last: bytes) -> str | None:
    if not moov:
        return "there is no moov box"
    if not media:
        return "there is no media yet"
    if last == b"moof":
        return "the media of the last fragment is not there yet"
    return None


def _brand(first: _Box) -> str | None:
    brand = first.header[8:12]
    if first.kind != b"ftyp" or first.header[:4] == b"\0\0\0\1" or not _is_printable(brand):
        return None
    return brand.decode("ascii")


def _is_printable(letters: bytes) -> bool:
    return len(letters) == 4 and letters.isascii() and letters.decode("ascii").isprintable()
