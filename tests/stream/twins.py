"""A whole world in memory for one daemon: twins behind every port, and time by hand."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import count
from uuid import UUID

from cefmp4.adapters.memory.checkpoints import MemoryCheckpoints
from cefmp4.adapters.memory.disk import MemoryDisk
from cefmp4.adapters.memory.store import MemoryStore
from cefmp4.core.keys import place_of_id
from cefmp4.core.model import Checkpoint, FileVersion
from cefmp4.core.policy import Policy
from cefmp4.core.stream_ids import instance_tag, stream_id_from
from cefmp4.errors import ChunkProcessingError
from cefmp4.flow import Flow
from cefmp4.metrics import Metrics
from cefmp4.pace import Pace
from cefmp4.ports import Probe
from cefmp4.recollection import Recollection
from cefmp4.slots import Slots
from cefmp4.stream import Stream
from cefmp4.world import World

PATH = "/w/a.mp4"
TAG = instance_tag("the instance of the twins")


def nth_id(number: int) -> str:
    """The id of the stream that begins as the so-manyeth."""
    return stream_id_from(UUID(int=number << 96), TAG)


FIRST, SECOND = nth_id(1), nth_id(2)
POLICY = Policy(part_bytes=8, window_parts=2, close_settle_seconds=1.0)


@dataclass
class HandClock:
    """Time that passes only when the test says so."""

    seconds: float = 1_000.0

    def now(self) -> float:
        return 1_700_000_000.0 + self.seconds

    def monotonic(self) -> float:
        return self.seconds

    def advance(self, seconds: float) -> None:
        self.seconds += seconds


class PlainProber:
    """Describes every file as ten seconds long."""

    async def probe(self, path: str) -> Probe:
        return Probe(duration_seconds=10.0, playable=True, prober="twin")


@dataclass
class DiskDisposal:
    """AFTER_UPLOAD=delete on the disk twin."""

    disk: MemoryDisk

    async def dispose(self, path: str, version: FileVersion, stream_id: str) -> str | None:
        there = self.disk.files.get(path)
        if there is None or there.version != version:
            return None
        if there.writers:
            raise ChunkProcessingError("open for writing")
        self.disk.delete(path)
        return "deleted"

    async def reveal(self, hidden: str) -> str | None:
        return None  # nothing is hidden here


@dataclass
class Twins:
    """The twins, and the daemon's process on them, which can be killed."""

    policy: Policy = POLICY
    clock: HandClock = field(default_factory=HandClock)
    disk: MemoryDisk = field(default_factory=MemoryDisk)
    checkpoints: MemoryCheckpoints = field(default_factory=MemoryCheckpoints)
    key_template: Callable[[str, str], str] = lambda stream_id, _: f"streams/{stream_id}/a.mp4"
    key_is_unique: bool = True

    def __post_init__(self) -> None:
        self.store = MemoryStore(now=self.clock.now)
        self._ids = count(1)
        self.new_process()

    @property
    def _template(self) -> str:
        """What the keys of `key_template` look like."""
        return "streams/{stream_id}/{relpath}" if self.key_is_unique else "{relpath}"

    def new_process(self) -> None:
        """What a start of the daemon makes anew; files, store and state stay."""
        self.world = World(
            disk=self.disk,
            store=self.store,
            checkpoints=self.checkpoints,
            prober=PlainProber(),
            disposal=DiskDisposal(self.disk),
            clock=self.clock,
            policy=self.policy,
            metrics=Metrics(),
            turns=Slots(5),
            flow=Flow(4, Pace(self.clock.monotonic)),
            new_stream_id=lambda: nth_id(next(self._ids)),
            key_for=lambda stream_id, path, _: self.key_template(stream_id, path),
            bucket="bucket",
            key_is_unique=self.key_is_unique,
            host="here",
            recollection=Recollection(
                TAG, "streams/" if self.key_is_unique else "", place_of_id(self._template)
            ),
        )

    async def start(self) -> None:
        """Claim the instance."""
        await self.checkpoints.claim()

    async def restart(self) -> list[Stream]:
        """Kill the process and start another: the streams it takes up."""
        self.checkpoints.crash()
        self.checkpoints = self.checkpoints.successor()
        await self.checkpoints.claim()
        self.new_process()
        self.world.recollection.wanted = not await self.checkpoints.is_whole()
        found = await self.checkpoints.load_unfinished()
        return [Stream(self.world, checkpoint.path, checkpoint) for checkpoint in found]

    def stream(self, path: str = PATH) -> Stream:
        """A stream for a file nothing is remembered of."""
        return Stream(self.world, path)

    async def rest(self, stream: Stream, limit: int = 200) -> float | None:
        """Give it turns until it waits for something; how long it would wait."""
        for _ in range(limit):
            self.world.horizon.scanned_at = self.clock.monotonic()
            delay = await stream.turn()
            if stream.ended or delay is None or delay > 0:
                return delay
        raise AssertionError(f"never comes to rest: {stream.progress.why}")

    async def finish(self, stream: Stream, limit: int = 200) -> Checkpoint:
        """Let time pass until it has ended; its last checkpoint."""
        for _ in range(limit):
            delay = await self.rest(stream)
            if stream.ended and stream.checkpoint is not None:
                return stream.checkpoint
            self.clock.advance(1.0 if delay is None else delay)
        raise AssertionError(f"never ends: {stream.progress.why}")

    def content(self, path: str = PATH) -> bytes:
        return bytes(self.disk.files[path].content)

    @property
    def videos(self) -> dict[str, bytes]:
        """Every object that is a recording."""
        return {
            key: found.content
            for key, found in self.store.objects.items()
            if found.content_type == "video/mp4"
        }


def with_policy(**changes: object) -> Twins:
    """Twins under another policy."""
    return Twins(policy=replace(POLICY, **changes))  # type: ignore[arg-type]


async def leave_no_task() -> None:
    """Let callbacks run that were due."""
    await asyncio.sleep(0)
