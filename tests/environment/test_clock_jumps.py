"""The wall clock jumps an hour, either way: only the times in the JSON look odd.

Whatever is waited for is measured on the clock that never jumps.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import jsonschema
import pytest

from cefmp4.core.model import Status
from cefmp4.metadata import metadata_schema
from environment.footage import Footage
from story.bucket import Bucket
from story.daemon import Daemon
from stream.faults import Lost, growing, on, recorded
from stream.twins import PATH, HandClock, Twins
from waiting import wait_until

HOUR_SECONDS = 3600.0
SECONDS = 60.0
either_way = pytest.mark.parametrize("jump_seconds", [HOUR_SECONDS, -HOUR_SECONDS])
Key = Callable[[str, str], str]


@dataclass
class JumpingClock(HandClock):
    """The wall clock can be set; the other one goes on."""

    set_by_seconds: float = 0.0

    def now(self) -> float:
        return super().now() + self.set_by_seconds


@dataclass
class JumpingTwins(Twins):
    """The store's clock is right all the time."""

    def __post_init__(self) -> None:
        self.jumping = self.clock = JumpingClock()
        super().__post_init__()
        right = HandClock()

        def now() -> float:
            right.seconds = self.clock.seconds
            return right.now()

        self.store._now = now


@either_way
async def test_a_recording_is_sealed_neither_early_nor_late(jump_seconds: float) -> None:
    """Its silence is counted in seconds that passed.

    Seen failing with the quiet time taken from the wall clock.
    """
    twins = JumpingTwins()
    stream = await growing(twins)
    twins.disk.close_writer(PATH)
    twins.clock.advance(1.0)
    await twins.rest(stream)
    twins.jumping.set_by_seconds = jump_seconds
    twins.clock.advance(twins.policy.stream_timeout_seconds - 5.0)
    await twins.rest(stream)
    early = stream.ledger.current.seal
    twins.clock.advance(5.0)
    await twins.rest(stream)
    assert early is None
    assert stream.ledger.current.seal is not None
    checkpoint = await twins.finish(stream)
    assert checkpoint.status is Status.COMPLETED_WITH_META
    assert twins.videos == {checkpoint.key: twins.content()}


@either_way
async def test_a_missing_recording_keeps_its_grace(jump_seconds: float) -> None:
    """It is given up when the grace is over, and not for a jump.

    Seen failing with the grace measured on the wall clock.
    """
    twins = JumpingTwins()
    stream = await growing(twins)
    twins.disk.delete(PATH)
    await twins.rest(stream)
    twins.jumping.set_by_seconds = jump_seconds
    twins.clock.advance(twins.policy.missing_grace_seconds - 1.0)
    await twins.rest(stream)
    early = stream.ended
    twins.clock.advance(1.0)
    await twins.rest(stream)
    assert (early, stream.ended) == (False, True)


WITH_ID: Key = lambda stream_id, _: f"streams/{stream_id}/a.mp4"  # noqa: E731
BARE: Key = lambda *_: "a.mp4"  # noqa: E731


@pytest.mark.parametrize(
    ("key", "then_seconds"),
    [(WITH_ID, 0.0), (WITH_ID, HOUR_SECONDS), (BARE, 0.0), (BARE, -HOUR_SECONDS)],
)
@either_way
async def test_an_upload_of_our_own_is_not_missed_for_its_time(
    jump_seconds: float, then_seconds: float, key: Key
) -> None:
    """Begun by a wrong clock, created by a right one, looked for by either.

    Seen failing, an orphan left behind, with uploads known by the time of their beginning.
    """
    twins = JumpingTwins(key_template=key, key_is_unique=key is WITH_ID)
    stream = await recorded(twins)
    twins.jumping.set_by_seconds = jump_seconds
    await stream.turn()
    assert stream.checkpoint
    twins.jumping.set_by_seconds = 0.0
    twins.store.after = on("create_upload", Lost())
    with pytest.raises(Lost):
        await twins.finish(stream)
    twins.jumping.set_by_seconds = then_seconds
    twins.store.after = None
    assert len(twins.store.uploads) == 1
    (taken_up,) = await twins.restart()
    checkpoint = await twins.finish(taken_up)
    assert checkpoint.status is Status.COMPLETED_WITH_META
    assert twins.videos == {checkpoint.key: twins.content()}
    assert not twins.store.uploads


@pytest.fixture
def daemon(daemon: Daemon, tmp_path: Path) -> Daemon:
    """One whose wall clock can be set."""
    daemon.module = "environment.jumping_daemon"
    daemon.environment |= {
        "CLOCK_SET_BY": str(tmp_path / "clock"),
        "CLAIM_LEASE_SECONDS": "3",
    }
    return daemon


def set_clock(daemon: Daemon, by_seconds: float) -> None:
    path = daemon.environment["CLOCK_SET_BY"]
    Path(f"{path}.new").write_text(str(by_seconds))
    os.replace(f"{path}.new", path)


@pytest.mark.timeout(180)
@either_way
async def test_the_clock_jumps_under_a_real_daemon(
    jump_seconds: float, daemon: Daemon, store: Bucket
) -> None:
    """The store does not listen to a clock that is wrong by an hour: that is waited out.

    Nothing is parked, the claim is kept, and once the clock is right all goes on; of the
    recording that ends before that, too. Seen failing with RequestTimeTooSkewed permanent.
    """
    set_clock(daemon, 0.0)
    daemon.start()
    await wait_until(daemon.is_ready, timeout_seconds=SECONDS)
    footage = Footage()
    footage.begin(daemon.path("a.mp4"))
    await wait_until(store.parts_in_flight, timeout_seconds=SECONDS)
    set_clock(daemon, jump_seconds)
    footage.end(daemon.path("a.mp4"))
    await wait_until(lambda: "RequestTimeTooSkewed" in daemon.log, timeout_seconds=SECONDS)
    assert "the clock of this machine or of the store is wrong" in daemon.log
    assert "claim" not in daemon.log
    set_clock(daemon, 0.0)
    (key,) = await store.wait_for_videos(1, SECONDS)
    assert await store.content(key) == footage.content
    document = await store.metadata(key)
    jsonschema.validate(document, metadata_schema())
    assert await store.uploads() == []
    assert "parked" not in daemon.log
    assert "abandoned" not in daemon.log
