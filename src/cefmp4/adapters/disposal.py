"""`AFTER_UPLOAD`: the one place where a recording is ever removed or moved.

The file is first renamed, within its own directory, to a hidden name that carries the
stream id; only then is it looked at for the last time. So a recorder that opens the old
name in the meantime makes a new file and loses nothing; a file that turns out to be
another version, or to be still open for writing, is put back. After a crash the hidden
file is found again by its name.
"""

import asyncio
import errno
import os
import shutil
from collections.abc import Callable

from cefmp4.core.model import AfterUpload, FileVersion
from cefmp4.errors import ChunkProcessingError
from cefmp4.selection import Selection

MAX_NAME_BYTES = 255
"""Of one name, on every filesystem that counts."""


class LocalDisposal:
    """Deletes recordings, or moves them to `archive_dir` under the same relative path.

    `has_writer` tells whether some process has a file open for writing, as far as it can
    be known.
    """

    def __init__(
        self,
        what: AfterUpload,
        selection: Selection,
        archive_dir: str | None,
        has_writer: Callable[[str], bool],
    ) -> None:
        self._what, self._selection, self._archive_dir = what, selection, archive_dir
        self._has_writer = has_writer

    async def dispose(self, path: str, version: FileVersion, stream_id: str) -> str | None:
        """See `ports.Disposal`."""
        try:
            return await asyncio.to_thread(self._dispose, path, version, stream_id)
        except OSError as error:
            raise ChunkProcessingError(
                f"AFTER_UPLOAD={self._what}: {error.strerror}",
                hint="the daemon needs write permission on the recording's directory"
                " and on ARCHIVE_DIR",
            ) from error

    def _dispose(self, path: str, version: FileVersion, stream_id: str) -> str | None:
        hidden = os.path.join(os.path.dirname(path), f".cefmp4-{stream_id}")
        if _is_one_file(hidden, path):
            os.unlink(hidden)  # a crash while it was put back
        if not os.path.lexists(hidden):
            if self._selection.locate(path) != path:
                return None  # a link: neither it nor what it leads to is ours to touch
            if not _is_same(path, version):
                return None  # gone, or another version: not ours to touch
            self._require_no_writer(path)
            if self._what is AfterUpload.MOVE:
                # Before it is hidden: an archive that is away must not make it vanish.
                target, _ = self._targets(path, stream_id)
                os.makedirs(os.path.dirname(target), exist_ok=True)
            os.rename(path, hidden)
        try:
            same = _is_same(hidden, version)
            self._require_no_writer(hidden)  # nobody can open it under its old name now
        except ChunkProcessingError:
            _put_back(hidden, path, stream_id)
            raise
        if not same:
            _put_back(hidden, path, stream_id)
            return None
        if self._what is AfterUpload.DELETE:
            os.unlink(hidden)
            return "deleted"
        return "moved to " + self._move(hidden, path, stream_id)

    def _require_no_writer(self, path: str) -> None:
        """What a process that has it open writes next would go with the name."""
        if self._has_writer(path):
            raise ChunkProcessingError(
                "stored, but a process still has it open for writing",
                hint="it is deleted or moved once that process has closed it",
            )

    def _targets(self, path: str, stream_id: str) -> tuple[str, str]:
        return archived_paths(
            path, stream_id, self._selection.watch_dir, self._archive_dir or ""
        )

    def _move(self, hidden: str, path: str, stream_id: str) -> str:
        target, other = self._targets(path, stream_id)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if os.path.lexists(target):
            target = other
        try:
            os.rename(hidden, target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            _copy_then_unlink(hidden, target, stream_id)
        return target


def archived_paths(
    path: str, stream_id: str, watch_dir: str, archive_dir: str
) -> tuple[str, str]:
    """Where a recording belongs in the archive, and where if that place is taken."""
    target = os.path.join(archive_dir, os.path.relpath(path, watch_dir))
    return target, _beside(target, stream_id)


def _put_back(hidden: str, path: str, stream_id: str) -> None:
    """Give a file its name again, or one beside it when another file has taken that."""
    for name in (path, _beside(path, stream_id)):
        try:
            os.link(hidden, name, follow_symlinks=False)  # unlike rename, never replaces
        except FileExistsError:
            continue
        except OSError:  # no hard links here (FAT, some network mounts)
            if os.path.lexists(name):
                continue
            os.rename(hidden, name)
            return
        os.unlink(hidden)
        return


def _beside(path: str, stream_id: str) -> str:
    """The path with the stream id in its name, for where the path is taken."""
    stem, suffix = os.path.splitext(path)
    folder, _, name = os.fsencode(stem).rpartition(b"/")
    tail = os.fsencode(f"-{stream_id}{suffix}")
    return os.fsdecode(folder + b"/" + name[: max(0, MAX_NAME_BYTES - len(tail))] + tail)


def _is_one_file(one: str, other: str) -> bool:
    """Two names of one file."""
    try:
        return os.path.samestat(os.lstat(one), os.lstat(other))
    except FileNotFoundError:
        return False


def _is_same(path: str, version: FileVersion) -> bool:
    """The same bytes as far as stat tells.

    Not by its ctime, which a rename changes, nor by its device, whose number can be
    another after the machine was started again.
    """
    try:
        there = os.stat(path, follow_symlinks=False)
    except FileNotFoundError:
        return False
    seen = (there.st_ino, there.st_size, there.st_mtime_ns)
    return seen == (version.inode, version.size_bytes, version.mtime_ns)


def _copy_then_unlink(source: str, target: str, stream_id: str) -> None:
    """Across filesystems: the copy is on the disk, whole, before the source goes."""
    partial = os.path.join(os.path.dirname(target), f".cefmp4-{stream_id}.partial")
    shutil.copy2(source, partial)
    with open(partial, "rb") as copy:
        os.fsync(copy.fileno())
    os.rename(partial, target)
    os.unlink(source)
