"""All recordings at once: which one is worth a look, and what is new among them.

The supervisor keeps one stream per recording that is not at its end. Everything that
can make a stream worth a look (an event, a scan, the end of a wait) only wakes it; the
stream sees for itself what is true. Scans and starts bring everything at once: they are gone
through a slice at a time, and each path is looked at when its turn has come.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress

import structlog

from cefmp4.core.model import PARKED, STORED, UNSTORED, Checkpoint, FileVersion
from cefmp4.errors import ChunkProcessingError
from cefmp4.events import Scan, StreamEvent, WatcherChangeType
from cefmp4.hidden import HiddenRecordings
from cefmp4.past import Past, size_at_home
from cefmp4.ports import Fingerprint
from cefmp4.roster import Roster
from cefmp4.shelf import Shelf
from cefmp4.stored import StoredRecordings
from cefmp4.stream import Stream
from cefmp4.turns import Turns
from cefmp4.unhurried import unhurried
from cefmp4.watcher import Watcher
from cefmp4.wishes import Wishes
from cefmp4.world import World

CONSIDERED_AT_A_TIME = 25
"""New recordings taken up before others on the event loop get their turn: a few ms."""
PASSED_AT_A_TIME = 2_000
"""Recordings that are only recognised: some 2 ms."""

log = structlog.get_logger(__name__)


class Supervisor:
    """Keeps a `Stream` for every recording that is not at its end, and wakes it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.roster = Roster()
        self.any_failed = False
        self.all_done = asyncio.Event()
        """Everything that was present has ended."""
        self.turns = Turns(self._settled)
        self.shelf = Shelf()
        self.past = Past()
        self.hear = Wishes(world, self.roster, self.shelf, self.turns, self._add).hear
        self._watcher: Watcher | None = None
        self._scanned = self._scanning = self._check_due = False
        self.stored = StoredRecordings(world, self.shelf, self._consider, self._check_done)
        self.hidden = HiddenRecordings(world, self.handle, self._check_done)

    @property
    def streams(self) -> Mapping[str, Stream]:
        """Every stream that has not ended, by the path of its recording."""
        return self.roster.by_path

    def attach(self, watcher: Watcher) -> None:
        """Tell the watcher from now on which files are being followed."""
        self._watcher = watcher
        for path in self.streams:
            watcher.track(path)

    async def resume(self) -> list[Checkpoint]:
        """Take up what an earlier process left; those whose recordings must be on the disk."""
        fingerprints = await self.world.checkpoints.fingerprints()
        await asyncio.to_thread(self.shelf.restore, fingerprints)
        unfinished = await self.world.checkpoints.load_unfinished()
        wishes = await self.world.checkpoints.wishes()
        async for checkpoint in unhurried(unfinished, CONSIDERED_AT_A_TIME):
            stream = Stream(self.world, checkpoint.path, checkpoint)
            stream.sight.wish = wishes.get(checkpoint.stream_id)
            if not stream.ended:
                self._add(stream)
                continue
            self.shelf.park(checkpoint.path, checkpoint.identity[1], checkpoint.root)
            self.past.add(checkpoint, size_at_home(self.world.disk, checkpoint))
            self.any_failed |= checkpoint.status in PARKED and self._is_at_home(checkpoint)
        if self.streams:
            log.info("resuming", streams=len(self.streams))
        for stream in list(self.streams.values()):
            self.turns.wake(stream)
        return [checkpoint for checkpoint in unfinished if checkpoint.status in UNSTORED]

    def active_streams(self) -> int:
        """Streams that have begun and not ended; a file without a byte is none yet.

        May be asked in a thread.
        """
        return sum(stream.checkpoint is not None for stream in list(self.streams.values()))

    def has_gone_through(self) -> bool:
        """The watched directory was gone through once: what is in it is known."""
        return self._scanned

    def all_begun(self) -> bool:
        """Every recording that is there has a stream, or needs none."""
        return self.all_known and not any(s.may_begin for s in self.streams.values())

    @property
    def all_known(self) -> bool:
        """Every recording that is there was looked at."""
        return self._scanned and not self._scanning and not self.world.horizon.away

    async def write_again(self) -> None:
        """The state server has lost its data: it gets what is known here.

        Live streams read their checkpoint again, and write what they do not find; parked
        and ended ones are known to nobody any more.
        """
        await self.world.checkpoints.remember_stored(dict(self.shelf.stored))
        for stream in list(self.streams.values()):
            stream.ledger.distrust()
            self.turns.wake(stream)
        log.warning(
            "the state server had lost its data: it is written again from memory",
            streams=self.active_streams(),
            stored=len(self.shelf.stored),
        )

    async def stop(self, grace_seconds: float) -> None:
        """Begin nothing more; what is in flight lands and is recorded, within the grace."""
        for slots in (self.world.turns, self.world.parts, self.world.light):
            slots.close()
        self.world.recollection.one_at_a_time.close()
        await self.hidden.stop()
        await self.stored.stop()
        await self.turns.stop(grace_seconds)

    # --- what the watcher says ---------------------------------------------------

    def handle(self, notice: StreamEvent) -> None:
        """Take in one notice of the watcher."""
        if notice.change_type is WatcherChangeType.DELETE:
            self.shelf.unpark(notice.path)
        stream = self.streams.get(notice.path)
        if stream is None:
            self._consider(notice.path)
            stream = self.streams.get(notice.path)
            if stream is None or not notice.closed:
                return
        if notice.closed:
            with suppress(ChunkProcessingError):
                stream.glance()  # first what it wrote, then that it closed
            stream.sight.closed()
        if notice.change_type is WatcherChangeType.DELETE and self._watcher:
            self._watcher.scan_soon()  # is it renamed, deleted, or is all of it away?
        if notice.version is not None:
            self.turns.note(stream, notice.version)
        else:
            self.turns.wake(stream)

    async def handle_scan(self, scan: Scan) -> None:
        """Take in everything that stands there, a slice at a time; one scan after the other.

        Only when all that is new was considered, and so what was renamed is known, is
        anything missing judged by this scan.
        """
        horizon, ended = self.world.horizon, self.world.clock.monotonic()
        was_away, horizon.away = horizon.away, scan.away
        self._scanning = True
        if not scan.away:
            horizon.recognize(
                scan, [s.checkpoint for s in self.streams.values() if s.checkpoint]
            )
            self.shelf.keep_parked(scan.found, horizon.roots)
            self.past.keep(self.shelf.is_parked)
            if scan.hidden:
                self.hidden.take_in(scan.hidden, self.roster)
            async for path in unhurried(await self._unknown(scan), CONSIDERED_AT_A_TIME):
                if path not in self.streams:
                    self._consider(path)
            horizon.scanned_at, horizon.unreadable = ended, scan.unreadable
        for stream in list(self.streams.values()):
            missing = stream.sight.version is None or stream.sight.missing_since is not None
            if missing or was_away:
                self.turns.wake(stream)
        self._scanned, self._scanning = self._scanned or not scan.away, False
        self._note_if_done()

    async def _unknown(self, scan: Scan) -> list[str]:
        return [
            path
            async for path, version in unhurried(scan.found.items(), PASSED_AT_A_TIME)
            if path not in self.streams and not self.shelf.knows(path, version)
        ]

    def _consider(self, path: str) -> None:
        """Something stands under a name no stream has: renamed, known, or new."""
        try:
            version = self.world.disk.stat(path)
            if version is None or self.shelf.knows(path, version):
                return
            if self._is_renamed(path, version) or self.stored.knows_again(path, version):
                return
            if self.stored.asks_the_bytes(path, version):
                self.all_done.clear()
                return
        except ChunkProcessingError as error:
            log.warning(
                "cannot be looked at", file_path=path, error=str(error), hint=error.hint
            )
        stream = Stream(self.world, path)
        self._add(stream)
        self.turns.wake(stream)

    def _is_renamed(self, path: str, version: FileVersion) -> bool:
        """A live stream's own file turned up under this path.

        The stream may have followed it already, and only not come to rest since.
        """
        stream = self.roster.of_inode(version.inode)
        if stream is None or stream.checkpoint is None:
            return False
        if stream.path != path:
            if not self.world.horizon.shows(stream.checkpoint):
                return False  # inodes of another disk tell nothing
            if self._is_at_home(stream.checkpoint):
                return False  # a hard link: another recording
            if not stream.sight.may_be_ours(version):
                return False  # a new file in the inode of a deleted one
            stream.sight.moved_to = path
        self.turns.wake(stream)
        return True

    def _is_at_home(self, checkpoint: Checkpoint) -> bool:
        there = self.world.disk.stat(checkpoint.path)
        return there is not None and there.inode == checkpoint.identity[1]

    # --- what the streams say ----------------------------------------------------

    def _add(self, stream: Stream) -> None:
        self.all_done.clear()
        self.roster.add(stream)
        self.past.drop(stream.stream_id)
        if self._watcher:
            self._watcher.track(stream.path)

    def _drop(self, stream: Stream) -> None:
        freed = self.roster.drop(stream)
        if freed is not None and self._watcher:
            self._watcher.untrack(freed)

    def _settled(self, stream: Stream) -> bool:
        """A stream came to rest. False when it is not ours to wake any more."""
        if stream not in self.roster:
            return False
        gone = stream.has_nothing and stream.sight.version is None and not stream.failures
        if stream.ended or gone:
            self._drop(stream)
            self._retire(stream)
            self._check_done()
            return False
        if (was := self.roster.known_as(stream)) != stream.path:
            self._drop(stream)
            self._add(stream)
            if was not in self.streams:
                self._consider(was)  # scans have passed over what stands there by now
        else:
            self.roster.note_inode(stream)
        if self._watcher and stream.needs_scan:
            self._watcher.scan_soon()
        self._check_done()
        return True

    def _retire(self, stream: Stream) -> None:
        """Remember what became of it, and look whether something new stands there."""
        cp = stream.checkpoint
        if cp is None:
            return
        self.any_failed |= cp.status in PARKED
        self.past.add(cp, size_at_home(self.world.disk, cp))
        stream.telling.ended(cp)
        if cp.disposed and self._watcher:
            self._watcher.removed(cp.path)  # no sign of an outage: we did it ourselves
        fingerprint = Fingerprint.of_stored(cp)
        if cp.status in STORED and fingerprint is not None:
            self.shelf.store(cp.path, fingerprint)
        if cp.path in self.streams:
            return  # another one works on what stands there
        if cp.holds_path:
            self.shelf.park(cp.path, cp.identity[1], cp.root)
        self._consider(cp.path)

    def _check_done(self) -> None:
        """Soon, and once for all that come to rest in one iteration of the event loop."""
        if not self._check_due:
            self._check_due = True
            asyncio.get_running_loop().call_soon(self._note_if_done)

    def _note_if_done(self) -> None:
        self._check_due = False
        if not self._scanned or len(self.turns) + len(self.stored) + len(self.hidden):
            return
        if not any(stream.failures or not stream.has_nothing for stream in self.roster):
            self.all_done.set()
