"""Recordings that grow as a test says, and whose every byte stays as it was written."""

import os
from dataclasses import dataclass, field
from typing import BinaryIO

from story.daemon import PART_BYTES


def box(kind: bytes, content: bytes) -> bytes:
    return (8 + len(content)).to_bytes(4, "big") + kind + content


def fragment(media_bytes: int) -> bytes:
    return box(b"moof", bytes(16)) + box(b"mdat", os.urandom(media_bytes))


@dataclass
class Recording:
    """A fragmented MP4: append-only, so that no part has to be sent twice because of it."""

    path: str
    content: bytes = b""
    _file: BinaryIO | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        return os.path.basename(self.path)

    def grow(self, parts: int = 1) -> "Recording":
        """So much more, and a little: that many parts are due, and it stays open."""
        if self._file is None:
            self._file = open(self.path, "wb", buffering=0)  # noqa: SIM115 - stays open
            self._write(box(b"ftyp", b"iso6" + bytes(12)) + box(b"moov", bytes(64)))
        self._write(fragment(parts * PART_BYTES))
        return self

    def close(self) -> None:
        assert self._file is not None
        self._write(fragment(50_000))
        self._file.close()

    def delete(self) -> None:
        """While it is still open."""
        assert self._file is not None
        os.unlink(self.path)
        self._file.close()

    def _write(self, piece: bytes) -> None:
        assert self._file is not None
        self._file.write(piece)
        self.content += piece
