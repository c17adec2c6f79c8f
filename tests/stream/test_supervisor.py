"""Which recordings get a stream, and which never a second one; on twins, in real time."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from cefmp4.core.model import Status
from cefmp4.core.mp4 import Boxes
from cefmp4.events import Scan, StreamEvent, WatcherChangeType
from cefmp4.supervisor import Supervisor
from stream.twins import PATH, Twins, with_policy
from waiting import wait_until

OTHER = "/w/b.mp4"
CLOSED_MP4 = Boxes(is_mp4=True, complete=True)
Made = Callable[[Twins], Awaitable[Supervisor]]


class RealTime:
    """The machine's clock: the supervisor's timers run on it too."""

    def now(self) -> float:
        return asyncio.get_running_loop().time() + 1_700_000_000

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()


def quick(**changes: object) -> Twins:
    twins = with_policy(close_settle_seconds=0.1, stream_timeout_seconds=0.5, **changes)
    twins.clock = RealTime()  # type: ignore[assignment]
    twins.store._now = twins.clock.now
    twins.new_process()
    return twins


async def supervised(twins: Twins) -> Supervisor:
    await twins.start()
    supervisor = Supervisor(twins.world)
    await supervisor.resume()
    return supervisor


def created(path: str) -> StreamEvent:
    return StreamEvent(WatcherChangeType.CREATE, path)


def scan(twins: Twins) -> Scan:
    return Scan({path: file.version for path, file in twins.disk.files.items()})


def finished(twins: Twins, path: str, size: int = 21) -> None:
    twins.disk.write(path, bytes(range(size)))
    twins.disk.files[path].boxes = CLOSED_MP4


async def all_done(supervisor: Supervisor, twins: Twins) -> None:
    """Scan now and then, as the watcher does, until everything has ended."""

    async def done() -> bool:
        await supervisor.handle_scan(scan(twins))
        return supervisor.all_done.is_set()

    await wait_until(done)
    await supervisor.stop(1.0)


async def test_a_new_recording_gets_a_stream_and_is_stored_once() -> None:
    """However often it is named."""
    twins = quick()
    supervisor = await supervised(twins)
    finished(twins, PATH)
    for _ in range(3):
        supervisor.handle(created(PATH))
        await supervisor.handle_scan(scan(twins))
    await all_done(supervisor, twins)
    assert list(twins.videos.values()) == [twins.content()]
    assert not supervisor.any_failed


async def test_a_rename_told_at_any_moment_never_begins_a_second_stream() -> None:
    """Named again between every two steps of the loop, the file stays one stream."""
    twins = quick()
    supervisor = await supervised(twins)
    twins.disk.open_writer(PATH)
    twins.disk.write(PATH, bytes(30))
    supervisor.handle(created(PATH))
    await wait_until(lambda: len(next(iter(twins.store.uploads.values()), _None).parts) == 3)
    twins.disk.rename(PATH, OTHER)
    for _ in range(200):
        supervisor.handle(created(OTHER))
        await asyncio.sleep(0)
    twins.disk.close_writer(OTHER)
    twins.disk.files[OTHER].boxes = CLOSED_MP4
    supervisor.handle(StreamEvent(WatcherChangeType.WRITE, OTHER, closed=True))
    await all_done(supervisor, twins)
    assert list(twins.videos.values()) == [twins.content(OTHER)]


class _None:
    parts: tuple[()] = ()


async def test_what_is_stored_is_not_stored_again_after_a_restart() -> None:
    """By path and fingerprint; a changed one is a new generation with an object of its own."""
    twins = quick()
    supervisor = await supervised(twins)
    finished(twins, PATH)
    await all_done(supervisor, twins)
    await twins.restart()
    again = Supervisor(twins.world)
    await again.resume()
    await all_done(again, twins)
    assert len(twins.videos) == 1
    twins.disk.patch(PATH, 0, b"new")
    await twins.restart()
    third = Supervisor(twins.world)
    await third.resume()
    await all_done(third, twins)
    assert len(twins.videos) == 2


async def test_a_stored_recording_that_is_renamed_is_not_stored_again() -> None:
    """Nor after a restart: its fingerprint goes with it."""
    twins = quick()
    supervisor = await supervised(twins)
    finished(twins, PATH)
    await supervisor.handle_scan(scan(twins))
    await wait_until(supervisor.all_done.is_set)
    twins.disk.rename(PATH, OTHER)
    supervisor.handle(created(OTHER))
    fingerprints = twins.checkpoints.fingerprints

    async def moved() -> bool:
        return list(await fingerprints()) == [OTHER]

    await wait_until(moved)
    await all_done(supervisor, twins)
    assert len(twins.videos) == 1


async def test_a_file_that_takes_anothers_place_is_a_stream_of_its_own() -> None:
    """The old upload is aborted, the new content stored."""
    twins = quick(replaced_grace_seconds=0.1)
    supervisor = await supervised(twins)
    twins.disk.open_writer(PATH)
    twins.disk.write(PATH, bytes(30))
    supervisor.handle(created(PATH))
    await wait_until(lambda: twins.store.uploads)
    twins.disk.replace(PATH, b"")
    finished(twins, PATH, size=25)
    supervisor.handle(created(PATH))
    await all_done(supervisor, twins)
    assert list(twins.videos.values()) == [twins.content()]
    assert not twins.store.uploads


async def test_a_recording_that_failed_is_left_alone_until_a_person_acts() -> None:
    """Also over a restart; and it makes --once fail."""
    twins = quick(reject_non_mp4=True)
    supervisor = await supervised(twins)
    twins.disk.write(PATH, b"this is not a video at all")
    await all_done(supervisor, twins)
    assert supervisor.any_failed
    (failed,) = await twins.restart()
    assert failed.checkpoint
    assert failed.checkpoint.status is Status.FAILED
    assert failed.checkpoint.reason == "not_mp4"
    again = Supervisor(twins.world)
    await again.resume()
    await all_done(again, twins)
    assert again.any_failed, "what failed before has not succeeded since"
    assert len(await twins.checkpoints.load_unfinished()) == 1


async def test_a_recording_that_failed_is_begun_anew_under_another_name() -> None:
    """A new name is a new recording, once the cause is mended."""
    twins = quick(reject_non_mp4=True)
    supervisor = await supervised(twins)
    twins.disk.write(PATH, b"this is not a video at all")
    await all_done(supervisor, twins)
    twins.policy = replace(twins.policy, reject_non_mp4=False)
    await twins.restart()
    again = Supervisor(twins.world)
    await again.resume()
    twins.disk.rename(PATH, OTHER)
    await all_done(again, twins)
    assert list(twins.videos.values()) == [twins.content(OTHER)]


async def test_while_the_watched_directory_is_away_nothing_is_given_up() -> None:
    """An unmounted disk is an outage, not a deletion."""
    twins = quick(missing_grace_seconds=0.1)
    supervisor = await supervised(twins)
    twins.disk.open_writer(PATH)
    twins.disk.write(PATH, bytes(30))
    supervisor.handle(created(PATH))
    await wait_until(lambda: twins.store.uploads)
    file = twins.disk.files.pop(PATH)
    await supervisor.handle_scan(Scan({}, away=True))
    for _ in range(5):
        supervisor.handle(StreamEvent(WatcherChangeType.DELETE, PATH))
        await asyncio.sleep(0.05)
    assert twins.store.uploads
    twins.disk.files[PATH] = file
    twins.disk.close_writer(PATH)
    file.boxes = CLOSED_MP4
    await all_done(supervisor, twins)
    assert list(twins.videos.values()) == [twins.content()]


@pytest.mark.parametrize("back_as", [(1, 2), (9, 2)], ids=["the same", "another device"])
async def test_a_recording_is_only_missed_in_the_directory_it_was_in(
    back_as: tuple[int, int],
) -> None:
    """With another disk there it waits; its own may come back with another device number.

    Seen failing with `Horizon.shows` always true, and with every device a disk of its own.
    """
    twins = quick(missing_grace_seconds=0.8)  # time to store the one before the other is missed
    supervisor = await supervised(twins)
    for path in (PATH, OTHER):
        twins.disk.open_writer(path)
        twins.disk.write(path, bytes(30))
    await supervisor.handle_scan(replace(scan(twins), root=(1, 2)))
    await wait_until(lambda: len(twins.store.uploads) == 2)
    mine, _ = twins.disk.files.pop(PATH), twins.disk.files.pop(OTHER)
    for _ in range(20):
        await supervisor.handle_scan(replace(scan(twins), root=(5, 2)))
        await asyncio.sleep(0.05)
    assert len(twins.store.uploads) == 2
    twins.disk.files[PATH] = mine
    twins.disk.close_writer(PATH)
    mine.boxes = CLOSED_MP4

    async def one_is_deleted() -> bool:
        await supervisor.handle_scan(replace(scan(twins), root=back_as))
        return supervisor.all_done.is_set()

    await wait_until(one_is_deleted, timeout_seconds=60)
    await supervisor.stop(1.0)
    assert list(twins.videos.values()) == [twins.content()]
    assert not twins.store.uploads


async def test_one_stream_with_a_bug_hurts_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unexpected error is logged and tried again; the rest goes on."""
    twins = quick()
    supervisor = await supervised(twins)
    finished(twins, PATH)
    finished(twins, OTHER, size=40)
    bad_inode = twins.disk.files[PATH].inode
    whole = twins.disk.body

    def broken(path: str, identity: tuple[int, int], *rest: object) -> object:
        if identity[1] == bad_inode:
            raise ZeroDivisionError
        return whole(path, identity, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(twins.disk, "body", broken)
    await supervisor.handle_scan(scan(twins))
    await wait_until(lambda: twins.content(OTHER) in twins.videos.values())
    monkeypatch.undo()
    await supervisor.stop(1.0)
