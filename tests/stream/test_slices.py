"""Everything at once, by a scan, a start or a directory moved in: a few at a time."""

import asyncio
from collections.abc import Awaitable
from dataclasses import replace

from cefmp4.core.model import Status
from cefmp4.supervisor import CONSIDERED_AT_A_TIME, Supervisor
from cefmp4.turns import LOOKS_AT_A_TIME
from cefmp4.unhurried import unhurried
from stream.test_supervisor import scan, supervised
from stream.twins import PATH, Twins, with_policy
from waiting import wait_until

MANY = 1_000
LOOKS_PER_RECORDING = 4
"""It is considered, glanced at, and has a turn: a stat or two for each."""
AT_MOST = LOOKS_PER_RECORDING * (CONSIDERED_AT_A_TIME + 2 * LOOKS_AT_A_TIME)


class Iterations:
    """How often the disk was asked in each iteration of the event loop."""

    def __init__(self, twins: Twins) -> None:
        self.looks = [0]
        twins.disk.before = self._count

    def _count(self, _: str) -> None:
        self.looks[-1] += 1

    async def during(self, work: Awaitable[object]) -> None:
        """Carry it out; every iteration begins a new count."""
        working = asyncio.ensure_future(work)
        while not working.done():
            self.looks.append(0)
            await asyncio.sleep(0)
        await working


async def at_rest(supervisor: Supervisor, streams: int) -> None:
    await wait_until(lambda: supervisor.active_streams() == streams and not supervisor.turns)


async def test_a_large_scan_is_taken_in_by_slices() -> None:
    """Others get their turn in between, and no iteration looks at more than a few.

    Seen failing, with thousands of looks in one iteration, where a scan is handled in one go.
    """
    twins = with_policy(close_settle_seconds=3600.0)
    supervisor = await supervised(twins)
    for number in range(MANY):
        twins.disk.write(f"/w/{number}.mp4", b"1")
    iterations = Iterations(twins)
    await iterations.during(supervisor.handle_scan(scan(twins)))
    await iterations.during(at_rest(supervisor, MANY))
    assert sum(iterations.looks) >= MANY
    assert max(iterations.looks) <= AT_MOST
    await supervisor.stop(1.0)


async def test_a_start_takes_its_streams_up_by_slices() -> None:
    """Those that were left, and those that a lost state makes look at their checkpoints.

    Seen failing where all are woken in one go.
    """
    twins = with_policy(close_settle_seconds=3600.0)
    supervisor = await supervised(twins)
    for number in range(MANY):
        twins.disk.write(f"/w/{number}.mp4", b"1")
    await supervisor.handle_scan(scan(twins))
    await at_rest(supervisor, MANY)
    await supervisor.stop(1.0)
    await twins.restart()
    iterations = Iterations(twins)
    supervisor = Supervisor(twins.world)
    await iterations.during(supervisor.resume())
    await iterations.during(at_rest(supervisor, MANY))
    assert sum(iterations.looks) >= MANY
    assert max(iterations.looks) <= AT_MOST
    await iterations.during(supervisor.write_again())
    await iterations.during(at_rest(supervisor, MANY))
    assert max(iterations.looks) <= AT_MOST
    await supervisor.stop(1.0)


async def test_nothing_is_judged_by_a_scan_before_all_of_it_was_considered() -> None:
    """A renamed recording may be the last one that is come to.

    Seen failing, with an upload aborted, where the time of the scan is noted first.
    """
    twins = with_policy(missing_grace_seconds=2.0, close_settle_seconds=3600.0)
    supervisor = await supervised(twins)
    twins.disk.open_writer(PATH)
    twins.disk.write(PATH, bytes(20))
    await supervisor.handle_scan(scan(twins))
    await wait_until(lambda: len(twins.store.uploads) == 1 and not len(supervisor.turns))
    stream = supervisor.streams[PATH]
    for number in range(MANY):
        twins.disk.write(f"/w/{number}.mp4", b"1")
    moved = "/w/moved.mp4"
    twins.disk.rename(PATH, moved)
    stream.glance()
    twins.clock.advance(10.0)
    found = scan(twins)
    assert list(found.found)[-1] == moved
    handling = asyncio.create_task(supervisor.handle_scan(found))
    while not handling.done():
        supervisor.turns.wake(stream)
        await asyncio.sleep(0)
    await wait_until(lambda: stream.path == moved)
    assert stream.checkpoint is not None
    assert stream.checkpoint.status is Status.ACTIVE
    assert len(twins.store.uploads) == 1
    await supervisor.stop(1.0)


async def test_what_goes_during_a_scan_is_not_begun() -> None:
    """Each path is looked at when its turn has come, whatever the scan has seen there."""
    twins = with_policy(close_settle_seconds=3600.0)
    supervisor = await supervised(twins)
    for number in range(MANY):
        twins.disk.write(f"/w/{number}.mp4", b"1")
    last = f"/w/{MANY - 1}.mp4"
    handling = asyncio.create_task(supervisor.handle_scan(replace(scan(twins))))
    await asyncio.sleep(0)
    twins.disk.delete(last)
    await handling
    await at_rest(supervisor, MANY - 1)
    assert last not in supervisor.streams
    await supervisor.stop(1.0)


async def test_long_lists_let_others_run() -> None:
    """After every so many entries, and all of them are given, in their order."""
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(others())
    assert [item async for item in unhurried(range(100), 10)] == list(range(100))
    assert turns >= 10
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
