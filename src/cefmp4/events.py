"""What the watcher says: a name worth a look, or a whole scan of the watched directory.

An event is a hint and carries no truth: whoever gets one looks for itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from cefmp4.core.model import FileVersion


class WatcherChangeType(StrEnum):
    """What may have happened to a recording."""

    CREATE = "create"
    """It appeared: written anew, or moved in."""
    WRITE = "write"
    """It grew or changed, or a process that wrote to it closed it."""
    DELETE = "delete"
    """Its name is gone: deleted, or moved away."""
    IDLE = "idle"
    """It has been silent for a while."""


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """Look at this path."""

    change_type: WatcherChangeType
    path: str
    closed: bool = False
    """A WRITE that was told by a writer closing the file."""
    version: FileVersion | None = field(default=None, compare=False)
    """What stood there a moment ago, where a look led to this event."""


@dataclass(frozen=True, slots=True)
class Scan:
    """Everything that stands in the watched directory: the truth, taken now and then."""

    found: Mapping[str, FileVersion]
    """Path to version of every recording, empty ones too."""
    away: bool = False
    """The watched directory is gone, unmounted or suddenly empty; `found` tells nothing."""
    root: tuple[int, int] | None = None
    """Device and inode of the watched directory."""
    hidden: Sequence[str] = ()
    """Files that were hidden to be disposed of: by a stream at work, or by one that is gone."""
    unreadable: int = 0
    """Files and directories of which nothing is known, for they cannot be read."""
