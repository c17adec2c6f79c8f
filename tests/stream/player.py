"""Plays a history on the real stream over strict twins, as the supervisor would.

A history is a list of steps: what a recorder does to the file, how much time passes, and
what breaks. The player also is the witness: it knows every content the file ever had and
what the recorder left there last, and holds the store against that after every turn.
"""

from contextlib import suppress
from dataclasses import dataclass, field

from awscrt import checksums

from cefmp4.adapters.memory.disk import MemoryFile
from cefmp4.core.model import LIVE, STORED, Wish
from cefmp4.errors import ChunkProcessingError, Fenced, RedisOperationError, S3OperationError
from cefmp4.ports import Fingerprint
from cefmp4.shelf import Shelf
from cefmp4.stream import Stream
from stream.faults import Killed
from stream.hand import Hand
from stream.person import Ear, ask, waiting
from stream.steps import (
    Ask,
    Break,
    Change,
    Event,
    Midway,
    Step,
    TakeOver,
    Wait,
)
from stream.twins import Twins


@dataclass
class Player:
    """Plays a history on one name."""

    twins: Twins
    stream: Stream | None = None
    shelf: Shelf = field(default_factory=Shelf)
    state_was_lost: bool = False
    """A process began its work with an empty state server."""
    _seen: set[bytes] = field(default_factory=set)
    _left: bytes | None = None
    """What the recorder left under the name; None once it is known to be gone."""
    _stored: dict[str, bytes] = field(default_factory=dict)
    _flushed: bool = False
    _break: Break | None = None
    _midway: Midway | None = None
    _midway_left: int = 0
    _calls: int = 0
    _asked: bool = False
    _ear: Ear | None = None
    _parts_lost: int = 0

    def __post_init__(self) -> None:
        self.hand = Hand(self.twins)

    async def play(self, steps: list[Step]) -> None:
        await self.twins.start()
        self._arm()
        for step in steps:
            if isinstance(step, TakeOver):
                await self._take_over()
            elif isinstance(step, Ask):
                self._asked |= ask(self.twins, step.wish) > 0
            else:
                self._do(step)
            await self._work()

    async def bring_to_an_end(self) -> None:
        """Nothing breaks any more; the recorder is done; time passes."""
        self._break = self._midway = None
        while self.file and self.file.writers:
            self.twins.disk.close_writer(self.path)
        await self._until_nothing_is_left()
        if self._asked:
            if self._flushed:  # what was set aside is known to nobody but this process
                await self._take_up(await self.twins.restart())
            ask(self.twins, Wish.RETRY)
            await self._until_nothing_is_left()

    async def _until_nothing_is_left(self) -> None:
        for _ in range(400):
            await self._work()
            stream = self._current()
            if (stream is None or stream.has_nothing) and not waiting(self.twins):
                return
            self.twins.clock.advance(5.0)
        raise AssertionError(
            f"never comes to an end: {self.stream and self.stream.progress.why}"
        )

    @property
    def path(self) -> str:
        return self.hand.path

    @property
    def file(self) -> MemoryFile | None:
        return self.hand.file

    # --- what breaks ---------------------------------------------------------------

    def _arm(self) -> None:
        for owner in (self.twins.store, self.twins.checkpoints):
            owner.before = lambda name: self._seam(name, "before")
            owner.after = lambda name: self._seam(name, "after")
        self.twins.disk.before = lambda name: self._seam(name, "disk")
        self.twins.disk.during_body = lambda path, span: self._seam("bytes", "disk")

    def _seam(self, name: str, when: str) -> None:
        if name in ("stat", "claim"):
            return
        self._calls += 1
        if self._midway and self._midway.operation in ("", name):
            self._midway_left -= 1
            if self._midway_left == 0:
                change, self._midway = self._midway.change, None
                self._do(change)
        if self._break and self._calls >= self._break.nth:
            self._fail(self._break.kind, name, when)

    def _fail(self, kind: str, name: str, when: str) -> None:
        if when != ("after" if kind == "lost" else "before") and when != "disk":
            return
        self._break = None
        if kind == "killed":
            raise Killed
        if when == "disk":
            raise ChunkProcessingError("input/output error")
        if name in ("save", "load", "reserve_key", "wishes", "drop_wish"):
            raise RedisOperationError("no answer")
        raise S3OperationError(name, "InternalError", "no answer")

    # --- what happens ----------------------------------------------------------------

    def _do(self, step: Change | Midway | Break) -> None:
        self._witness()
        match step:
            case Midway(nth, _, _):
                self._midway, self._midway_left = step, nth
            case Break(nth, kind):
                self._break = Break(self._calls + nth, kind)
            case Wait(seconds):
                self.twins.clock.advance(seconds)
            case Event.FORGET_UPLOADS:
                self.twins.store.uploads.clear()
            case Event.LOSE_PART:
                self._lose_part()
            case Event.FLUSH:
                self.twins.checkpoints.lose_everything()
                self._flushed = True
            case _:
                if self.hand.do(step) and self.stream:
                    self.stream.sight.closed()
                self._left = bytes(self.file.content) if self.file else None
                self._seen.add(self._left or b"")

    def _lose_part(self) -> None:
        """At most twice in a history: after three refusals a person is asked."""
        held = [upload.parts for upload in self.twins.store.uploads.values() if upload.parts]
        if held and self._parts_lost < 2:
            self._parts_lost += 1
            del held[0][min(held[0])]

    # --- what must be true -----------------------------------------------------------

    def _witness(self) -> None:
        """What is visible was once a whole file, stays, and came before any deletion."""
        videos = self.twins.videos
        for key, content in videos.items():
            assert content in self._seen, f"{key} was never a whole file"
        for cp in self.twins.checkpoints._server.streams.values():
            if cp.status in STORED:
                self._stored.setdefault(cp.key, videos[cp.key])
        for key, content in self._stored.items():
            assert videos.get(key) == content, f"the stored object {key} was replaced"
        if self.file is None and self._left is not None:
            assert self._left in videos.values(), "deleted, but not stored"
            self._left = None

    # --- the daemon ------------------------------------------------------------------

    async def _work(self, turns: int = 6) -> None:
        """Give the stream a few turns, as events and ticks would; start anew when killed."""
        self.twins.world.horizon.scanned_at = self.twins.clock.monotonic()
        self.shelf.keep_parked({self.path} if self.file else ())
        try:
            with suppress(RedisOperationError):
                await self._hear()
            for _ in range(turns):
                stream = self._current()
                if stream is None:
                    return
                delay = await stream.turn()
                self._witness()
                if not stream.ended and delay != 0:
                    return
        except Killed:
            await self._take_up(await self.twins.restart())

    async def _hear(self) -> None:
        """As upkeep and supervisor do every second; those that were set aside get a turn."""
        self._ear = self._ear or Ear(self.twins)
        async for guest in self._ear.hear(self.stream):
            self.shelf.unpark(guest.path)
            if self.stream is None or self.stream.ended:
                self.stream = guest
                continue
            await guest.turn()
            if guest.ended:
                self._shelve(guest)

    async def _take_over(self) -> None:
        """A successor takes up the work; the paused process wakes, and may do no harm."""
        self._break = self._midway = None
        paused = self.stream
        await self._take_up(await self.twins.restart())
        remembered = dict(self.twins.checkpoints._server.streams)
        if paused is not None and not paused.ended:
            with suppress(Fenced):
                for _ in range(3):
                    await paused.turn()
        assert self.twins.checkpoints._server.streams == remembered, (
            "it wrote although it was replaced"
        )

    async def _take_up(self, found: list[Stream]) -> None:
        self.state_was_lost |= self._flushed
        self.shelf, self._ear = Shelf(), None
        self.shelf.restore(await self.twins.checkpoints.fingerprints())
        for stream in found:
            self._shelve(stream)
        live = [stream for stream in found if not stream.ended]
        assert len(live) <= 1
        self.stream = live[0] if live else None

    def _current(self) -> Stream | None:
        """The stream of what stands there now; None when nothing is to be done about it."""
        stream, file = self.stream, self.file
        if stream is not None and stream.ended:
            self._shelve(stream)
            stream = None
        if stream is None or (stream.checkpoint is None and stream.path != self.path):
            known = file is None or self._is_stored(file)
            renamed = file is not None and self.shelf.path_of(Fingerprint.of(file.version))
            self.stream = None if known or renamed else self.twins.stream(self.path)
            return self.stream
        cp = stream.checkpoint
        if cp is not None and cp.path != self.path:
            ours = file is not None and file.inode == cp.identity[1]
            stream.sight.moved_to = self.path if ours else None
        return stream

    def _is_stored(self, file: MemoryFile) -> bool:
        """As the supervisor knows it; where only the change time moved, by the bytes."""
        if self.shelf.knows(self.path, file.version):
            return True
        like = self.shelf.stored_like(self.path, file.version)
        return like is not None and like.crc64nvme == checksums.crc64nvme(bytes(file.content))

    def _shelve(self, stream: Stream) -> None:
        """Remember what became of a stream that has ended."""
        cp = stream.checkpoint
        if cp is None or cp.status in LIVE:
            return
        fingerprint = Fingerprint.of_stored(cp)
        if cp.status in STORED and fingerprint:
            self.shelf.store(cp.path, fingerprint)
        elif cp.holds_path:
            self.shelf.park(cp.path, cp.identity[1])
