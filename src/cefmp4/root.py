"""Whether the watched directory itself is there.

A disk that was unmounted looks like a directory in which everything was deleted. So an
empty directory is only believed when it is the one the recordings were in, by device and
inode, and has not lost several of them at once. What stands in a directory is believed
always. What must stay true: a doubt is told as "away", never as a deletion.

One that is not empty may still be another one than before. What is then missing is judged
recording by recording: `Checkpoint.root` tells in which directory it was (`Horizon`).
"""

import os
import stat

Identity = tuple[int, int]
"""Device and inode."""

SUDDENLY = 2
"""From so many recordings on, an empty directory is not taken for the work of a person."""


class Root:
    """The watched directory, and what is remembered of it."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.identity: Identity | None = None
        """As it was last seen, None while it is away: watches belong to one inode."""
        self.recordings = 0
        """How many stood in it when it was last there."""
        self._known_as: frozenset[Identity] = frozenset()
        """What it was when it was last there; empty when that is not known."""

    def expect(self, recordings: int, known_as: frozenset[Identity]) -> None:
        """So many recordings are known from before, when the directory was one of these."""
        self.recordings, self._known_as = recordings, known_as

    def look(self) -> tuple[Identity | None, str]:
        """Its identity, or why it cannot be believed. Asks the disk: for a thread."""
        try:
            status = os.stat(self.path)
        except OSError as error:
            return None, os.strerror(error.errno or 0)
        if not stat.S_ISDIR(status.st_mode):
            return None, "not a directory"
        return (status.st_dev, status.st_ino), ""

    def why_not_believed(self, identity: Identity, found: int) -> str:
        """Why so many recordings cannot be the truth, empty when they can."""
        if found:
            return ""
        if self._known_as and identity not in self._known_as:
            return "empty, and not the directory or disk it was before"
        if self.recordings >= SUDDENLY:
            return f"suddenly empty, {self.recordings} recordings are missing"
        return ""

    def settle(self, identity: Identity, recordings: int) -> None:
        """It is there, with so many recordings."""
        self.expect(recordings, frozenset({identity}))
