"""`AFTER_UPLOAD`: the one place where a recording is ever removed or moved.

The file is first renamed, within its own directory, to a hidden name that carries the
stream id and its own name; only then is it looked at for the last time. So a recorder
that opens the old name in the meantime makes a new file and loses nothing; a file that
turns out to be another version, to be still open for writing, or that cannot go where it
should, is put back. After a crash the hidden file is found again by its name.

What must stay true: at every moment at least one whole copy stands under some name, and
no name is ever taken from another file.
"""

import asyncio
import errno
import filecmp
import os
import shutil
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from cefmp4.core.hiding import distinct_path, hidden_path, names_behind
from cefmp4.core.model import AfterUpload, FileVersion
from cefmp4.errors import ChunkProcessingError
from cefmp4.selection import Selection

BLOCK_BYTES = 1024**2
AT_ONCE = 2
"""A slow archive must not take every thread there is."""
HINTS = {
    errno.ENOSPC: "make room in ARCHIVE_DIR",
    errno.EDQUOT: "make room in ARCHIVE_DIR",
    errno.EROFS: "mount the recording's filesystem and that of ARCHIVE_DIR for writing",
}


@dataclass(frozen=True, slots=True)
class Case:
    """One stored recording that is to go."""

    path: str
    version: FileVersion
    """What was stored of it."""
    stream_id: str

    @property
    def hidden(self) -> str:
        return hidden_path(self.path, self.stream_id)

    def is_at(self, path: str) -> bool:
        """The same bytes as far as stat tells.

        Not by its ctime, which a rename changes, nor by its device, whose number can be
        another after the machine was started again.
        """
        try:
            there = os.stat(path, follow_symlinks=False)
        except FileNotFoundError:
            return False
        known = self.version
        seen = (there.st_ino, there.st_size, there.st_mtime_ns)
        return seen == (known.inode, known.size_bytes, known.mtime_ns)

    def put_back(self) -> None:
        """Its own name again, or one beside it when another file has taken that."""
        with suppress(FileNotFoundError):
            move_to_free(self.hidden, self.path, distinct_path(self.path, self.stream_id))


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
        self._at_once = asyncio.Semaphore(AT_ONCE)

    async def dispose(self, path: str, version: FileVersion, stream_id: str) -> str | None:
        """See `ports.Disposal`."""
        try:
            async with self._at_once:
                return await asyncio.to_thread(self._dispose, path, version, stream_id)
        except OSError as error:
            raise self._failed(error) from error

    async def reveal(self, hidden: str) -> str | None:
        """See `ports.Disposal`."""
        names = names_behind(hidden)
        if names is None:
            return None
        try:
            return await asyncio.to_thread(move_to_free, hidden, *names)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._failed(error) from error

    def _failed(self, error: OSError) -> ChunkProcessingError:
        otherwise = (
            "the daemon needs write permission on the recording's directory and on ARCHIVE_DIR"
        )
        return ChunkProcessingError(
            f"AFTER_UPLOAD={self._what}: {error.strerror}",
            hint=HINTS.get(error.errno or 0, otherwise),
        )

    def _dispose(self, path: str, version: FileVersion, stream_id: str) -> str | None:
        case = Case(path, version, stream_id)
        if _is_one_file(case.hidden, path):
            os.unlink(case.hidden)  # a crash while it was put back
        resumed = os.path.lexists(case.hidden)
        if not resumed:
            if self._selection.locate(path) != path:
                return None  # a link: neither it nor what it leads to is ours to touch
            if not case.is_at(path):
                return None  # gone, or another version: not ours to touch
            self._require_no_writer(path)
            if self._what is AfterUpload.MOVE:
                # Before it is hidden: an archive that is away must not make it vanish.
                os.makedirs(os.path.dirname(self._targets(case)[0]), exist_ok=True)
            os.rename(path, case.hidden)
        try:
            done = self._dispose_hidden(case, resumed=resumed)
        except (OSError, ChunkProcessingError):
            case.put_back()
            raise
        if done is None:
            case.put_back()
        return done

    def _dispose_hidden(self, case: Case, *, resumed: bool) -> str | None:
        """None, and nothing done, when what was hidden is another version."""
        if not self._is_final(case):
            return None
        if self._what is AfterUpload.DELETE:
            os.unlink(case.hidden)
            return "deleted"
        there = self._move(case, resumed=resumed)
        return there and f"moved to {there}"

    def _move(self, case: Case, *, resumed: bool) -> str | None:
        targets = self._targets(case)
        os.makedirs(os.path.dirname(targets[0]), exist_ok=True)
        try:
            return move_to_free(case.hidden, *targets)
        except OSError as error:
            if error.errno not in (errno.EXDEV, errno.EEXIST):
                raise
        return self._copy_over(case, targets, resumed=resumed)

    def _copy_over(self, case: Case, targets: tuple[str, ...], *, resumed: bool) -> str | None:
        """To another filesystem: the copy is on the disk, whole, before the file goes."""
        folder = os.path.dirname(targets[0])
        partial = os.path.join(folder, f".cefmp4-{case.stream_id}.partial")
        there = _copied_to(case.hidden, targets) if resumed else None
        try:
            if there is None:
                _remove(partial)
                copy_whole(case.hidden, partial)
                if not self._is_final(case):  # the copying may have taken long
                    return None
                there = move_to_free(partial, *targets)
        finally:
            _remove(partial)
        _flush_directory(folder)
        os.unlink(case.hidden)
        return there

    def _is_final(self, case: Case) -> bool:
        """It is the version that was stored, and nobody can change that any more.

        The writer is asked first, so that what it wrote before it closed is seen.
        """
        self._require_no_writer(case.hidden)
        return case.is_at(case.hidden)

    def _require_no_writer(self, path: str) -> None:
        """What a process that has it open writes next would go with the name."""
        if self._has_writer(path):
            raise ChunkProcessingError(
                "stored, but a process still has it open for writing",
                hint="it is deleted or moved once that process has closed it",
            )

    def _targets(self, case: Case) -> tuple[str, str]:
        watch_dir, archive_dir = self._selection.watch_dir, self._archive_dir or ""
        return archived_paths(case.path, case.stream_id, watch_dir, archive_dir)


def archived_paths(
    path: str, stream_id: str, watch_dir: str, archive_dir: str
) -> tuple[str, str]:
    """Where a recording belongs in the archive, and where if that place is taken."""
    target = os.path.join(archive_dir, os.path.relpath(path, watch_dir))
    return target, distinct_path(target, stream_id)


def move_to_free(source: str, *names: str) -> str:
    """Give a file the first of these names that is free, or that is its own already.

    Unlike a rename, a link never replaces. Where there are none (FAT, some network
    mounts, other people's files) all that is left is to look before.
    Raises FileExistsError when none is free.
    """
    for name in names:
        if _is_one_file(source, name):  # a crash between the two steps
            os.unlink(source)
            return name
        try:
            os.link(source, name, follow_symlinks=False)
        except FileExistsError:
            continue
        except OSError:
            if os.path.lexists(name):
                continue
            os.rename(source, name)
            return name
        os.unlink(source)
        return name
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), names[-1])


def _is_one_file(one: str, other: str) -> bool:
    """Two names of one file."""
    try:
        return os.path.samestat(os.lstat(one), os.lstat(other))
    except FileNotFoundError:
        return False


# --- across filesystems ------------------------------------------------------------------


def copy_whole(source: str, copy: str) -> None:
    """A new file with the bytes, times and mode of another: on the disk when this returns."""
    if shutil.disk_usage(os.path.dirname(copy)).free < os.stat(source).st_size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with open(source, "rb") as old, open(copy, "xb", opener=_for_us_alone) as new:
        shutil.copyfileobj(old, new, BLOCK_BYTES)
        new.flush()
        shutil.copystat(source, copy)
        os.fsync(new.fileno())


def _for_us_alone(path: str, flags: int) -> int:
    """Whoever may not read the recording may not read an unfinished copy of it either."""
    return os.open(path, flags, 0o600)


def _copied_to(hidden: str, targets: tuple[str, ...]) -> str | None:
    """Where a whole copy stands whose original was not yet removed when the process died."""
    size = os.lstat(hidden).st_size
    for target in targets:
        with suppress(FileNotFoundError):
            there = os.lstat(target)
            if (
                stat.S_ISREG(there.st_mode)
                and there.st_size == size
                and filecmp.cmp(hidden, target, shallow=False)
            ):
                return target
    return None


def _remove(path: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(path)


def _flush_directory(path: str) -> None:
    """A name in it is on the disk when this returns, where the filesystem can do that."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with suppress(OSError):
            os.fsync(fd)
    finally:
        os.close(fd)
