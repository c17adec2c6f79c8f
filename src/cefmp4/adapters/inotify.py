"""The one door to inotify: what the kernel says of each watched directory.

Asked for are creation, moves, close-write and deletion, never IN_MODIFY: one event per
write call would flood the queue. Paths are kept here by watch descriptor, because the
library goes on naming a directory as it was first called after it was moved.
What must stay true: an event of a descriptor that was given up is not told.
"""

import errno
import os
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress

from asyncinotify import Event, Inotify, Mask, Watch

from cefmp4.notices import Notice, NoticeKind, WatchLimit

ASKED_FOR = (
    Mask.CREATE
    | Mask.MOVED_TO
    | Mask.MOVED_FROM
    | Mask.CLOSE_WRITE
    | Mask.DELETE
    | Mask.DELETE_SELF
    | Mask.MOVE_SELF
    | Mask.ONLYDIR
)
NOT_TO_BE_WATCHED = {errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.EPERM, errno.ELOOP}
EVENTS_AT_A_TIME = 64

KINDS = {
    Mask.CREATE: (NoticeKind.CREATED, NoticeKind.DIRECTORY_APPEARED),
    Mask.MOVED_TO: (NoticeKind.MOVED_IN, NoticeKind.DIRECTORY_APPEARED),
    Mask.MOVED_FROM: (NoticeKind.DELETED, NoticeKind.DIRECTORY_MOVED_AWAY),
    Mask.DELETE: (NoticeKind.DELETED, NoticeKind.DIRECTORY_DELETED),
    Mask.CLOSE_WRITE: (NoticeKind.CLOSED, NoticeKind.CLOSED),
}
"""What an event means for a file, and for a directory."""


class InotifyNotifier:
    """The Notifier port for `root` and the directories below it. Opened when first used."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._inotify: Inotify | None = None
        self._watches: dict[str, Watch] = {}
        self._paths: dict[int, str] = {}
        """By watch descriptor; the kernel does not give one out again soon."""

    def add_directory(self, path: str) -> bool:
        """See Notifier. Links are followed for the root alone, which a person has named."""
        mask = ASKED_FOR if path == self._root else ASKED_FOR | Mask.DONT_FOLLOW
        try:
            watch = self._opened().add_watch(os.fsencode(path), mask)
        except OSError as error:
            if error.errno in NOT_TO_BE_WATCHED:
                return False
            raise _limit(error) from error
        self._watches[path] = watch
        self._paths[watch.wd] = path
        return True

    def remove_directories(self, paths: Iterable[str]) -> None:
        """See Notifier."""
        for path in paths:
            watch = self._watches.pop(path, None)
            if watch is None or self._paths.get(watch.wd) != path:
                continue  # the kernel gives the one of a moved directory its new name too
            del self._paths[watch.wd]
            with suppress(OSError):  # the kernel has dropped it with its directory
                self._opened().rm_watch(watch)

    def close(self) -> None:
        """Give every watch back."""
        if self._inotify is not None:
            self._inotify.close()

    async def __aiter__(self) -> AsyncIterator[Notice]:
        try:
            inotify = self._opened()
        except OSError as error:
            raise _limit(error) from error
        while True:
            notice = self._notice(await inotify.get())
            if notice is not None:
                yield notice

    def _opened(self) -> Inotify:
        if self._inotify is None:
            self._inotify = Inotify(cache_size=EVENTS_AT_A_TIME)
            # The library's own NONBLOCK flag is O_CLOEXEC by mistake (4.4).
            os.set_blocking(self._inotify.fd, False)
        return self._inotify

    def _notice(self, event: Event) -> Notice | None:
        if Mask.Q_OVERFLOW in event.mask:
            return Notice(NoticeKind.OVERFLOW)
        watch = event.watch
        directory = self._paths.get(watch.wd) if watch is not None else None
        if watch is None or directory is None:
            return None
        if Mask.IGNORED in event.mask or Mask.MOVE_SELF in event.mask:
            return self._lost(watch, directory, moved=Mask.MOVE_SELF in event.mask)
        if event.name is None:
            return None  # DELETE_SELF and UNMOUNT: IGNORED follows
        for mask, (of_file, of_directory) in KINDS.items():
            if mask in event.mask:
                kind = of_directory if Mask.ISDIR in event.mask else of_file
                return Notice(kind, os.path.join(directory, str(event.name)))
        return None

    def _lost(self, watch: Watch, directory: str, *, moved: bool) -> Notice | None:
        """The watched directory itself is gone: deleted, moved or unmounted."""
        if directory == self._root:
            return Notice(NoticeKind.ROOT_GONE)
        if moved:
            return None  # its parent tells
        del self._paths[watch.wd]
        if self._watches.get(directory) is not watch:
            return None  # another one has its name already
        del self._watches[directory]
        return Notice(NoticeKind.DIRECTORY_DELETED, directory)


def _limit(error: OSError) -> WatchLimit:
    hint = {
        errno.ENOSPC: "raise the sysctl fs.inotify.max_user_watches",
        errno.EMFILE: "raise the sysctl fs.inotify.max_user_instances, or LimitNOFILE",
    }.get(error.errno or 0, "")
    return WatchLimit(f"inotify: {os.strerror(error.errno or 0)}", hint=hint)
