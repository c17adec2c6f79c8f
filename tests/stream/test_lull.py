"""Recordings that only grow: what the tick sees of them is noted, and nothing else is done."""

import asyncio
from dataclasses import replace

import pytest

from cefmp4.core.actions import Inspect, Plan
from cefmp4.core.facts import Facts
from cefmp4.core.model import (
    Checkpoint,
    FileVersion,
    Inspection,
    Seal,
    SealReason,
    Wish,
    Writer,
)
from cefmp4.core.mp4 import Boxes
from cefmp4.errors import ChunkProcessingError
from cefmp4.events import StreamEvent, WatcherChangeType
from cefmp4.lull import Lull
from cefmp4.rows import Moment, Row, row_of
from cefmp4.sight import Sight
from cefmp4.stream import Stream
from cefmp4.supervisor import Supervisor
from stream.faults import on, outage
from stream.test_supervisor import scan, supervised
from stream.twins import POLICY, Twins, with_policy
from waiting import wait_until

BEGUN = Checkpoint("id", "/w/a.mp4", (1, 7), "bucket", "key", POLICY.geometry, 0.0)
PART = POLICY.geometry.base_bytes
GROWING = Plan("growing", (), 1.0)
LOOKED = Inspection(Boxes(is_mp4=True, complete=False), Writer.OPEN)


def of_size(size: int, inode: int = 7) -> FileVersion:
    return FileVersion(1, inode, size, size, size)


def in_a_lull(size: int = 1) -> tuple[Lull, Sight]:
    """Looked at when it was just written, at second 100."""
    sight = Sight()
    sight.observe(of_size(size), 7, 100.0)
    lull = Lull(sight)
    lull.decided(Facts(sight.version), BEGUN, GROWING)
    return lull, sight


def never() -> FileVersion | None:
    raise AssertionError("it need not be asked for")


def out_of_reach() -> FileVersion | None:
    raise ChunkProcessingError("EIO")


def test_growth_is_noted_and_puts_the_next_look_off() -> None:
    """Until it has been quiet for as long as the plan wanted it to be."""
    lull, sight = in_a_lull()
    assert lull.left_seconds(100.2, never) == pytest.approx(0.8)
    assert lull.note(of_size(2), 100.9)
    assert (sight.version, sight.since) == (of_size(2), 100.9)
    assert lull.left_seconds(101.0, never) == pytest.approx(0.9)
    assert lull.left_seconds(101.9, lambda: of_size(2)) == 0.0


def test_one_that_seems_quiet_is_asked_for_once_more() -> None:
    """Whoever writes once a second is ahead of the tick: that costs a stat, and no look."""
    lull, sight = in_a_lull()
    assert lull.left_seconds(101.0, lambda: of_size(2)) == pytest.approx(1.0)
    assert (sight.version, sight.since) == (of_size(2), 101.0)
    assert lull.left_seconds(102.0, lambda: of_size(PART)) == 0.0
    assert lull.left_seconds(102.0, lambda: None) == 0.0
    assert lull.left_seconds(102.0, out_of_reach) == 0.0


@pytest.mark.parametrize(
    "version",
    [of_size(PART), of_size(3 * PART), of_size(0), of_size(2, inode=8)],
    ids=["a whole part", "several", "shrunk", "replaced"],
)
def test_what_may_call_for_something_is_looked_at(version: FileVersion) -> None:
    """It is not even noted: the look has to see it for itself."""
    lull, sight = in_a_lull()
    assert not lull.note(version, 101.0)
    assert sight.version == of_size(1)


@pytest.mark.parametrize("happened", ["closed", "inspected", "wished"])
def test_a_lull_ends_with_whatever_else_is_heard(happened: str) -> None:
    """A close, a closer look, a person: the next growth is decided anew."""
    lull, sight = in_a_lull()
    match happened:
        case "closed":
            sight.closed()
        case "inspected":
            sight.inspected(of_size(1), LOOKED, 100.5)
        case "wished":
            sight.wish = Wish.ABORT
    assert lull.left_seconds(100.5, never) == 0.0
    assert not lull.note(of_size(2), 100.5)


@pytest.mark.parametrize(
    ("facts", "checkpoint", "decision"),
    [
        (Facts(of_size(1)), None, GROWING),
        (Facts(None), BEGUN, GROWING),
        (Facts(of_size(1, inode=8)), BEGUN, GROWING),
        (Facts(of_size(1), close_seen=True), BEGUN, GROWING),
        (Facts(of_size(1), inspection=LOOKED), BEGUN, GROWING),
        (Facts(of_size(1), wish=Wish.ABORT), BEGUN, GROWING),
        (Facts(of_size(1)), BEGUN, Plan("look closer", (Inspect(),))),
        (Facts(of_size(1)), BEGUN, Plan("ended")),
        (Facts(of_size(1)), replace(BEGUN, completing=True), GROWING),
        (
            Facts(of_size(1)),
            BEGUN.sealed(Seal(of_size(1), SealReason.IDLE, 0.0)),
            GROWING,
        ),
    ],
)
def test_only_a_growing_recording_with_nothing_due_is_in_one(
    facts: Facts, checkpoint: Checkpoint | None, decision: Plan
) -> None:
    """Anything else is looked at whenever something is seen of it."""
    sight = Sight()
    sight.observe(of_size(1), 7, 100.0)
    lull = Lull(sight)
    lull.decided(facts, checkpoint, decision)
    assert not lull.note(of_size(2), 100.5)
    assert lull.left_seconds(100.5, never) == 0.0


def seen(twins: Twins, path: str) -> StreamEvent:
    """As the tick tells it."""
    version = twins.disk.files[path].version
    return StreamEvent(WatcherChangeType.WRITE, path, version=version)


async def at_rest(twins: Twins, paths: list[str]) -> Supervisor:
    """All have begun, and wait."""
    supervisor = await supervised(twins)
    for path in paths:
        twins.disk.open_writer(path)
        twins.disk.write(path, b"1")
    await supervisor.handle_scan(scan(twins))
    await wait_until(lambda: supervisor.active_streams() == len(paths))
    await wait_until(lambda: not len(supervisor.turns))
    return supervisor


async def test_a_thousand_growing_recordings_cost_no_look_and_no_timer() -> None:
    """However often they are seen to have grown, until one has a whole part to send.

    Seen failing, with a look and a new timer each, where every change wakes its stream.
    """
    twins = with_policy(close_settle_seconds=3600.0)
    paths = [f"/w/{number}.mp4" for number in range(1_000)]
    supervisor = await at_rest(twins, paths)
    timers = dict(supervisor.turns._timers)
    assert len(timers) == len(paths)
    asked: list[str] = []
    twins.disk.before = asked.append
    for _ in range(PART - 2):
        for path in paths:
            twins.disk.write(path, b"+")
            supervisor.handle(seen(twins, path))
        await asyncio.sleep(0)
        assert not len(supervisor.turns)
    assert asked == []
    assert supervisor.turns._timers == timers
    for path in paths:
        assert supervisor.streams[path].sight.version == twins.disk.files[path].version
    twins.disk.write(paths[0], b"+")
    supervisor.handle(seen(twins, paths[0]))
    await wait_until(lambda: any(upload.parts for upload in twins.store.uploads.values()))
    await supervisor.stop(1.0)


async def test_a_failed_stream_is_not_lulled() -> None:
    """What could not be read or written has to be tried again, whatever is seen of the file."""
    twins = with_policy(close_settle_seconds=3600.0)
    supervisor = await at_rest(twins, ["/w/a.mp4"])
    stream = supervisor.streams["/w/a.mp4"]
    stream.ledger.distrust()
    twins.disk.write("/w/a.mp4", b"+")
    supervisor.handle(seen(twins, "/w/a.mp4"))
    assert len(supervisor.turns) == 1, "it reads its checkpoint again"
    await wait_until(lambda: not len(supervisor.turns))
    assert stream.ledger.trusted
    await supervisor.stop(1.0)


async def test_what_is_written_in_an_outage_is_told_all_the_same() -> None:
    """While a stream waits for its next try, more piles up: people are told how much.

    Seen failing with the size of the last try, for as long as the outage lasts.
    """
    path = "/w/a.mp4"
    twins = with_policy(close_settle_seconds=3600.0)
    supervisor = await at_rest(twins, [path])
    stream = supervisor.streams[path]
    twins.store.before = on("upload_part", outage("UploadPart"), times=100)
    twins.disk.write(path, bytes(PART))
    supervisor.handle(seen(twins, path))
    await wait_until(lambda: stream.failures and not len(supervisor.turns))
    before = _told(twins, stream)
    for _ in range(3):
        twins.disk.write(path, bytes(PART))
        supervisor.handle(seen(twins, path))
    told = _told(twins, stream)
    assert before.disk_bytes is not None
    assert told.disk_bytes == before.disk_bytes + 3 * PART
    assert told.unsent_bytes == before.unsent_bytes + 3 * PART
    assert told.at_risk_since == before.at_risk_since
    await supervisor.stop(1.0)


def _told(twins: Twins, stream: Stream) -> Row:
    return row_of(stream, Moment(twins.clock.monotonic(), 0.0), 300.0)
