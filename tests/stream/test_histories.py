"""Random histories: whatever the file, the store, the state and the process do, the store
ends up holding exactly the disk's bytes, or the stream an honest final status.

A history is a list of steps: what a recorder does to the file, how much time passes, and
what breaks. It is played on the real stream over strict twins. After every step each
visible object must equal the file as it once was in whole; at the end, with nothing
broken any more, the file as it is now must stand in the store and nothing be left over.
"""

import asyncio
from dataclasses import dataclass, field

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from cefmp4.core.model import STORED
from cefmp4.core.mp4 import Boxes
from cefmp4.errors import ChunkProcessingError, RedisOperationError, S3OperationError
from cefmp4.ports import Fingerprint
from cefmp4.shelf import Shelf
from cefmp4.stream import Stream
from stream.twins import PATH, Twins

OTHER = "/w/b.mp4"


class Killed(BaseException):
    """SIGKILL: no handler runs."""


@dataclass(frozen=True)
class Grow:
    size: int


@dataclass(frozen=True)
class Patch:
    at: float
    data: bytes


@dataclass(frozen=True)
class Wait:
    seconds: float


@dataclass(frozen=True)
class Shrink:
    to: float


@dataclass(frozen=True)
class Replace:
    size: int


@dataclass(frozen=True)
class Vanish:
    pass


@dataclass(frozen=True)
class Rename:
    pass


@dataclass(frozen=True)
class Close:
    complete: bool


@dataclass(frozen=True)
class Break:
    """The n-th call from now fails: `kind` is killed, refused, or lost (its answer)."""

    nth: int
    kind: str


@dataclass(frozen=True)
class ForgetUploads:
    """A lifecycle rule aborts every unfinished upload."""


Step = Grow | Patch | Wait | Shrink | Replace | Vanish | Rename | Close | Break | ForgetUploads

GROWTH = [
    st.builds(Grow, st.integers(1, 40)),
    st.builds(Wait, st.sampled_from([0.0, 0.06, 1.1, 6.0, 31.0])),
    st.builds(Close, st.booleans()),
    st.builds(Patch, st.floats(0, 1), st.binary(min_size=1, max_size=4)),
]
BREAKS = [
    st.builds(Break, st.integers(1, 12), st.sampled_from(["killed", "refused", "lost"])),
]
ODD = [
    st.builds(Shrink, st.floats(0, 1)),
    st.builds(Replace, st.integers(1, 40)),
    st.just(Vanish()),
    st.just(Rename()),
    st.just(ForgetUploads()),
]
HISTORIES = st.lists(st.one_of(*GROWTH, *GROWTH, *BREAKS, *ODD), min_size=3, max_size=24)


@dataclass
class Player:
    """Plays a history, as the supervisor would, on one name."""

    twins: Twins
    path: str = PATH
    stream: Stream | None = None
    shelf: Shelf = field(default_factory=Shelf)
    seen: set[bytes] = field(default_factory=set)
    calls_left: int = 0
    kind: str = ""
    written: int = 0

    def arm(self) -> None:
        for owner in (self.twins.store, self.twins.checkpoints):
            owner.before = lambda name: self.seam(name, "before")
            owner.after = lambda name: self.seam(name, "after")
        self.twins.disk.before = lambda name: self.seam(name, "disk")

    def seam(self, name: str, when: str) -> None:
        if not self.calls_left or name in ("stat", "claim"):
            return
        if when != ("after" if self.kind == "lost" else "before") and when != "disk":
            return
        self.calls_left -= 1
        if self.calls_left:
            return
        if self.kind == "killed":
            raise Killed
        if when == "disk":
            raise ChunkProcessingError("input/output error")
        if name in ("save", "load", "reserve_key"):
            raise RedisOperationError("no answer")
        raise S3OperationError(name, "InternalError", "no answer")

    def look(self) -> None:
        """Every visible recording is the file as it once was, in whole."""
        file = self.twins.disk.files.get(self.path)
        if file is not None:
            self.seen.add(bytes(file.content))
        for key, content in self.twins.videos.items():
            assert content in self.seen, f"{key} was never a whole file"

    async def play(self, steps: list[Step]) -> None:
        await self.twins.start()
        self.arm()
        for step in steps:
            self.do(step)
            await self.work()
            self.look()

    def do(self, step: Step) -> None:
        disk = self.twins.disk
        file = disk.files.get(self.path)
        match step:
            case Grow(size):
                self.written += 1
                disk.write(self.path, bytes([self.written % 251]) * size)
                if disk.files[self.path].writers == 0:
                    disk.open_writer(self.path)
                disk.files[self.path].boxes = Boxes(is_mp4=True, complete=False)
            case Patch(at, data) if file and len(file.content) >= len(data):
                disk.patch(self.path, int(at * (len(file.content) - len(data))), data)
            case Wait(seconds):
                self.twins.clock.advance(seconds)
            case Shrink(to) if file:
                disk.truncate(self.path, int(to * len(file.content)))
            case Replace(size):
                self.written += 1
                disk.replace(self.path, bytes([self.written % 251]) * size)
            case Vanish() if file:
                disk.delete(self.path)
            case Rename() if file:
                self.rename()
            case Close(complete) if file and file.writers:
                disk.close_writer(self.path)
                file.boxes = Boxes(is_mp4=True, complete=complete)
                if self.stream:
                    self.stream.sight.closed()
            case Break(nth, kind):
                self.calls_left, self.kind = nth, kind
            case ForgetUploads():
                self.twins.store.uploads.clear()
            case _:
                pass

    def rename(self) -> None:
        new = OTHER if self.path == PATH else PATH
        self.twins.disk.rename(self.path, new)
        self.path = new

    async def work(self, turns: int = 6) -> None:
        """Give the stream a few turns, as events and ticks would; restart when killed."""
        self.twins.world.horizon.scanned_at = self.twins.clock.monotonic()
        try:
            for _ in range(turns):
                stream = self.current()
                if stream is None:
                    return
                delay = await stream.turn()
                self.look()
                if not stream.ended and delay != 0:
                    return
        except Killed:
            self.calls_left = 0
            taken_up = await self.twins.restart()
            self.shelf = Shelf()
            self.shelf.restore(await self.twins.checkpoints.fingerprints())
            assert len(taken_up) <= 1
            self.stream = taken_up[0] if taken_up else None

    def current(self) -> Stream | None:
        """The stream of what stands there now; None when nothing is to be done about it."""
        stream, file = self.stream, self.twins.disk.files.get(self.path)
        if stream is not None and stream.ended:
            self.retire(stream)
            stream = None
        if stream is None or (stream.checkpoint is None and stream.path != self.path):
            known = file is None or self.shelf.knows(self.path, file.version)
            renamed = file is not None and self.shelf.path_of(Fingerprint.of(file.version))
            self.stream = None if known or renamed else self.twins.stream(self.path)
            return self.stream
        cp = stream.checkpoint
        if cp is not None and cp.path != self.path:
            ours = file is not None and file.inode == cp.identity[1]
            stream.sight.moved_to = self.path if ours else None
        return stream

    def retire(self, stream: Stream) -> None:
        cp = stream.checkpoint
        assert cp is not None

        if cp.status in STORED and cp.seal:
            self.shelf.store(cp.path, Fingerprint.of(cp.seal.version))
        elif cp.holds_path:
            self.shelf.park(cp.path, cp.identity[1])

    async def bring_to_an_end(self) -> None:
        """Nothing breaks any more; the recorder is done; time passes."""
        self.calls_left = 0
        file = self.twins.disk.files.get(self.path)
        while file and file.writers:
            self.twins.disk.close_writer(self.path)
        for _ in range(400):
            await self.work()
            if self.is_at_rest():
                return
            self.twins.clock.advance(5.0)
        raise AssertionError(f"never comes to an end: {self.stream and self.stream.why}")

    def is_at_rest(self) -> bool:
        stream = self.current()
        return stream is None or (stream.checkpoint is None and stream.has_nothing)


async def play(steps: list[Step], *, failed_resend_loses_part: bool) -> None:
    twins = Twins()
    twins.store._failed_resend_loses_part = failed_resend_loses_part
    player = Player(twins)
    await player.play(steps)
    await player.bring_to_an_end()
    player.look()
    file = twins.disk.files.get(player.path)
    if file and file.content:
        assert bytes(file.content) in twins.videos.values(), "the last bytes are not stored"
        event("stored")
    assert not twins.store.uploads, "an upload is left over"


@settings(max_examples=1500, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=HISTORIES, loses=st.booleans())
def test_every_history_ends_with_the_bytes_of_the_disk_in_the_store(
    steps: list[Step], loses: bool
) -> None:
    """Grow, patch, fall silent, shrink, be replaced, vanish, come back; crash, fail, lose."""
    asyncio.run(play(steps, failed_resend_loses_part=loses))
