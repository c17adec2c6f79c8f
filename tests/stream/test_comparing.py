"""Holding a closed recording against what was sent of it: at once, and never twice."""

import asyncio

from cefmp4.core.geometry import Span
from stream.faults import CLOSED_MP4, growing
from stream.twins import PATH, Twins
from waiting import wait_until


class Reads:
    """Notes which spans are read again, by the offset at which they begin."""

    def __init__(self, twins: Twins) -> None:
        self.offsets: list[int] = []
        self._crc64nvme = twins.disk.crc64nvme
        twins.disk.crc64nvme = self._noting  # type: ignore[method-assign]

    async def _noting(self, path: str, identity: tuple[int, int], span: Span) -> int:
        self.offsets.append(span.offset)
        return await self._crc64nvme(path, identity, span)


async def test_comparing_begins_while_the_tail_is_still_on_its_way() -> None:
    """A slow uplink does not put off the reading, nor the reading the uplink."""
    twins = Twins()
    reads = Reads(twins)
    stream = await growing(twins)
    tail_may_land = asyncio.Event()
    upload_part = twins.store.upload_part

    async def slow(key: str, upload_id: str, number: int, body: object) -> str:
        await tail_may_land.wait()
        return await upload_part(key, upload_id, number, body)  # type: ignore[arg-type]

    twins.store.upload_part = slow  # type: ignore[method-assign]
    twins.disk.write(PATH, b"!")
    twins.disk.close_writer(PATH)
    twins.disk.files[PATH].boxes = CLOSED_MP4
    finishing = asyncio.create_task(twins.finish(stream))
    await wait_until(lambda: reads.offsets == [0, 8, 16])
    tail_may_land.set()
    checkpoint = await finishing
    assert twins.videos == {checkpoint.key: twins.content()}


async def test_what_was_sent_after_the_seal_is_not_read_again() -> None:
    """Only parts that were sent while it grew are held against the disk, once each."""
    twins = Twins()
    reads = Reads(twins)
    stream = await growing(twins)
    twins.disk.write(PATH, b"x" * 40)
    twins.disk.close_writer(PATH)
    twins.disk.files[PATH].boxes = CLOSED_MP4
    stream.glance()
    stream.sight.closed()
    twins.clock.advance(0.1)  # so that it is taken as ended before more of it is sent
    await stream.turn()
    checkpoint = await twins.finish(stream)
    assert len(checkpoint.parts) == 9
    assert reads.offsets == [0, 8, 16, 24, 32]


async def test_a_long_comparison_gets_on_with_every_part() -> None:
    """A batch of large parts on a slow disk takes minutes: nothing is wrong with it.

    Seen failing with what was read counted only at the end of the batch: it was called
    stalled, and the page said that nothing comes of it.
    """
    twins = Twins()
    stream = await growing(twins)
    stream = (await twins.restart())[0]
    twins.disk.close_writer(PATH)
    twins.disk.files[PATH].boxes = CLOSED_MP4
    crc64nvme, stuck = twins.disk.crc64nvme, list[float]()

    async def slow(path: str, identity: tuple[int, int], span: Span) -> int:
        crc = await crc64nvme(path, identity, span)
        twins.clock.advance(40.0)
        stream.progress.noted(twins.clock.monotonic(), stream.achieved)
        stuck.append(stream.progress.stuck_seconds(twins.clock.monotonic()))
        return crc

    twins.disk.crc64nvme = slow  # type: ignore[method-assign]
    await twins.finish(stream)
    assert len(stuck) >= 2
    assert max(stuck) <= 40.0
