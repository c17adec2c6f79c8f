"""The box structure of an MP4, read from its top level only.

An MP4 is a row of boxes: 4 bytes of length, 4 letters of type, the content. A length
of 1 means that 8 more bytes hold the real one, 0 that the box goes on to the end of
the file (ISO/IEC 14496-12, 4.2). The walk jumps from header to header, so it costs a
few short reads however large the file is, and it believes nothing it reads.
"""

from dataclasses import dataclass


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
