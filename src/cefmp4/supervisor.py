"""All recordings at once: which one is worth a look, and what is new among them.

The supervisor keeps one stream per recording that is not at its end. Everything that
can make a stream worth a look (an event, a scan, the end of a wait) only wakes it; the
stream sees for itself what is true.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress

import structlog

from cefmp4.core.model import (
    PARKED,
    STORED,
    UNSTORED,
    Checkpoint,
    FileVersion,
    Wish,
)
from cefmp4.core.wishes import concerns
from cefmp4.errors import ChunkProcessingError
from cefmp4.events import Scan, StreamEvent, WatcherChangeType
from cefmp4.hidden import HiddenRecordings
from cefmp4.ports import Fingerprint
from cefmp4.roster import Roster
from cefmp4.shelf import Shelf
from cefmp4.stored import StoredRecordings
from cefmp4.stream import Stream
from cefmp4.turns import Turns
from cefmp4.watcher import Watcher
from cefmp4.world import World

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
        self._watcher: Watcher | None = None
        self._scanned = False
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
        self.shelf.restore(fingerprints)
        unfinished = await self.world.checkpoints.load_unfinished()
        wishes = await self.world.checkpoints.wishes()
        for checkpoint in unfinished:
            stream = Stream(self.world, checkpoint.path, checkpoint)
            stream.sight.wish = wishes.get(checkpoint.stream_id)
            if not stream.ended:
                self._add(stream)
                continue
            self.shelf.park(checkpoint.path, checkpoint.identity[1], checkpoint.root)
            failed = checkpoint.status in PARKED
            self.any_failed |= failed and self._is_at_home(checkpoint)
        if self.streams:
            log.info("resuming", streams=len(self.streams))
        for stream in list(self.streams.values()):
            self.turns.wake(stream)
        return [checkpoint for checkpoint in unfinished if checkpoint.status in UNSTORED]

    def active_streams(self) -> int:
        """Streams that have begun and not ended; a file without a byte is none yet."""
        return sum(stream.checkpoint is not None for stream in self.streams.values())

    def all_begun(self) -> bool:
        """Every recording that is there has a stream, or needs none."""
        begun = not any(stream.may_begin for stream in self.streams.values())
        return begun and self._scanned and not self.world.horizon.away

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
        self.world.turns.close()
        self.world.parts.close()
        self.world.recollection.one_at_a_time.close()
        await self.hidden.stop()
        await self.stored.stop()
        await self.turns.stop(grace_seconds)

    # --- what a person asks for --------------------------------------------------

    async def hear(self, wishes: Mapping[str, Wish]) -> None:
        """Let the streams know; drop what asks for nothing, or for nothing any more."""
        known = {s.checkpoint.stream_id: s for s in self.roster if s.checkpoint}
        load = self.world.checkpoints.load
        for stream_id, wish in wishes.items():
            stream = known.get(stream_id)
            checkpoint = stream.checkpoint if stream else await load(stream_id)
            if checkpoint and not stream and self.roster.is_wished_at(checkpoint.path):
                continue  # what another stream under this name is asked for comes first
            if checkpoint is None or not self._can(wish, checkpoint, stream):
                if stream is not None:
                    stream.sight.wish = None
                log.info("nothing is left to be done for it", stream_id=stream_id, wish=wish)
                await self.world.checkpoints.drop_wish(stream_id, wish)
                continue
            if stream is None:
                stream = Stream(self.world, checkpoint.path, checkpoint)
                self._take_down(stream, checkpoint)
            if stream.sight.wish is not wish:
                log.info("a person asks", stream_id=stream_id, wish=wish)
            stream.sight.wish = wish
            self.turns.wake(stream)

    def _can(self, wish: Wish, checkpoint: Checkpoint, stream: Stream | None) -> bool:
        """What another stream works on is not retried: it would be stored twice."""
        taken = stream is None and checkpoint.path in self.streams
        return concerns(wish, checkpoint) and not (taken and wish is Wish.RETRY)

    def _take_down(self, stream: Stream, checkpoint: Checkpoint) -> None:
        """From the shelf, for a person wants something of it; its name may be another's."""
        if stream.path in self.streams:
            self.roster.add_beside(stream)
        else:
            self.shelf.unpark(stream.path, checkpoint.identity[1])
            self._add(stream)

    # --- what the watcher says ---------------------------------------------------

    def handle(self, notice: StreamEvent | Scan) -> None:
        """Take in one notice of the watcher."""
        if isinstance(notice, Scan):
            self._handle_scan(notice)
            return
        if notice.change_type is WatcherChangeType.DELETE:
            self.shelf.unpark(notice.path)
        stream = self.streams.get(notice.path)
        if stream is None:
            self._consider(notice.path)
            return
        if notice.closed:
            with suppress(ChunkProcessingError):
                stream.glance()  # first what it wrote, then that it closed
            stream.sight.closed()
        if notice.change_type is WatcherChangeType.DELETE and self._watcher:
            self._watcher.scan_soon()  # is it renamed, deleted, or is all of it away?
        self.turns.wake(stream)

    def _handle_scan(self, scan: Scan) -> None:
        horizon = self.world.horizon
        was_away, horizon.away = horizon.away, scan.away
        if not scan.away:
            horizon.scanned_at = self.world.clock.monotonic()
            horizon.recognize(
                scan, [s.checkpoint for s in self.streams.values() if s.checkpoint]
            )
            self.shelf.keep_parked(scan.found, horizon.roots)
            if scan.hidden:
                self.hidden.take_in(scan.hidden, self.roster)
            for path, version in scan.found.items():
                if path not in self.streams and not self.shelf.knows(path, version):
                    self._consider(path)
        for stream in list(self.streams.values()):
            missing = stream.sight.version is None or stream.sight.missing_since is not None
            if missing or was_away:
                self.turns.wake(stream)
        self._scanned = self._scanned or not scan.away
        self._check_done()

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
        seconds = max(0.0, (cp.ended_at or cp.started_at) - cp.started_at)
        self.world.metrics.stream_ended(cp.stream_id, seconds, cp.status)
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
        busy = any(stream.failures or not stream.has_nothing for stream in self.roster)
        beside = len(self.turns) + len(self.stored) + len(self.hidden)
        if self._scanned and not busy and not beside:
            self.all_done.set()
