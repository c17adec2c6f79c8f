"""All streams at one moment."""

from collections.abc import Iterable
from dataclasses import dataclass

from cefmp4.core.safety import Safety
from cefmp4.errors import ChunkProcessingError
from cefmp4.lookout import Lookout
from cefmp4.rows import STALLED
from cefmp4.stream import Stream
from stream.faults import on
from stream.twins import HandClock, Twins


async def crowd(count: int) -> tuple[Twins, list[Stream]]:
    twins = Twins()
    await twins.start()
    streams = []
    for number in range(count):
        path = f"/w/{number}.mp4"
        twins.disk.write(path, bytes(12))
        twins.disk.files[path].ctime_ns = int((twins.clock.now() - number) * 1e9)
        streams.append(twins.stream(path))
        await twins.rest(streams[-1])
    return twins, streams


async def test_a_sighting_adds_up_the_streams() -> None:
    """Unsent bytes in all, and the age of the oldest one."""
    twins, streams = await crowd(3)
    sighting = await Lookout(lambda: streams, twins.clock, 300.0).look()
    assert sighting.rows.keys() == {stream.stream_id for stream in streams}
    assert sighting.statuses == {"active": 3}
    assert (sighting.unsent_bytes, sighting.at_risk_seconds) == (12, 2.0)
    assert (sighting.at_risk, sighting.stalled) == (0, [])


async def test_what_cannot_even_be_looked_at_is_shown_as_at_risk() -> None:
    """A disk that answers with an error hides how much is there; an empty file is no row.

    Seen failing with no row at all, so that all was well.
    """
    twins = Twins()
    await twins.start()
    for path in ("/w/empty.mp4", "/w/broken.mp4"):
        twins.disk.write(path, b"")
    empty, broken = twins.stream("/w/empty.mp4"), twins.stream("/w/broken.mp4")
    await empty.turn()
    twins.disk.before = on("stat", ChunkProcessingError("Input/output error"))
    await broken.turn()
    twins.clock.advance(400.0)
    sighting = await Lookout(lambda: [empty, broken], twins.clock, 300.0).look()
    [row] = sighting.rows.values()
    assert (row.path, row.verdict, row.status) == (broken.path, Safety.AT_RISK, STALLED)
    assert (row.why, row.disk_bytes) == ("Input/output error", None)


async def test_many_who_look_cost_one_look() -> None:
    """Within a second everybody is told the same."""
    twins, streams = await crowd(1)
    asked = 0

    def counted() -> Iterable[Stream]:
        nonlocal asked
        asked += 1
        return streams

    lookout = Lookout(counted, twins.clock, 300.0)
    first = await lookout.look()
    assert await lookout.look() is first
    assert asked == 1
    twins.clock.advance(1.0)
    assert await lookout.look() is not first
    assert asked == 2


async def test_what_has_not_changed_is_an_equal_row() -> None:
    """Time alone changes no row, so that nothing is told twice."""
    twins, streams = await crowd(2)
    lookout = Lookout(lambda: streams, twins.clock, 300.0)
    before = await lookout.look()
    twins.clock.advance(7.0)
    after = await lookout.look()
    assert after.rows == before.rows
    assert after.at_risk_seconds == before.at_risk_seconds + 7.0


async def test_a_clock_that_is_drawn_slowly_changes_no_row() -> None:
    """NTP moves the clock a little all the time; only a step makes rows anew."""
    twins, streams = await crowd(1)
    clock = DrawnClock(twins.clock)
    lookout = Lookout(lambda: streams, clock, 300.0)
    before = await lookout.look()
    twins.clock.advance(7.0)
    clock.off_seconds = 0.5
    assert (await lookout.look()).rows == before.rows
    twins.clock.advance(7.0)
    clock.off_seconds = 3600.0
    [row] = (await lookout.look()).rows.values()
    [old] = before.rows.values()
    assert row.at_risk_since is not None
    assert old.at_risk_since is not None
    assert row.at_risk_since == old.at_risk_since + 3600.0


@dataclass
class DrawnClock:
    """The clock on the wall is not as the other one."""

    hand: HandClock
    off_seconds: float = 0.0

    def now(self) -> float:
        return self.hand.now() + self.off_seconds

    def monotonic(self) -> float:
        return self.hand.monotonic()


async def test_a_file_without_a_byte_and_an_ended_stream_are_no_rows() -> None:
    """Only what is under way is told of."""
    twins, [stream] = await crowd(1)
    twins.disk.write("/w/empty.mp4", b"")
    empty = twins.stream("/w/empty.mp4")
    empty.glance()
    twins.clock.advance(60.0)
    await twins.finish(stream)
    assert not (await Lookout(lambda: [stream, empty], twins.clock, 300.0).look()).rows
