"""A running watcher on a real directory, and everything it said."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from prometheus_client import CollectorRegistry

from cefmp4.adapters.disk import LocalDisk
from cefmp4.adapters.inotify import InotifyNotifier
from cefmp4.events import Scan, StreamEvent, WatcherChangeType
from cefmp4.metrics_work import Work
from cefmp4.notices import Notice, Notifier, WatchLimit
from cefmp4.selection import Selection
from cefmp4.watcher import Watcher
from waiting import wait_until

NEVER = 3600.0
CREATE = WatcherChangeType.CREATE
WRITE = WatcherChangeType.WRITE
DELETE = WatcherChangeType.DELETE
IDLE = WatcherChangeType.IDLE


class SystemClock:
    """The Clock port on the real clock."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()


class Told:
    """Everything a watcher said, in order, and the watcher."""

    def __init__(self) -> None:
        self.all: list[StreamEvent | Scan] = []
        self.watcher: Watcher
        self.work = Work(CollectorRegistry())

    async def take_in(self, scan: Scan) -> None:
        self.all.append(scan)

    @property
    def events(self) -> list[StreamEvent]:
        return [notice for notice in self.all if isinstance(notice, StreamEvent)]

    @property
    def scans(self) -> list[Scan]:
        return [notice for notice in self.all if isinstance(notice, Scan)]

    @property
    def is_away(self) -> bool:
        return bool(self.scans) and self.scans[-1].away

    @property
    def found(self) -> set[Path]:
        return {Path(path) for path in self.scans[-1].found}

    @property
    def named(self) -> set[Path]:
        return {Path(event.path) for event in self.events}

    def count(self, change: WatcherChangeType, path: Path) -> int:
        return sum(e.change_type is change and e.path == str(path) for e in self.events)

    async def until(
        self, change: WatcherChangeType, path: Path, *, closed: bool = False, count: int = 1
    ) -> None:
        """Wait for the `count`th event of this kind."""
        event = StreamEvent(change, str(path), closed)
        await wait_until(lambda: self.events.count(event) >= count)

    async def until_found(self, *paths: Path) -> None:
        """Wait for a scan that found exactly these."""
        await wait_until(lambda: not self.is_away and self.found == set(paths))

    async def until_away(self, away: bool = True) -> None:
        await wait_until(lambda: self.is_away == away)

    async def next_scans(self, count: int = 1) -> None:
        """Wait for so many more scans."""
        wanted = len(self.scans) + count
        await wait_until(lambda: len(self.scans) >= wanted)

    async def scan(self) -> None:
        """Have a scan taken now."""
        self.watcher.scan_soon()
        await self.next_scans()


class QueueNotifier:
    """The Notifier port, saying what a test puts into its queue and nothing else."""

    def __init__(self, limit: int = 1000) -> None:
        self.queue: asyncio.Queue[Notice] = asyncio.Queue()
        self.added: list[str] = []
        self.closed = False
        self._limit = limit

    def add_directory(self, path: str) -> bool:
        if len(self.added) >= self._limit:
            raise WatchLimit("no more watches", hint="raise the limit")
        self.added.append(path)
        return True

    def remove_directories(self, paths: Iterable[str]) -> None:
        gone = set(paths)
        self.added = [path for path in self.added if path not in gone]

    async def __aiter__(self) -> AsyncIterator[Notice]:
        while True:
            yield await self.queue.get()

    def close(self) -> None:
        self.closed = True


def inotify(root: Path) -> InotifyNotifier:
    return InotifyNotifier(str(root))


@asynccontextmanager
async def watching(
    root: Path,
    notifier: Notifier | None,
    *,
    excluded: tuple[str, ...] = (),
    scan_interval_seconds: float = NEVER,
    idle_seconds: float = NEVER,
    expected: int = 0,
    follow_symlinks: bool = False,
) -> AsyncIterator[Told]:
    """A watcher that has taken its first scan; it has ended when the block has."""
    selection = Selection(str(root), ("*.mp4",), excluded, follow_symlinks)
    told, disk = Told(), LocalDisk(selection, threads=1)
    told.watcher = Watcher(
        selection,
        disk,
        notifier,
        handle=told.all.append,
        handle_scan=told.take_in,
        scan_interval_seconds=scan_interval_seconds,
        poll_interval_seconds=0.05,
        idle_seconds=idle_seconds,
        tick_seconds=0.02,
        clock=SystemClock(),
        work=told.work,
    )
    told.watcher.expect(expected)
    running = asyncio.create_task(told.watcher.run())
    try:
        await wait_until(lambda: told.scans or running.done())
        yield told
    finally:
        running.cancel()
        (ended,) = await asyncio.gather(running, return_exceptions=True)
        disk.close()
        assert isinstance(ended, asyncio.CancelledError), ended
