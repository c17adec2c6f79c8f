"""Recordings to upload: complete MP4s of any size, real ones, and many that grow slowly."""

import os
import struct

from cefmp4.core.geometry import Geometry

MIB = 1024**2
GB = 10**9
FTYP = struct.pack(">I4s4sI4s", 20, b"ftyp", b"isom", 512, b"isom")
MOOV = struct.pack(">I4s8s", 16, b"moov", bytes(8))
OPEN_MDAT = struct.pack(">I4s", 0, b"mdat")
"""Goes on to the end of the file: a recorder that has not closed it."""


def whole_mp4(path: str, size_bytes: int, *, sparse: bool = False) -> None:
    """A complete MP4 as far as its boxes tell: one large mdat between ftyp and moov."""
    mdat = struct.pack(">I4sQ", 1, b"mdat", size_bytes - len(FTYP) - len(MOOV))
    with open(path, "wb") as file:
        file.write(FTYP + mdat)
        block = os.urandom(MIB)
        while not sparse and file.tell() < size_bytes - MIB:
            file.write(block)
        file.truncate(size_bytes)
        file.seek(size_bytes - len(MOOV))
        file.write(MOOV)


def growing_mp4(path: str, size_bytes: int = 0) -> None:
    """The beginning of a recording that is not closed yet; sparse beyond its first box."""
    with open(path, "wb") as file:
        file.write(FTYP + OPEN_MDAT)
        file.truncate(max(size_bytes, file.tell()))


def warm(path: str) -> None:
    """Have it in the page cache, and nothing waiting to be written."""
    with open(path, "rb", buffering=0) as file:
        while file.read(8 * MIB):
            pass
    os.sync()


def floor_bytes(size_bytes: int, geometry: Geometry) -> int:
    """What must be sent after the close of an ordinary MP4: part 1, and the tail."""
    spans = list(geometry.spans(size_bytes))
    if len(spans) == 1:
        return size_bytes
    last = spans[-1]
    whole = last.length == geometry.length_of(last.number)
    return spans[0].length + (0 if whole else last.length)
