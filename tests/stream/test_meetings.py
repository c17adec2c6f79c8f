"""Where two features meet: names that hold ids, losses in the middle of a look, other disks."""

from dataclasses import replace

from cefmp4.core.model import RETRIED, Status, Wish
from cefmp4.core.stream_ids import instance_tag
from cefmp4.past import Past
from cefmp4.supervisor import Supervisor
from cefmp4.upkeep import let_go, sweep
from stream.faults import growing, recorded
from stream.test_recalling import forgotten, sending
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
    await let_go(twins.world, Past(), later, known)
    assert len(twins.store.uploads) == 1


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
    await supervisor.handle_scan(scan(twins))
    await wait_until(supervisor.all_done.is_set)
    await supervisor.stop(1.0)
    assert sorted(twins.videos.values(), key=len) == [
        twins.content(),
        twins.content("/w/yesterday.mp4"),
    ]
