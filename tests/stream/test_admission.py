"""Whose turn a plan waits for: bytes on a slow link hold up nothing that moves none."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from cefmp4.events import StreamEvent, WatcherChangeType
from cefmp4.slots import Slots, Urgency
from stream.test_supervisor import CLOSED_MP4, all_done, created, quick, supervised
from stream.test_supervisor_names import parts_sent
from stream.twins import PATH
from waiting import wait_until


@asynccontextmanager
async def all_taken(slots: Slots) -> AsyncIterator[None]:
    """Others hold every one of them."""
    async with AsyncExitStack() as stack:
        for _ in range(slots.limit):
            await stack.enter_async_context(slots.hold(Urgency.GROWING))
        yield


async def test_a_new_recording_is_begun_while_all_turns_are_taken() -> None:
    """And waits for one when it has bytes to send.

    Seen failing where a beginning takes a turn.
    """
    twins = quick()
    supervisor = await supervised(twins)
    async with all_taken(twins.world.turns):
        twins.disk.open_writer(PATH)
        twins.disk.write(PATH, bytes(20))
        supervisor.handle(created(PATH))
        await wait_until(lambda: len(twins.checkpoints._server.streams) == 1)
        await wait_until(lambda: twins.world.turns.waiting == 1)
        assert not twins.store.uploads
    await wait_until(lambda: bool(twins.store.uploads))
    await supervisor.stop(1.0)


async def test_a_crowd_begins_a_few_at_a_time() -> None:
    """The state server is asked by no more at once than it has connections for."""
    twins = quick()
    supervisor = await supervised(twins)
    light, most = twins.world.light, 0

    def count(_: str) -> None:
        nonlocal most
        most = max(most, light.used)

    twins.disk.before = count
    for number in range(200):
        twins.disk.open_writer(f"/w/{number}.mp4")
        twins.disk.write(f"/w/{number}.mp4", b"1")
        supervisor.handle(created(f"/w/{number}.mp4"))
    await wait_until(lambda: len(twins.checkpoints._server.streams) == 200)
    assert 0 < most <= light.limit
    await supervisor.stop(1.0)


async def test_bytes_are_never_sent_from_where_none_should_be() -> None:
    """What was to be sealed may have grown while it waited: then it waits for a turn.

    Seen failing where whatever is due by then is carried out in the slot that was waited for.
    """
    twins = quick()
    supervisor = await supervised(twins)
    twins.disk.open_writer(PATH)
    twins.disk.write(PATH, bytes(20))
    supervisor.handle(created(PATH))
    await wait_until(lambda: parts_sent(twins) == 2 and not len(supervisor.turns))
    async with all_taken(twins.world.turns):
        async with all_taken(twins.world.light):
            twins.disk.close_writer(PATH)
            twins.disk.files[PATH].boxes = CLOSED_MP4
            supervisor.handle(StreamEvent(WatcherChangeType.WRITE, PATH, closed=True))
            await wait_until(lambda: twins.world.light.waiting == 1)
            twins.disk.write(PATH, bytes(20))
        await wait_until(lambda: twins.world.turns.waiting == 1)
        assert parts_sent(twins) == 2
    await all_done(supervisor, twins)
    assert list(twins.videos.values()) == [twins.content()]


async def test_what_is_gone_after_the_wait_is_not_begun() -> None:
    """And no slot is lost."""
    twins = quick()
    supervisor = await supervised(twins)
    async with all_taken(twins.world.light):
        twins.disk.write(PATH, b"1")
        supervisor.handle(created(PATH))
        await wait_until(lambda: twins.world.light.waiting == 1)
        twins.disk.delete(PATH)
    await wait_until(lambda: not supervisor.streams)
    assert not twins.checkpoints._server.streams
    assert twins.world.light.used == 0
    await supervisor.stop(1.0)
