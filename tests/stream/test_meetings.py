"""Where two features meet: names that hold ids, losses in the middle of a look, other disks."""

import asyncio
from dataclasses import replace

import pytest

from cefmp4 import upkeep
from cefmp4.commands.clearing import _looked_over
from cefmp4.core.model import RETRIED, Status, Wish
from cefmp4.core.orphans import Fate
from cefmp4.core.stream_ids import instance_tag
from cefmp4.errors import ChunkProcessingError
from cefmp4.supervisor import Supervisor
from cefmp4.upkeep import let_go, note_if_whole, sweep
from stream.faults import CLOSED_MP4, growing, on, recorded
from stream.test_recalling import close, forgotten, sending
from stream.test_supervisor import all_done, created, finished, quick, scan, supervised
from stream.test_wishes import remembered, restarted, told
from stream.twins import FIRST, PATH, SECOND, TAG, Twins, nth_id
from waiting import wait_until

NAMED_AFTER = f"/w/a-{FIRST}.mp4"
"""As a hidden recording is called whose own name was taken meanwhile."""


def by_name(stream_id: str, path: str) -> str:
    return f"streams/{stream_id}/{path.rpartition('/')[2]}"


async def begun(twins: Twins, path: str) -> str:
    """A recording in the middle under this name; its upload."""
    twins.disk.open_writer(path)
    twins.disk.write(path, bytes(30))
    stream = twins.stream(path)
    await twins.rest(stream)
    assert stream.ledger.current.upload_id is not None
    return stream.ledger.current.upload_id


async def test_an_upload_in_use_whose_name_holds_the_id_of_an_ended_stream_stays() -> None:
    """Disposal gives such names: `a-<stream id>.mp4`."""
    twins = Twins(key_template=by_name)
    await twins.finish(await recorded(twins))
    upload = await begun(twins, NAMED_AFTER)
    await sweep(twins.world, frozenset(), may_be_claimed=False)
    assert set(twins.store.uploads) == {upload}


async def test_an_upload_of_another_instance_whose_name_holds_an_id_of_ours_stays() -> None:
    """It records what we have moved to an archive."""
    twins = Twins(key_template=by_name)
    await twins.start()
    theirs = nth_id(7).replace(TAG, instance_tag("another instance"))
    upload = await twins.store.create_upload(by_name(theirs, NAMED_AFTER), {})
    seen = await sweep(twins.world, frozenset(), may_be_claimed=False)
    await sweep(twins.world, seen, may_be_claimed=False)
    assert set(twins.store.uploads) == {upload}


async def test_a_recording_named_by_a_uuid_is_found_again() -> None:
    """As browsers and media servers name them."""
    twins = Twins(key_template=by_name)
    await twins.start()
    path = "/w/0a1b2c3d-1111-4222-8333-444455556666.mp4"
    upload = await begun(twins, path)
    await forgotten(twins)
    seen = sending(twins)
    await twins.rest(twins.stream(path))
    assert "create_upload" not in seen
    assert set(twins.store.uploads) == {upload}


async def test_what_was_found_again_knows_its_directory() -> None:
    """Or the first unmount is taken for a deletion."""
    twins = Twins()
    twins.world.horizon.root = (1, 2)
    await growing(twins)
    await forgotten(twins)
    twins.world.horizon.root = (1, 2)
    stream = twins.stream()
    await twins.rest(stream)
    assert stream.ledger.current.root == (1, 2)


async def test_what_was_set_aside_in_another_directory_is_not_let_go() -> None:
    """Another disk stands at WATCH_DIR: nothing of the first one is missed on it."""
    twins = Twins()
    twins.world.horizon.root = (1, 2)
    stream = await growing(twins)
    await stream._finishing.end(Status.FAILED, "why")
    twins.disk.delete(PATH)
    twins.world.horizon.root, twins.world.horizon.roots = (3, 4), frozenset({(3, 4)})
    later, known = twins.clock.now() + 1, frozenset({stream.ledger.current.stream_id})
    await let_go(twins.world, later, known)
    assert len(twins.store.uploads) == 1


async def all_at_rest(supervisor: Supervisor) -> None:
    await wait_until(supervisor.all_done.is_set)


async def two_failures(twins: Twins) -> Supervisor:
    """One under the name of the other, whose recording it replaced."""
    supervisor = await supervised(twins)
    twins.disk.write(PATH, b"this is not a video at all")
    await all_done(supervisor, twins)
    twins.disk.replace(PATH, b"nor is this one a video")
    await all_done(await restarted(twins), twins)
    assert remembered(twins, SECOND).reason == "not_mp4"
    twins.policy = replace(twins.policy, reject_non_mp4=False)
    return await restarted(twins)


async def test_a_retry_of_what_was_replaced_begins_nothing_else() -> None:
    """What stands there now was set aside too, and nobody asked for it.

    Seen failing with every inode taken off the shelf with its path.
    """
    twins = quick(reject_non_mp4=True, replaced_grace_seconds=0.1)
    supervisor = await two_failures(twins)
    await twins.checkpoints.wish(FIRST, Wish.RETRY)
    await told(supervisor, twins, lambda: True)
    await all_done(supervisor, twins)
    assert not twins.videos


async def test_of_two_failures_under_one_name_the_one_that_stands_there_is_retried() -> None:
    """`retry --failed` wishes it for both; the order of their ids must not decide."""
    twins = quick(reject_non_mp4=True, replaced_grace_seconds=0.1)
    supervisor = await two_failures(twins)
    for stream_id in (FIRST, SECOND):
        await twins.checkpoints.wish(stream_id, Wish.RETRY)
    await told(supervisor, twins, lambda: True)
    await all_done(supervisor, twins)
    assert list(twins.videos.values()) == [twins.content()]
    assert remembered(twins, SECOND).reason == RETRIED


async def test_a_new_file_under_the_old_name_of_a_renamed_recording_is_not_left_out() -> None:
    """Renamed and begun anew while no daemon ran; one scan, as `--once` makes."""
    twins = quick()
    supervisor = await supervised(twins)
    twins.disk.open_writer(PATH)
    twins.disk.write(PATH, bytes(30))
    supervisor.handle(created(PATH))
    await wait_until(lambda: twins.store.uploads)
    await supervisor.stop(1.0)
    twins.disk.rename(PATH, "/w/yesterday.mp4")
    twins.disk.close_writer("/w/yesterday.mp4")
    finished(twins, "/w/yesterday.mp4", 0)
    finished(twins, PATH)
    supervisor = await restarted(twins)
    supervisor.handle(scan(twins))
    await wait_until(supervisor.all_done.is_set)
    await supervisor.stop(1.0)
    assert sorted(twins.videos.values(), key=len) == [
        twins.content(),
        twins.content("/w/yesterday.mp4"),
    ]


async def test_an_object_is_not_replaced_by_that_of_another_recording_with_its_key() -> None:
    """Keys without a stream id are reserved in the state server, which forgot that.

    Seen failing without a look at the key before Complete and PutObject.
    """
    for size in (30, 5):
        twins = Twins(key_template=lambda *_: "a.mp4", key_is_unique=False)
        await growing(twins)
        first = twins.stream()
        first.ledger.checkpoint = (await twins.checkpoints.load_unfinished())[0]
        twins.checkpoints.lose_everything()
        await twins.checkpoints.claim()
        other = "/w/cam2/a.mp4"
        twins.disk.write(other, bytes([7]) * size)
        twins.disk.files[other].boxes = CLOSED_MP4
        second = twins.stream(other)
        await second.turn()
        first.ledger.distrust()
        close(twins)
        await twins.finish(first)
        ended = await twins.finish(second)
        assert twins.videos == {"a.mp4": twins.content()}
        assert ended.status is Status.FAILED_FINALIZATION


async def test_nothing_is_whole_before_every_recording_was_looked_at() -> None:
    """Neither right after the scan that found one, nor while the disk does not tell of it.

    Seen failing with a stream that has seen nothing taken for one that has nothing.
    """
    twins = quick()
    supervisor = await supervised(twins)
    finished(twins, PATH)
    twins.disk.before = on("stat", ChunkProcessingError("stale file handle"), 3)
    supervisor.handle(scan(twins))
    assert not supervisor.all_begun()
    await wait_until(lambda: supervisor.streams and supervisor.streams[PATH].failures)
    assert not supervisor.all_begun()
    await all_done(supervisor, twins)
    assert supervisor.all_begun()


async def test_forgotten_uploads_are_listed_once_however_many_recordings_begin() -> None:
    """A thousand recordings beside a thousand uploads would ask a million times."""
    twins = Twins()
    await growing(twins)
    await forgotten(twins)
    twins.disk.patch(PATH, 0, bytes(range(30)))
    seen = sending(twins)
    for number in range(5):
        path = f"/w/{number}.mp4"
        twins.disk.write(path, bytes([9]) * 30)
        await twins.stream(path).turn()
    assert seen.count("list_parts") <= 1


@pytest.mark.parametrize("lost_at", ["is_whole", "load"])
async def test_gc_takes_nothing_for_forgotten_while_the_state_is_lost(lost_at: str) -> None:
    """The state server is emptied, or filled again, between two of its questions.

    Seen failing with the mark asked for only before, and only after the look.
    """
    twins = Twins()
    await growing(twins)
    await twins.checkpoints.set_whole()
    server, seen = twins.checkpoints._server, 0

    def lose(name: str) -> None:
        nonlocal seen
        seen += name == lost_at
        if seen == 1 and name == lost_at:
            server.streams.clear()
            server.keys.clear()
            server.whole = False

    twins.checkpoints.before = lose
    judged, whole = await _looked_over(twins.store, twins.checkpoints, twins.world.recollection)
    assert [one.verdict.fate for one in judged] == [Fate.FORGOTTEN]
    assert not whole


async def test_gc_does_not_believe_in_a_whole_that_came_after_its_look() -> None:
    """A daemon found its uploads again while gc looked; what it saw is of before."""
    twins = Twins()
    await growing(twins)

    def found_again(name: str) -> None:
        if name == "list_uploads":
            twins.checkpoints._server.whole = True

    twins.store.before = found_again
    _, whole = await _looked_over(twins.store, twins.checkpoints, twins.world.recollection)
    assert not whole


async def test_the_store_is_swept_although_a_recording_never_begins(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One that cannot be read keeps the state from being whole, not orphans alive."""
    monkeypatch.setattr(upkeep, "SWEEP_INTERVAL_SECONDS", 0.05)
    monkeypatch.setattr(upkeep, "ALL_BEGUN_INTERVAL_SECONDS", 0.01)
    twins = quick()
    await twins.start()
    twins.world.recollection.wanted = True
    seen = sending(twins)
    sweeping = asyncio.create_task(upkeep.sweep_now_and_then(twins.world, lambda: False))
    try:
        await wait_until(lambda: seen.count("list_uploads") > 2, timeout_seconds=2)
    finally:
        sweeping.cancel()
        await asyncio.gather(sweeping, return_exceptions=True)


async def test_a_fenced_process_leaves_what_its_successor_set_aside() -> None:
    """A person may have it retried: no part of it is to be sent twice."""
    twins = Twins()
    stream = await growing(twins)
    cp = stream.ledger.current
    parked = cp.ended(Status.FAILED_FINALIZATION, 1.0, "refused")
    twins.checkpoints._server.streams[cp.stream_id] = parked
    await stream._uploading._disown(cp.upload_id or "")
    assert set(twins.store.uploads) == {cp.upload_id}


async def test_an_upload_that_grew_since_it_was_seen_is_no_forgotten_one() -> None:
    """Somebody works on it: another host whose default INSTANCE_ID is the same as ours.

    Seen failing with the uploads told by their ids alone.
    """
    twins = Twins()
    stream = await growing(twins)
    await forgotten(twins)
    await note_if_whole(twins.world, lambda: True)
    seen = await sweep(twins.world, frozenset(), may_be_claimed=False)
    twins.store.uploads[stream.ledger.current.upload_id or ""].parts.popitem()
    seen = await sweep(twins.world, seen, may_be_claimed=False)
    assert len(twins.store.uploads) == 1
    await sweep(twins.world, seen, may_be_claimed=False)
    assert not twins.store.uploads


@pytest.mark.xfail(strict=True, reason="the shelf does not know of which disk a failure is")
async def test_what_was_set_aside_is_not_begun_when_its_disk_is_back() -> None:
    """Another one stood at WATCH_DIR meanwhile; what a person aborted is begun as well."""
    twins = quick(reject_non_mp4=True)
    supervisor = await supervised(twins)
    twins.disk.write(PATH, b"this is not a video at all")
    supervisor.handle(replace(scan(twins), root=(1, 2)))
    await all_at_rest(supervisor)
    file = twins.disk.files.pop(PATH)
    finished(twins, "/w/other.mp4")
    supervisor.handle(replace(scan(twins), root=(3, 4)))
    await all_at_rest(supervisor)
    twins.disk.files = {PATH: file}
    supervisor.handle(replace(scan(twins), root=(1, 2)))
    await all_at_rest(supervisor)
    assert len(twins.checkpoints._server.streams) == 2
    await supervisor.stop(1.0)


async def test_a_stored_recording_rewritten_and_renamed_is_stored_anew() -> None:
    """Its size and modification time are the old ones; a rename tells nothing of bytes."""
    twins = quick()
    supervisor = await supervised(twins)
    finished(twins, PATH)
    await all_done(supervisor, twins)
    file = twins.disk.files[PATH]
    before = file.version
    twins.disk.patch(PATH, 3, b"changed")
    file.mtime_ns = before.mtime_ns
    twins.disk.rename(PATH, "/w/b.mp4")
    await all_done(await restarted(twins), twins)
    assert twins.content("/w/b.mp4") in twins.videos.values()


async def test_after_a_loss_what_grows_waits_for_no_archive() -> None:
    """Thousands of stored recordings are read again, one by one; it is asked for first.

    Seen failing with a lock in the order of the scan, held within turns.
    """
    twins = quick()
    supervisor = await supervised(twins)
    for number in range(8):
        finished(twins, f"/w/{number}.mp4", 20 + number)
    await all_done(supervisor, twins)
    await forgotten(twins)
    twins.disk.open_writer("/w/growing.mp4")
    twins.disk.write("/w/growing.mp4", bytes([7]) * 40)
    supervisor = Supervisor(twins.world)
    supervisor.handle(scan(twins))
    streams = twins.checkpoints._server.streams
    await wait_until(lambda: len(streams) == 9)
    begun_in_order = [checkpoint.path for checkpoint in streams.values()]
    assert begun_in_order.index("/w/growing.mp4") <= 1
    await supervisor.stop(1.0)
