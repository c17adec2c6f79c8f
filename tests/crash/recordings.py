"""Recordings as a muxer leaves them on the disk: while they grow, and once it has closed them.

They are muxed once per session and written anew for every case, in two bursts: so a
case costs the time of the daemon and not that of an encoder.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from contract.media import Flavour, record
from story.daemon import PART_BYTES

BURST_BYTES = 2 * PART_BYTES + PART_BYTES // 8
"""Two whole parts and the beginning of a third."""


@dataclass(frozen=True, slots=True)
class Muxed:
    """What a real muxer wrote."""

    early: bytes
    """The beginning, as it was while it was recording."""
    final: bytes
    """All of it, after the close."""

    @property
    def early_parts(self) -> int:
        """How many whole parts can be sent before the close."""
        return len(self.early) // PART_BYTES


def muxed(folder: Path, flavour: Flavour, frames: int) -> Muxed:
    """A recording of so many pictures, of some 2 KB each."""
    path = folder / f"{flavour.name}-{frames}.mp4"
    early: list[bytes] = []
    record(
        str(path), flavour, frames=frames, before_close=lambda: early.append(path.read_bytes())
    )
    return Muxed(early[0][:BURST_BYTES], path.read_bytes())


class Growing:
    """A file that its recorder still has open."""

    def __init__(self, path: str, content: Muxed) -> None:
        self.path, self.content, self.closed = path, content, False
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        os.pwrite(self._file, content.early, 0)

    def close(self) -> None:
        """Write the rest, then patch the beginning, as the muxer did."""
        if not self.closed:
            early, final = self.content.early, self.content.final
            os.pwrite(self._file, final[len(early) :], len(early))
            for at in range(0, len(early), 4096):
                if early[at : at + 4096] != final[at : at + 4096]:
                    os.pwrite(self._file, final[at : at + 4096][: len(early) - at], at)
            os.close(self._file)
            self.closed = True
