"""What an operating system says of directories, and how it is asked.

Notices are raw: of names of any kind, not yet filtered, and not to be trusted to be
complete. `adapters/inotify.py` is the real Notifier.
"""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from cefmp4.errors import CefMP4Error


class NoticeKind(StrEnum):
    """What the operating system said."""

    CREATED = "created"
    MOVED_IN = "moved_in"
    CLOSED = "closed"
    """A process that had it open for writing closed it."""
    DELETED = "deleted"
    """Deleted, or moved away."""
    DIRECTORY_APPEARED = "directory_appeared"
    """Created or moved in; it is not watched yet."""
    DIRECTORY_DELETED = "directory_deleted"
    """It was empty by then: nothing is left below it."""
    DIRECTORY_MOVED_AWAY = "directory_moved_away"
    """With all that is below it."""
    OVERFLOW = "overflow"
    """Notices were lost."""
    ROOT_GONE = "root_gone"
    """The watched directory itself was deleted, moved or unmounted."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing the operating system said, of a name of any kind: not yet filtered."""

    kind: NoticeKind
    path: str = ""


class WatchLimit(CefMP4Error):
    """The system gives no more watches, or none at all."""

    transient = False


class Notifier(Protocol):
    """A source of notices about directories, each one watched on its own.

    Everything is called on the event loop. Any call, and the iteration, may raise
    WatchLimit. Watches that stand go on telling until `close`.
    """

    def add_directory(self, path: str) -> bool:
        """Watch this directory. False when it is gone or may not be read."""
        ...

    def remove_directories(self, paths: Iterable[str]) -> None:
        """Stop watching exactly these directories; watched or not."""
        ...

    def __aiter__(self) -> AsyncIterator[Notice]: ...

    def close(self) -> None: ...
