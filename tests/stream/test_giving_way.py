"""Turns that give way: no recording, however long, holds up another for ever."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from cefmp4.slots import Urgency
from stream.faults import CLOSED_MP4, on, outage, recorded
from stream.test_supervisor import all_done, created, quick, scan, supervised
from stream.twins import Twins, with_policy
from waiting import wait_until


async def test_a_turn_gives_way_only_when_another_stream_waits_for_one() -> None:
    """Else it would leave gaps in the line of parts.

    Seen failing with turns that send all there is in any case, and with turns that always
    end after a window.
    """
    twins = with_policy()
    stream = await recorded(twins, size=240)
    while not stream.checkpoint or not stream.checkpoint.seal:
        await stream.turn()
        twins.clock.advance(1.0)
    had = len(stream.checkpoint.parts)
    async with somebody_comes(twins) as come:
        twins.store.before = lambda name: come() if name == "upload_part" else None
        await stream.turn()
    twins.store.before = None
    sent = len(stream.checkpoint.parts) - had
    assert twins.policy.window_parts <= sent <= 3 * twins.policy.window_parts
    await stream.turn()
    assert len(stream.checkpoint.parts) == 30


async def test_a_turn_that_compares_gives_way_too() -> None:
    """After a restart all of a long recording is read again: others are worked on meanwhile.

    Seen failing with a compare that reads all there is in any case.
    """
    twins = with_policy()
    stream = await recorded(twins, size=240)
    twins.store.before = on("complete", outage("complete"), 99)
    while not stream.checkpoint or len(stream.checkpoint.parts) < 30:
        await stream.turn()
        twins.clock.advance(1.0)
    [stream] = await twins.restart()
    read: list[str] = []

    def reading(name: str) -> None:
        if name == "crc64nvme":
            read.append(name)
            come()

    async with somebody_comes(twins) as come:
        twins.disk.before = reading
        while not read:
            await stream.turn()
    assert twins.policy.window_parts <= len(read) <= 2 * twins.policy.window_parts
    twins.store.before = None
    await twins.finish(stream)
    assert len(read) == 30
    assert list(twins.videos.values()) == [twins.content()]


@asynccontextmanager
async def somebody_comes(twins: Twins) -> AsyncIterator[Callable[[], None]]:
    """All turns but one are taken; when called, another stream wants one."""
    turns, line = twins.world.turns, list[asyncio.Task[None]]()

    async def wait_in_line() -> None:
        async with turns.hold(Urgency.GROWING):
            pass

    def come() -> None:
        if not line:
            line.append(asyncio.create_task(wait_in_line()))

    async with AsyncExitStack() as held:
        for _ in range(turns.limit - 1):
            await held.enter_async_context(turns.hold(Urgency.GROWING))
        yield come
        assert line
        await asyncio.gather(*line)


async def test_many_long_recordings_that_have_ended_do_not_starve_one_that_grows() -> None:
    """More of them than turns, each with hundreds of parts: it gets its parts in between.

    Seen failing with turns that send all there is, and with slots by urgency alone.
    """
    twins = quick()
    supervisor = await supervised(twins)
    ended = [f"/w/ended-{number}.mp4" for number in range(8)]
    for path in ended:
        twins.disk.write(path, bytes(1600))
        twins.disk.files[path].boxes = CLOSED_MP4
    await supervisor.handle_scan(scan(twins))
    streams = twins.checkpoints._server.streams

    def sealed() -> bool:
        return len([cp for cp in streams.values() if cp.seal]) == len(ended)

    await wait_until(sealed, every_seconds=0)
    growing = "/w/growing.mp4"
    twins.disk.open_writer(growing)
    twins.disk.write(growing, bytes(30))
    supervisor.handle(created(growing))

    def sent() -> int:
        return sum(len(cp.parts) for cp in streams.values() if cp.path == growing)

    await wait_until(lambda: sent() == 3, every_seconds=0)
    twins.disk.write(growing, bytes(16))
    supervisor.handle(created(growing))
    await wait_until(lambda: sent() == 5, every_seconds=0)
    assert not twins.videos, "the others are still at it"
    twins.disk.close_writer(growing)
    twins.disk.files[growing].boxes = CLOSED_MP4
    await wait_until(lambda: len(twins.videos) == 9, timeout_seconds=60)
    await all_done(supervisor, twins)
