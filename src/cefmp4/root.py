"""Whether the watched directory itself is there.

A disk that was unmounted looks like a directory in which everything was deleted. So the
directory is only believed when it can be read, lies on the device it lay on at first,
and has not lost all of several recordings at once. What must stay true: a doubt is told
as "away", never as a deletion.
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
        self._device: int | None = None

    def look(self) -> tuple[Identity | None, str]:
        """Its identity, or why it cannot be believed. Asks the disk: for a thread."""
        try:
            status = os.stat(self.path)
        except OSError as error:
            return None, os.strerror(error.errno or 0)
        if not stat.S_ISDIR(status.st_mode):
            return None, "not a directory"
        if self._device not in (None, status.st_dev):
            return None, "on another device than before; restart to take this one"
        return (status.st_dev, status.st_ino), ""

    def why_not_believed(self, found: int) -> str:
        """Why so many recordings cannot be the truth, empty when they can."""
        if not found and self.recordings >= SUDDENLY:
            return f"suddenly empty, {self.recordings} recordings are missing"
        return ""

    def settle(self, identity: Identity, recordings: int) -> None:
        """It is there, with so many recordings."""
        self._device = identity[0]
        self.recordings = recordings
