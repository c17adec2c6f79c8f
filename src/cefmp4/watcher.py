"""Which recordings are worth a look: notifications, a fast tick and periodic scans.

Notifications tell at once but may be lost, or never come (network mounts); the tick
follows the recordings that are known to be active; a scan is the truth, taken now and
then. Everything that is said goes to `handle` or `handle_scan`, on the event loop.

What must stay true: the first thing said is a whole scan. A directory is watched before
it is listed, so nothing that appears in it falls between the two. Nothing is called
deleted while the watched directory itself is away: an unmounted disk is an outage.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import assert_never

import structlog

from cefmp4.errors import ChunkProcessingError
from cefmp4.events import Scan, StreamEvent, WatcherChangeType
from cefmp4.metrics_work import Work
from cefmp4.notices import Notice, NoticeKind, Notifier, WatchLimit
from cefmp4.ports import Clock, Disk
from cefmp4.pulse import Pulse
from cefmp4.selection import Selection
from cefmp4.survey import Survey
from cefmp4.unhurried import unhurried

log = structlog.get_logger(__name__)

UNANNOUNCED_SECONDS = 2.0
"""How long a file may stand without a notification before they are taken to be dead."""
_OF_FILES = frozenset(
    {NoticeKind.CREATED, NoticeKind.MOVED_IN, NoticeKind.CLOSED, NoticeKind.DELETED}
)
SCAN_REST = 4.0
"""A scan asked for by a missing file waits this many times as long as the last one took."""
CLOSED_HINT = "let the user of this process read it: nobody knows what is recorded there"
TOLD_AT_A_TIME = 25
"""Recordings of a directory that was moved in, before others on the loop get their turn."""
NOTED_AT_A_TIME = 500
"""The same for what one tick has seen; most of it only has to be noted."""


class Watcher:
    """Watches one directory tree until it is cancelled."""

    def __init__(
        self,
        selection: Selection,
        disk: Disk,
        notifier: Notifier | None,
        *,
        handle: Callable[[StreamEvent], None],
        handle_scan: Callable[[Scan], Awaitable[None]],
        scan_interval_seconds: float,
        idle_seconds: float,
        clock: Clock,
        work: Work,
        tick_seconds: float = 0.25,
        poll_interval_seconds: float = 2.0,
    ) -> None:
        self._selection = selection
        self._disk = disk
        self._notifier = notifier
        self._handle = handle
        self._handle_scan = handle_scan
        self._clock, self._work = clock, work
        self._tick_seconds = tick_seconds
        self._scan_interval_seconds = scan_interval_seconds
        self._poll_interval_seconds = poll_interval_seconds
        # Its own threads: a scan must not wait for uploads, nor uploads for a dead mount.
        self._threads = ThreadPoolExecutor(3, thread_name_prefix="watch")
        self._survey = Survey(selection, notifier, self._threads)
        self._pulse = Pulse(disk.stat_all, idle_seconds)
        self._scan_wanted = asyncio.Event()
        self._scans_begun = 0
        self._scan_seconds = 0.0
        self._scanned_at = 0.0
        self._named: set[str] = set()
        """Paths told by notifications since the last scan began."""
        self._heard: set[str] = set()
        """The same, also of those that were gone again when it was read."""
        self._unannounced: dict[str, float] = {}
        """Paths that no notification named, and when a scan found them."""

    def track(self, path: str) -> None:
        """This recording is known to be active: look at it on every tick."""
        self._pulse.track(path)

    def untrack(self, path: str) -> None:
        """Look at it no more; unknown paths are taken quietly."""
        self._pulse.untrack(path)

    def scan_soon(self) -> None:
        """Ask for a scan at once."""
        self._scan_wanted.set()

    @property
    def away(self) -> str:
        """Why the watched directory is away; empty while it is there."""
        return self._survey.away

    def trouble(self) -> tuple[str, str] | None:
        """Why notifications do not come any more, and what to do; None: nothing is wrong."""
        return self._survey.trouble

    def closed(self) -> tuple[str, str] | None:
        """What cannot be read, and what to do; None: everything can."""
        first, *others = sorted(self._survey.unreadable) or [""]
        if not first:
            return None
        others_too = f" and {len(others)} more" if others else ""
        return f"cannot be read: {first}{others_too}", CLOSED_HINT

    def expect(self, recordings: int, roots: Iterable[tuple[int, int]] = ()) -> None:
        """So many recordings are known from before, when these were the watched directory.

        Finding none of them may mean that it is away.
        """
        self._survey.root.expect(recordings, frozenset(roots))

    def removed(self, path: str) -> None:
        """We took this recording away ourselves: its absence is no sign of an outage."""
        if path in self._survey.found:
            self._survey.root.recordings -= 1

    async def run(self) -> None:
        """Watch until cancelled."""
        try:
            await self._scan()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._listen())
                tasks.create_task(self._scan_now_and_then())
                tasks.create_task(self._tick_on())
        finally:
            if self._notifier is not None:
                self._notifier.close()
            self._threads.shutdown(wait=False, cancel_futures=True)

    # --- scans -------------------------------------------------------------------

    async def _scan_now_and_then(self) -> None:
        while True:
            often = self._survey.unnotified or self._survey.away
            seconds = self._poll_interval_seconds if often else self._scan_interval_seconds
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._scan_wanted.wait()
            await self._scan()

    async def _scan(self) -> None:
        self._scan_wanted.clear()
        self._scans_begun += 1
        number, began = self._scans_begun, self._clock.monotonic()
        known, listened = self._survey.found, frozenset(self._survey.watched)
        before = self._survey.root.identity
        named, self._named = self._named | self._heard, set()
        self._heard = set()
        found = await self._survey.take()
        self._scanned_at = self._clock.monotonic()
        self._scan_seconds = self._scanned_at - began
        self._work.scan.observe(self._scan_seconds)
        away, root = bool(self._survey.away), self._survey.root.identity
        scan = Scan(
            found,
            away=away,
            root=root,
            hidden=self._survey.hidden,
            unreadable=len(self._survey.unreadable),
        )
        await self._handle_scan(scan)
        if away:
            return
        for path in self._pulse.deleted(number, found):
            self._handle(StreamEvent(WatcherChangeType.DELETE, path))
        if root == before:  # watches of another directory have told nothing of this one
            new = [path for path in found if path not in known]
            self._note_unannounced(new, listened, named | self._named | self._heard)

    # --- notifications -----------------------------------------------------------

    async def _listen(self) -> None:
        if self._notifier is None:
            return
        try:
            async for notice in self._notifier:
                await self._take_in(notice)
        except WatchLimit as error:
            self._give_up_notifications(str(error), error.hint)

    async def _take_in(self, notice: Notice) -> None:
        path = notice.path
        if notice.kind in _OF_FILES and self._selection.wants(path):
            self._heard.add(path)
        match notice.kind:
            case NoticeKind.CREATED | NoticeKind.MOVED_IN:
                self._say_if_there(StreamEvent(WatcherChangeType.CREATE, path))
            case NoticeKind.CLOSED:
                self._say_if_there(StreamEvent(WatcherChangeType.WRITE, path, closed=True))
            case NoticeKind.DELETED:
                self._say_if_known(path)
            case NoticeKind.DIRECTORY_APPEARED:
                await self._adopt(path)
            case NoticeKind.DIRECTORY_DELETED:
                self._survey.forget({path})
            case NoticeKind.DIRECTORY_MOVED_AWAY:
                self._survey.forget_below(path)
            case NoticeKind.ROOT_GONE:
                self._survey.forget_root()
                self.scan_soon()
            case NoticeKind.OVERFLOW:
                self._work.overflows.inc()
                if not self._scan_wanted.is_set():  # else it is said already
                    log.warning("notifications were lost: scanning")
                # All are added once more; removing them first would flood the queue again.
                self._survey.watched.clear()
                self._unannounced.clear()
                self.scan_soon()
            case _:
                assert_never(notice.kind)

    async def _adopt(self, directory: str) -> None:
        """A directory appeared: what was put into it before it was watched is told now."""
        known = directory in self._survey.watched
        if not known and self._selection.wants_directory(directory):
            found = (await self._survey.walk([directory])).files
            async for path in unhurried(found, TOLD_AT_A_TIME):
                self._announce(StreamEvent(WatcherChangeType.CREATE, path))

    def _say_if_there(self, event: StreamEvent) -> None:
        """Only of regular files: a link or FIFO may have the name of a recording."""
        if not self._selection.wants(event.path):
            return
        with suppress(ChunkProcessingError):  # not reachable just now, but there
            if self._disk.stat(event.path) is None:
                return
        self._announce(event)

    def _announce(self, event: StreamEvent) -> None:
        self._named.add(event.path)
        self._unannounced.pop(event.path, None)
        if self._survey.away:
            self.scan_soon()
        self._handle(event)

    def _say_if_known(self, path: str) -> None:
        known = path in self._named or path in self._survey.found or path in self._pulse
        self._named.discard(path)
        self._unannounced.pop(path, None)
        if known and not self._survey.away:
            self._handle(StreamEvent(WatcherChangeType.DELETE, path))

    def _note_unannounced(
        self, new: Iterable[str], listened: frozenset[str], named: set[str]
    ) -> None:
        """New files, in directories we listened to all the while, that nothing named."""
        if self._survey.unnotified:
            return
        for path in new:
            listened_to = path not in named and os.path.dirname(path) in listened
            if listened_to and not os.path.islink(path):  # a link's file may come much later
                self._unannounced.setdefault(path, self._scanned_at)

    def _give_up_notifications(self, why: str, hint: str) -> None:
        self._survey.give_up_notifications(why, hint)
        self._unannounced.clear()
        self.scan_soon()  # and from then on at the poll interval

    # --- the tick ----------------------------------------------------------------

    async def _tick_on(self) -> None:
        while True:
            await asyncio.sleep(self._tick_seconds)
            await self._tick()

    async def _tick(self) -> None:
        now = self._clock.monotonic()
        looks = await asyncio.get_running_loop().run_in_executor(
            self._threads, self._pulse.look, self._pulse.snapshot(), now
        )
        async for look in unhurried(looks, NOTED_AT_A_TIME):
            if change := self._pulse.take_in(look, now, self._scans_begun):
                self._handle(StreamEvent(change, look.path, version=look.version))
        if any(look.version is None for look in looks):
            self._scan_for_missing(now)
        waiting_since = min(self._unannounced.values(), default=now)
        if now - waiting_since > UNANNOUNCED_SECONDS:
            why = f"no notification of {next(iter(self._unannounced))}"
            self._give_up_notifications(why, "none need be done: this mount sends none")

    def _scan_for_missing(self, now: float) -> None:
        """Deleted, renamed, or all of it away? Only a scan can tell."""
        if not self._survey.away and now - self._scanned_at >= SCAN_REST * self._scan_seconds:
            self.scan_soon()
