"""Recordings of bytes: as good as real ones wherever nobody looks at the pictures."""

import os
import struct
from dataclasses import dataclass, field

MIB = 1024**2
FTYP = struct.pack(">I4s4sI4s", 20, b"ftyp", b"isom", 512, b"isom")
MOOV = struct.pack(">I4s8s", 16, b"moov", bytes(8))


def whole_mp4(content: bytes) -> bytes:
    """A complete MP4 around this content, as far as its boxes tell."""
    return FTYP + struct.pack(">I4s", 8 + len(content), b"mdat") + content + MOOV


@dataclass
class Footage:
    """A recording of which the first half is written now, and the rest later."""

    content: bytes = field(default_factory=lambda: whole_mp4(os.urandom(18 * MIB)))

    @property
    def half(self) -> int:
        return len(self.content) * 2 // 3

    def begin(self, path: str) -> None:
        """Two whole parts and something more."""
        with open(path, "xb") as file:
            file.write(self.content[: self.half])

    def end(self, path: str) -> None:
        with open(path, "ab") as file:
            file.write(self.content[self.half :])
