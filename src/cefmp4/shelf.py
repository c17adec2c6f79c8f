"""Recordings that need nothing: stored ones, and those set aside until a person acts.

The shelf mirrors, in memory, what the state server remembers of them, so that a scan
over a hundred thousand files asks it nothing.
"""

from collections.abc import Container, Mapping
from types import MappingProxyType

from cefmp4.core.model import FileVersion
from cefmp4.ports import Fingerprint

Root = tuple[int, int] | None


class Shelf:
    """Knows a recording again by path and fingerprint, or path and inode."""

    def __init__(self) -> None:
        self._stored: dict[str, Fingerprint] = {}
        self._latest: dict[Fingerprint, tuple[str, Fingerprint]] = {}
        """By looks: the last path, and all that is remembered."""
        self._parked: dict[str, dict[int, Root]] = {}
        """Path to the inodes of what was set aside there, and in which directory it was."""

    def restore(self, fingerprints: Mapping[str, Fingerprint]) -> None:
        """Take over what was remembered at the start."""
        for path, fingerprint in fingerprints.items():
            self.store(path, fingerprint)

    @property
    def stored(self) -> Mapping[str, Fingerprint]:
        """Every stored recording, by its path."""
        return MappingProxyType(self._stored)

    def store(self, path: str, fingerprint: Fingerprint) -> None:
        """This version stands in the store."""
        self._stored[path] = fingerprint
        self._latest[fingerprint] = path, fingerprint
        self._parked.pop(path, None)

    def park(self, path: str, inode: int, root: Root = None) -> None:
        """This file failed or was aborted; it is not begun again by itself.

        `root` is the watched directory it was in, by device and inode, if that is known.
        """
        self._parked.setdefault(path, {})[inode] = root

    def unpark(self, path: str, inode: int | None = None) -> None:
        """What was set aside is gone, and its inode may be given to another.

        Only this inode's where it is to be retried: another may be set aside there too.
        """
        known = self._parked.pop(path, {})
        left = {other: root for other, root in known.items() if inode not in (None, other)}
        if left:
            self._parked[path] = left

    def keep_parked(self, found: Container[str], roots: Container[Root] = ()) -> None:
        """Of those set aside, keep the ones that still stand, or are in another directory.

        `roots` is what the watched directory is known as now.
        """
        for path in [path for path in self._parked if path not in found]:
            for inode, root in self._parked.pop(path).items():
                if root is not None and root not in roots:
                    self.park(path, inode, root)

    @property
    def set_aside(self) -> int:
        """How many wait for a person."""
        return sum(map(len, self._parked.values()))

    def is_parked(self, path: str) -> bool:
        """Something is set aside there."""
        return path in self._parked

    def knows(self, path: str, version: FileVersion) -> bool:
        """Nothing is to be done about what stands there."""
        stored = self._stored.get(path)
        if stored is not None and stored.is_untouched(version):
            return True
        return version.inode in self._parked.get(path, ())

    def stored_like(self, path: str, version: FileVersion) -> Fingerprint | None:
        """What is stored under this path, if by its looks it can still be what stands there."""
        stored = self._stored.get(path)
        return stored if stored == Fingerprint.of(version) else None

    def path_of(self, fingerprint: Fingerprint) -> str | None:
        """Where a stored recording with this fingerprint was last."""
        found = self._latest.get(fingerprint)
        return found[0] if found else None

    def recall(self, version: FileVersion) -> tuple[str, Fingerprint] | None:
        """The last path of a stored recording that looks like this, and what is known of it."""
        return self._latest.get(Fingerprint.of(version))

    def forget(self, path: str) -> None:
        """The stored recording is gone from the disk for good."""
        fingerprint = self._stored.pop(path, None)
        if fingerprint is not None and self.path_of(fingerprint) == path:
            del self._latest[fingerprint]

    def older_than(self, mtime_ns: int) -> list[str]:
        """Paths of stored recordings that were last written before."""
        return [path for path, known in self._stored.items() if known.mtime_ns < mtime_ns]

    def rename(self, old_path: str, new_path: str, fingerprint: Fingerprint) -> None:
        """A stored recording got another name; the old one may be another's by now."""
        if self._stored.get(old_path) == fingerprint:
            del self._stored[old_path]
        self.store(new_path, fingerprint)
