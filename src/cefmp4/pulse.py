"""The known-active recordings, looked at together on every tick.

One `stat` each (about 3 µs) instead of one notification per write call: a recorder that
writes in small pieces would flood any queue. What must stay true: no task and no timer
per recording; `look` touches nothing and may run in a thread, everything that changes
happens in `take_in`; and nothing is called deleted on the word of a single `stat`, as a
whole mount may be gone.
"""

from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from cefmp4.core.model import FileVersion
from cefmp4.errors import ChunkProcessingError
from cefmp4.events import WatcherChangeType

Known = Iterable[tuple[str, FileVersion | None]]
StatAll = Callable[[Known], Sequence[FileVersion | ChunkProcessingError | None]]
"""As `Disk.stat_all`."""


@dataclass(slots=True, eq=False)
class Tracked:
    """What was last seen of one recording."""

    version: FileVersion | None = None
    since: float = 0.0
    """When this version was first seen."""
    looked: bool = False
    idle_said: bool = False
    missed_in_scan: int | None = None
    """How many scans had begun when it was first missed; None while it is there."""
    deleted_said: bool = False


class Look(NamedTuple):
    """A recording about which there is something to say."""

    path: str
    tracked: Tracked
    version: FileVersion | None


class Pulse:
    """Baselines of the tracked paths, and what follows when one differs."""

    def __init__(self, stat_all: StatAll, idle_seconds: float) -> None:
        self._stat_all = stat_all
        self._idle_seconds = idle_seconds
        self._tracked: dict[str, Tracked] = {}
        self._snapshot: list[tuple[str, Tracked]] | None = None
        """Of `_tracked`, until that changes: most ticks look at the same recordings."""

    def track(self, path: str) -> None:
        self._tracked.setdefault(path, Tracked())
        self._snapshot = None

    def untrack(self, path: str) -> None:
        self._tracked.pop(path, None)
        self._snapshot = None

    def __contains__(self, path: object) -> bool:
        return path in self._tracked

    def snapshot(self) -> Sequence[tuple[str, Tracked]]:
        """What `look` is to look at."""
        if self._snapshot is None:
            self._snapshot = list(self._tracked.items())
        return self._snapshot

    def look(self, tracked: Sequence[tuple[str, Tracked]], now: float) -> list[Look]:
        """Stat every path; those that differ, are missing or fell silent. For a thread."""
        silent_since = now - self._idle_seconds
        found = self._stat_all((path, seen.version) for path, seen in tracked)
        looks = []
        for (path, seen), version in zip(tracked, found, strict=True):
            if isinstance(version, ChunkProcessingError):
                continue  # a passing failure: it is not gone, and tells nothing new
            differs = version is not seen.version or seen.missed_in_scan is not None
            silent = version and not seen.idle_said and seen.since <= silent_since
            if differs or silent or not seen.looked:
                looks.append(Look(path, seen, version))
        return looks

    def take_in(self, look: Look, now: float, scans_begun: int) -> WatcherChangeType | None:
        """Remember what was seen; what there is to say about it, if anything."""
        path, seen, version = look
        if self._tracked.get(path) is not seen:
            return None  # untracked meanwhile
        seen.looked = True
        if version is None:
            if seen.missed_in_scan is None and not seen.deleted_said:
                seen.missed_in_scan = scans_begun
            return None
        seen.missed_in_scan = None
        if version == seen.version:
            return self._silent(seen, now)
        reappeared, seen.deleted_said = seen.deleted_said, False
        seen.version, seen.since, seen.idle_said = version, now, False
        # Also of the first look: it may have been written since it was begun to be tracked.
        return WatcherChangeType.CREATE if reappeared else WatcherChangeType.WRITE

    def deleted(self, scan_number: int, found: Container[str]) -> list[str]:
        """Those that were missed before this scan began, and that it did not find."""
        gone = [
            (path, seen)
            for path, seen in self._tracked.items()
            if seen.missed_in_scan is not None
            and seen.missed_in_scan < scan_number
            and path not in found
        ]
        for _, seen in gone:
            seen.version, seen.missed_in_scan, seen.deleted_said = None, None, True
        return [path for path, _ in gone]

    def _silent(self, seen: Tracked, now: float) -> WatcherChangeType | None:
        if seen.idle_said or now - seen.since < self._idle_seconds:
            return None
        seen.idle_said = True
        return WatcherChangeType.IDLE
