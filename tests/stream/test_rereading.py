"""Stored recordings whose change time moved: read again, and no more often than needed."""

import asyncio
from collections.abc import Callable

from cefmp4.errors import ChunkProcessingError
from cefmp4.ports import Fingerprint
from stream.test_supervisor import finished, quick, scan
from stream.test_supervisor_names import all_done, supervising
from stream.twins import PATH, Twins
from waiting import wait_until


def touch(twins: Twins, path: str) -> None:
    twins.disk.rename(path, path)


def counting(
    failing: Callable[[], bool] = lambda: False,
) -> tuple[list[str], Callable[[str], None]]:
    """A seam of the disk that notes every reading for a checksum, and may fail it."""
    read: list[str] = []

    def seam(operation: str) -> None:
        if operation == "crc64nvme":
            read.append(operation)
            if failing():
                raise ChunkProcessingError("permission denied")

    return read, seam


async def test_what_was_touched_is_read_once_also_after_a_restart() -> None:
    """The new change time is remembered, so that no later scan reads it again.

    Seen failing with the new change time not written down.
    """
    twins = quick()
    async with supervising(twins) as supervisor:
        finished(twins, PATH)
        await all_done(supervisor, twins)
        read, twins.disk.before = counting()
        touch(twins, PATH)
        for _ in range(3):
            await all_done(supervisor, twins)
        assert len(read) == 1

        async def remembered() -> bool:
            known = await twins.checkpoints.fingerprints()
            return known[PATH].ctime_ns == twins.disk.files[PATH].ctime_ns

        await wait_until(remembered)
    await twins.restart()
    async with supervising(twins) as supervisor:
        await all_done(supervisor, twins)
    assert (len(read), len(twins.videos)) == (1, 1)


async def test_the_end_waits_until_what_was_found_out_is_remembered() -> None:
    """Else `--once` reads the same file again at its next start, and again.

    Seen failing with an end that only waits for the reading.
    """
    twins = quick()
    may_write, move = asyncio.Event(), twins.checkpoints.move_fingerprint

    async def slow(old_path: str, new_path: str, fingerprint: Fingerprint) -> None:
        await may_write.wait()
        await move(old_path, new_path, fingerprint)

    twins.checkpoints.move_fingerprint = slow  # type: ignore[method-assign]
    async with supervising(twins) as supervisor:
        finished(twins, PATH)
        await all_done(supervisor, twins)
        read, twins.disk.before = counting()
        touch(twins, PATH)
        await supervisor.handle_scan(scan(twins))
        await wait_until(lambda: len(read) == 1)
        for _ in range(20):
            await asyncio.sleep(0)
        assert not supervisor.all_done.is_set()
        may_write.set()
        await wait_until(supervisor.all_done.is_set)
        known = await twins.checkpoints.fingerprints()
        assert known[PATH].ctime_ns == twins.disk.files[PATH].ctime_ns


async def test_what_was_found_out_is_remembered_in_that_order() -> None:
    """A rename, and then that no byte changed with it: the latter is what stays.

    Seen failing with writes that may overtake each other.
    """
    twins = quick()
    move, calls = twins.checkpoints.move_fingerprint, 0

    async def slow_at_first(old_path: str, new_path: str, fingerprint: Fingerprint) -> None:
        nonlocal calls
        calls += 1
        for _ in range(50 if calls == 1 else 0):
            await asyncio.sleep(0)
        await move(old_path, new_path, fingerprint)

    async with supervising(twins) as supervisor:
        finished(twins, PATH)
        await all_done(supervisor, twins)
        twins.checkpoints.move_fingerprint = slow_at_first  # type: ignore[method-assign]
        twins.disk.rename(PATH, "/w/b.mp4")
        await all_done(supervisor, twins)
        known = await twins.checkpoints.fingerprints()
        assert calls == 2
        assert known["/w/b.mp4"].ctime_ns == twins.disk.files["/w/b.mp4"].ctime_ns


async def test_what_cannot_be_read_again_is_asked_about_at_each_scan() -> None:
    """It keeps neither `--once` from its end nor a later scan from finding out.

    Seen failing with the end not looked for after a reading that failed.
    """
    twins = quick()
    async with supervising(twins) as supervisor:
        finished(twins, PATH)
        await all_done(supervisor, twins)
        locked = [True]
        read, twins.disk.before = counting(lambda: locked[0])
        file = twins.disk.files[PATH]
        written_at = file.mtime_ns
        twins.disk.patch(PATH, 0, b"!")
        file.mtime_ns = written_at
        await supervisor.handle_scan(scan(twins))
        await wait_until(supervisor.all_done.is_set)
        assert (len(read), len(twins.videos)) == (1, 1)
        locked[0] = False
        await all_done(supervisor, twins)
        assert len(twins.videos) == 2


async def test_many_that_were_touched_are_read_one_after_the_other() -> None:
    """A `chmod` over a whole archive is no storm.

    Seen failing with a task for each.
    """
    twins = quick()
    async with supervising(twins) as supervisor:
        paths = [f"/w/{number}.mp4" for number in range(20)]
        for path in paths:
            finished(twins, path)
        await all_done(supervisor, twins)
        before = len(asyncio.all_tasks())
        for path in paths:
            touch(twins, path)
        await supervisor.handle_scan(scan(twins))
        assert len(supervisor.stored) == len(paths)
        assert len(asyncio.all_tasks()) == before + 1
        await all_done(supervisor, twins)
    assert len(twins.videos) == len(paths)
