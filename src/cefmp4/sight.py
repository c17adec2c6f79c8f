"""What this process has seen of one recording, to be turned into `Facts`.

Nothing here outlives the process: after a restart everything is looked at anew. Quiet
times are measured on the monotonic clock from when *we* saw a version, not from file
times: clocks jump, and network filesystems have clocks of their own.
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

from cefmp4.core.facts import Facts
from cefmp4.core.growth import Growth
from cefmp4.core.model import Checkpoint, FileVersion, Inspection, Seal, Wish
from cefmp4.core.numbers import NO_NUMBERS, Numbers
from cefmp4.horizon import Horizon


@dataclass(slots=True)
class Sight:
    """The memory of an observer of one file. All times are monotonic seconds."""

    version: FileVersion | None = None
    since: float = 0.0
    """When `version` was first seen."""
    written_here: bool = False
    """`version` came after another one: it was seen being written."""
    own: FileVersion | None = None
    """The last version seen of the stream's own file."""
    missing_since: float | None = None
    close_seen: bool = False
    closes: int = 0
    inspection: Inspection | None = None
    inspected_at: float = 0.0
    looked_into: bool = True
    """Some version of it was inspected, now or before this process took it up."""
    upload_may_exist: bool = True
    moved_to: str | None = None
    wish: Wish | None = None
    """What a person asked for, until it is fulfilled."""
    growth: Growth = field(default_factory=Growth)
    in_flight: set[int] = field(default_factory=set)
    """Parts on their way just now."""
    reread: int = 0
    """How often a part was read again, to be held against what was sent."""
    _proven: Numbers = NO_NUMBERS
    _proven_of: FileVersion | None = None

    def observe(self, version: FileVersion | None, inode: int | None, now: float) -> None:
        """Take in what `stat` says now; `inode` is the stream's own, once it has one."""
        if version != self.version:
            self.written_here = self.version is not None
            self.version, self.since = version, now
            self.inspection, self.close_seen = None, False
        if version is not None and inode in (None, version.inode):
            self.own = version
            self.growth.reached(version.size_bytes, now)
            self.missing_since = None
            self.moved_to = None
        elif self.missing_since is None:
            self.missing_since = now

    def grown(self, version: FileVersion, now: float) -> None:
        """The tick has seen this, but no look can be taken yet: for people only, who are told
        how much waits. Nothing is decided by it; the look takes it in as any other."""
        own = self.own
        if own and version.identity == own.identity and version.size_bytes > own.size_bytes:
            self.own = version
            self.growth.reached(version.size_bytes, now)

    @property
    def size_bytes(self) -> int | None:
        """Of what is there, as it was seen last; None when nothing is."""
        version, own = self.version, self.own
        same = version is not None and own is not None and version.identity == own.identity
        latest = own if same else version
        return latest.size_bytes if latest else None

    def may_be_ours(self, version: FileVersion) -> bool:
        """Not a new file that was given the inode of ours after its deletion (ext4)."""
        own = self.own
        return own is None or (
            version.size_bytes >= own.size_bytes and version.mtime_ns >= own.mtime_ns
        )

    def closed(self) -> None:
        """A writer closed the file: look at it anew."""
        self.close_seen, self.inspection = True, None
        self.closes += 1

    def inspected(self, version: FileVersion | None, found: Inspection, now: float) -> None:
        """A closer look was taken, while the file was this version."""
        self.looked_into = True
        if version == self.version:
            self.inspection, self.inspected_at = found, now

    def since_write(self, seal: Seal | None, now: float, now_unix: float) -> float:
        """Seconds since the last write to what was sealed; by the file's own time, of which
        nobody can say whose clock it is from, where it was not seen."""
        if seal is None:
            return 0.0
        if self.written_here and self.version == seal.version:
            return now - self.since
        return max(0.0, now_unix - seal.version.ctime_ns / 1e9)

    def prove(self, version: FileVersion, number: int) -> None:
        """Part `number` in the store holds what this version of the file holds."""
        if version != self._proven_of:
            self._proven, self._proven_of = NO_NUMBERS, version
        self._proven = self._proven.with_number(number)

    @asynccontextmanager
    async def sending(
        self, number: int, slot: AbstractAsyncContextManager[None]
    ) -> AsyncIterator[None]:
        """A part is on its way, from when it has this slot."""
        async with slot:
            self.in_flight.add(number)
            try:
                yield
            finally:
                self.in_flight.discard(number)

    def disprove(self, numbers: Iterable[int]) -> None:
        """What the store holds of these parts is not certain any more."""
        self._proven = self._proven.without(Numbers.of(numbers))

    def facts(self, checkpoint: Checkpoint | None, horizon: Horizon, now: float) -> Facts:
        """What is true now, as far as it was seen."""
        seal = checkpoint.seal if checkpoint else None
        proven = seal is not None and seal.version == self._proven_of
        missing_since = self.missing_since
        return Facts(
            version=self.version,
            quiet_seconds=now - self.since,
            missing_seconds=(
                max(0.0, horizon.scanned_at - missing_since) if missing_since else 0.0
            ),
            close_seen=self.close_seen,
            inspection=self._look(now),
            looked_into=self.looked_into,
            verified=self._proven if proven else NO_NUMBERS,
            upload_may_exist=self.upload_may_exist,
            watch_dir_away=horizon.hides(checkpoint),
            moved_to=self.moved_to,
            wish=self.wish,
        )

    def _look(self, now: float) -> Inspection | None:
        look = self.inspection
        return look and Inspection(look.boxes, look.writer, now - self.inspected_at)
