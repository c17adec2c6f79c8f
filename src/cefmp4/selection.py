"""Which names are recordings, and what of them stands in a set of directories.

One rule for notifications, scans, polling and reading alike, so that no way of finding a
file disagrees with another. A recording is a regular file that lies inside the watched
directory itself. Links to directories are never followed, so nothing is found twice and
nothing goes round in circles; links to files only with FOLLOW_SYMLINKS, only to files
inside the watched directory, and not to those that are recordings under their own name.
"""

import errno
import fnmatch
import os
import re
import stat
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import TypeVar

from cefmp4.core.hiding import names_behind
from cefmp4.core.model import FileVersion

LEADS_NOWHERE = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}
"""What a dangling link and one that goes round in circles end with."""
LOST_AND_FOUND = "lost+found"
"""Directly in the root of a disk: of the file system, and closed to all but root."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The part of the file tree that is watched, and the names that count there."""

    watch_dir: str
    """Absolute."""
    patterns: tuple[str, ...]
    """Shell patterns for file names; case is ignored."""
    excluded_dirs: tuple[str, ...] = ()
    """Absolute; nothing inside them is a recording (archive, embedded data)."""
    follow_symlinks: bool = False
    """Whether a link to a file can be a recording."""

    def wants(self, path: str) -> bool:
        """Whether a regular file of this path would be a recording."""
        folder, _, name = path.rpartition("/")
        return self.wants_name(name) and self.wants_directory(folder)

    def wants_name(self, name: str) -> bool:
        """Whether a file of this name is a recording, in a directory that is wanted."""
        return not name.startswith(".") and bool(_matcher(self.patterns).match(name))

    def wants_directory(self, path: str) -> bool:
        """Whether recordings can lie directly in this directory."""
        root = self.watch_dir.rstrip("/")
        if path.rstrip("/") == root:
            return True
        if not path.startswith(root + "/"):
            return False
        parts = path[len(root) + 1 :].split("/")
        if parts[0] == LOST_AND_FOUND or any(part.startswith(".") for part in parts):
            return False
        return not self._is_excluded(path)

    def locate(self, path: str) -> str | None:
        """Where the file that `path` stands for is; None behind a link that is not followed.

        Asks the disk, which may be another when the answer is used: whoever opens the file
        makes sure of where it is. A path that is not below the watched directory is
        another run's; it is left as it is. Raises OSError when it cannot be told.
        """
        root = self.watch_dir.rstrip("/")
        if not path.startswith(root + "/"):
            return path
        folder = root
        for name in path[len(root) + 1 :].split("/")[:-1]:
            folder += "/" + name
            if os.path.islink(folder):
                return None
        return self.locate_below(path)

    def locate_below(self, path: str) -> str | None:
        """As `locate`, when no folder on the way to `path` is a link."""
        if self.follow_symlinks and os.path.islink(path):
            return self._target(path)
        return path

    def _target(self, link: str) -> str | None:
        """The file inside the watched directory that a link leads to, if only links do."""
        try:
            target = os.path.realpath(link, strict=True)
        except OSError as error:
            if error.errno in LEADS_NOWHERE:
                return None
            raise
        root = os.path.realpath(self.watch_dir)
        if not is_within(target, root):
            return None
        name = self.watch_dir.rstrip("/") + target[len(root.rstrip("/")) :]
        return None if self.wants(name) or self._is_excluded(name) else target

    def _is_excluded(self, path: str) -> bool:
        return any(is_within(path, excluded) for excluded in self._excluded_inside())

    def _excluded_inside(self) -> Iterable[str]:
        """An archive *above* the watched directory excludes nothing in it."""
        root = self.watch_dir.rstrip("/") + "/"
        return (folder for folder in self.excluded_dirs if folder.startswith(root))


@dataclass(slots=True)
class Listing:
    """What was found directly in some directories."""

    files: dict[str, FileVersion] = field(default_factory=dict)
    directories: list[str] = field(default_factory=list)
    """Those that are wanted, one level down."""
    unreadable: dict[str, str] = field(default_factory=dict)
    """Path to the system's reason: what stands there is not known, and not gone."""
    hidden: list[str] = field(default_factory=list)
    """Recordings that were hidden to be disposed of."""

    def add(self, other: "Listing") -> None:
        self.files.update(other.files)
        self.directories.extend(other.directories)
        self.unreadable.update(other.unreadable)
        self.hidden.extend(other.hidden)


def list_directories(
    selection: Selection,
    directories: Iterable[str],
    known: Mapping[str, FileVersion] = MappingProxyType({}),
) -> Listing:
    """The recordings directly in these directories. Blocks: for a thread.

    Of what has not changed since it was `known`, the very values known are given.
    """
    listing = Listing()
    for directory in directories:
        try:
            with os.scandir(directory) as entries:
                for entry in entries:
                    _sort_in(selection, entry, listing, known)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            listing.unreadable[directory] = os.strerror(error.errno or 0)
    return listing


def list_tree(selection: Selection) -> Listing:
    """All recordings in the watched directory and below it. Blocks: for a thread."""
    tree, level = Listing(), [selection.watch_dir]
    while level:
        listing = list_directories(selection, level)
        tree.add(listing)
        level = listing.directories
    return tree


def is_within(path: str, folder: str) -> bool:
    """Whether `path` is `folder` or lies somewhere below it."""
    folder = folder.rstrip("/")
    return path == folder or path.startswith(folder + "/")


def _sort_in(
    selection: Selection,
    entry: os.DirEntry[str],
    listing: Listing,
    known: Mapping[str, FileVersion],
) -> None:
    try:
        if entry.is_dir(follow_symlinks=False):
            if selection.wants_directory(entry.path):
                listing.directories.append(entry.path)
        elif names_behind(entry.name):
            if entry.is_file(follow_symlinks=False):
                listing.hidden.append(entry.path)
        elif not selection.wants_name(entry.name):
            return
        elif entry.is_file(follow_symlinks=False):
            found = entry.stat(follow_symlinks=False)
            listing.files[entry.path] = version_of(found, known.get(entry.path))
        elif selection.follow_symlinks and (version := look(selection, entry.path)):
            listing.files[entry.path] = version
    except FileNotFoundError:
        return  # gone since it was listed
    except OSError as error:
        listing.unreadable[entry.path] = os.strerror(error.errno or 0)


def look(selection: Selection, path: str) -> FileVersion | None:
    """The regular file that `path` stands for; None for anything else.

    Raises OSError when that cannot be told just now.
    """
    place = selection.locate(path)
    return None if place is None else _version_at(place)


Failure = TypeVar("Failure")


def look_at_all(
    selection: Selection,
    known: Iterable[tuple[str, FileVersion | None]],
    failed: Callable[[str, OSError], Failure],
) -> list[FileVersion | Failure | None]:
    """`look` at many paths, each with what was last seen there; errors as `failed` tells them.

    A folder is asked once whether it is a link, not once for every file in it: that is most
    of what a single look costs. Blocks: for a thread.
    """
    root, behind_link = selection.watch_dir.rstrip("/"), _BehindLink()
    behind_link[root] = False
    looks: list[FileVersion | Failure | None] = []
    for path, before in known:
        try:
            place: str | None = path
            if path.startswith(root + "/"):
                folder = path[: path.rfind("/")]
                place = None if behind_link[folder] else selection.locate_below(path)
            looks.append(None if place is None else _version_at(place, before))
        except OSError as error:
            looks.append(failed(path, error))
    return looks


class _BehindLink(dict[str, bool]):
    """Whether a folder, or one that it is in, is a link; each is asked once."""

    def __missing__(self, folder: str) -> bool:
        told = self[folder[: folder.rfind("/")]] or os.path.islink(folder)
        self[folder] = told
        return told


def _version_at(place: str, before: FileVersion | None = None) -> FileVersion | None:
    try:
        found = os.lstat(place)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return version_of(found, before) if stat.S_ISREG(found.st_mode) else None


def version_of(found: os.stat_result, before: FileVersion | None = None) -> FileVersion:
    """What `stat` told, as a value: `before` itself where it says the same."""
    if (
        before is not None
        and before.size_bytes == found.st_size
        and before.mtime_ns == found.st_mtime_ns
        and before.ctime_ns == found.st_ctime_ns
        and before.inode == found.st_ino
        and before.device == found.st_dev
    ):
        return before
    return FileVersion(
        found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
    )


@cache
def _matcher(patterns: tuple[str, ...]) -> re.Pattern[str]:
    either = "|".join(map(fnmatch.translate, patterns))
    return re.compile(either or r"(?!)", re.IGNORECASE)
