"""The directories: there, readable, on what filesystem, watched how, and with room left."""

import os
import shutil
from collections.abc import Iterator

from cefmp4.adapters.disk import filesystem_of, is_network_filesystem
from cefmp4.adapters.inotify import InotifyNotifier
from cefmp4.assembly import make_selection
from cefmp4.config import Settings
from cefmp4.config_directories import is_missing
from cefmp4.core.model import AfterUpload
from cefmp4.doctor.report import Row, failed, fine, warning
from cefmp4.notices import WatchLimit
from cefmp4.selection import list_directories

LITTLE_ROOM_BYTES = 1024**3
MAX_WATCHES = "/proc/sys/fs/inotify/max_user_watches"
COUNT_AT_MOST = 100_000
"""Directories: more are not counted."""


def examine_disk(settings: Settings, holder: str = "", *, can_start: bool = True) -> list[Row]:
    """Blocks, and reads the names of all directories that are watched.

    `holder` works on this instance, if anybody does. Without `can_start` the directory cannot
    be made. That, and something else in its place, was told with the settings.
    """
    rows = list(_watch_dir(settings, holder, can_start=can_start))
    if settings.after_upload is AfterUpload.MOVE and settings.archive_dir:
        rows += _archive_dir(settings.archive_dir, settings.watch_dir)
    return rows


def _watch_dir(settings: Settings, holder: str, *, can_start: bool) -> Iterator[Row]:
    path, what = settings.watch_dir, "watched directory"
    if is_missing(path):
        if holder:
            found = f"{path} is gone, and {holder} works with it: if here, it sees no recording"
            yield failed(what, found, "mount it, or put back what was in it: it is waited for")
        elif can_start:
            mend = "mount it, or correct WATCH_DIR, unless it is to be made"
            yield warning(what, f"{path} is not there: the start makes it", mend)
        return
    try:
        with os.scandir(path):
            pass
    except NotADirectoryError:
        return  # told with the settings, which are wrong for good
    except OSError as error:
        mend = "give the user of the daemon permission to read it, or mount it anew"
        yield failed(what, f"{path}: {error.strerror}", mend)
        return
    yield fine(what, f"{path} can be read")
    if settings.after_upload is not AfterUpload.KEEP and not os.access(path, os.W_OK | os.X_OK):
        mend = "give the user of the daemon permission to write there, or AFTER_UPLOAD=keep"
        yield failed(f"AFTER_UPLOAD={settings.after_upload}", f"{path} is read-only", mend)
    yield _notifications(settings)
    yield _room(f"room beside {what}", path, "recorders stop when it is full")


def _notifications(settings: Settings) -> Row:
    """How new recordings are found."""
    what, path = "notifications", settings.watch_dir
    often = f"looked at every {settings.poll_interval_seconds:g} s"
    kind = filesystem_of(path) or "an unknown filesystem"
    if settings.watch_mode == "poll":
        return fine(what, f"turned off (WATCH_MODE=poll): {often}")
    if is_network_filesystem(path):
        return fine(what, f"{kind} sends none of other hosts: {often}")
    notifier = InotifyNotifier(path)
    try:
        notifier.add_directory(path)
    except WatchLimit as error:
        return warning(what, f"{error}: {often}", error.hint or "see the limits of inotify")
    finally:
        notifier.close()
    directories, allowed = _directories(settings), _number_in(MAX_WATCHES)
    told = f"{kind}, {directories} directories of at most {allowed} that one user may watch"
    if directories >= allowed:
        return warning(what, told, "raise the sysctl fs.inotify.max_user_watches")
    return fine(what, told)


def _directories(settings: Settings) -> int:
    selection = make_selection(settings)
    level, count = [selection.watch_dir], 0
    while level and count < COUNT_AT_MOST:
        count += len(level)
        level = list_directories(selection, level).directories
    return count


def _number_in(path: str) -> int:
    try:
        with open(path, encoding="ascii") as file:
            return int(file.read())
    except (OSError, ValueError):
        return COUNT_AT_MOST


def _archive_dir(path: str, watch_dir: str) -> Iterator[Row]:
    what, there = "archive directory", path
    while not os.path.lexists(there):
        there = os.path.dirname(there)
    if not os.path.isdir(there) or not os.access(there, os.W_OK | os.X_OK):
        mend = "make it writable for the user of the daemon, or correct ARCHIVE_DIR"
        yield failed(what, f"{there} cannot be written to", mend)
        return
    found = f"{path} can be written to"
    if os.path.isdir(watch_dir) and os.stat(there).st_dev != os.stat(watch_dir).st_dev:
        found += "; on another filesystem: recordings are copied there"
    yield fine(what, found)
    yield _room(f"room in {what}", there, "recordings stay where they are while it is full")


def examine_embedded(data_dir: str) -> Row:
    """The embedded store keeps every object there."""
    return _room("room in embedded data", data_dir, "nothing is stored while it is full")


def _room(what: str, path: str, then: str) -> Row:
    usage = shutil.disk_usage(path)
    told = f"{usage.free / 1024**3:,.1f} of {usage.total / 1024**3:,.1f} GiB free"
    if usage.free < LITTLE_ROOM_BYTES:
        return warning(what, told, f"make room: {then}")
    return fine(what, told)
