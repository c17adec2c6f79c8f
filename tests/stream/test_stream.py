"""One stream on twins, with time by hand: what it does, and what it does after a failure."""

import pytest

from cefmp4.core.model import AfterUpload, Status
from cefmp4.errors import Fenced, Stopping
from stream.faults import CLOSED_MP4, growing, recorded
from stream.twins import PATH, Twins, with_policy


async def test_parts_go_out_while_the_recording_grows() -> None:
    """Every whole part is in the store before the recorder has closed the file."""
    twins = Twins()
    await twins.start()
    twins.disk.open_writer(PATH)
    stream = twins.stream()
    for size in (5, 8, 20):
        twins.disk.write(PATH, b"x" * (size - len(twins.content())))
        await twins.rest(stream)
    (upload,) = twins.store.uploads.values()
    assert sorted(upload.parts) == [1, 2]
    assert not twins.store.objects


async def test_a_closed_recording_is_stored_byte_for_byte_with_its_metadata() -> None:
    """Status, object, metadata beside it, no upload left over."""
    twins = Twins()
    stream = await recorded(twins)
    checkpoint = await twins.finish(stream)
    assert checkpoint.status is Status.COMPLETED_WITH_META
    assert twins.videos == {checkpoint.key: twins.content()}
    assert f"{checkpoint.key}.metadata.json" in twins.store.objects
    assert not twins.store.uploads


async def test_a_small_recording_is_stored_by_one_put() -> None:
    """An object smaller than one part needs no multipart upload."""
    twins = Twins()
    calls: list[str] = []
    twins.store.before = calls.append
    stream = await recorded(twins, size=5)
    checkpoint = await twins.finish(stream)
    assert twins.videos == {checkpoint.key: twins.content()}
    assert "create_upload" not in calls
    assert checkpoint.parts[1].size_bytes == 5


async def test_a_patched_header_is_sent_again_under_its_number() -> None:
    """Muxers patch early bytes at close: the first part is replaced, the rest stays."""
    twins = Twins()
    stream = await growing(twins)
    twins.disk.patch(PATH, 2, b"mdat")
    twins.disk.close_writer(PATH)
    twins.disk.files[PATH].boxes = CLOSED_MP4
    checkpoint = await twins.finish(stream)
    assert twins.videos == {checkpoint.key: twins.content()}
    assert checkpoint.parts_resent == 1


async def test_the_file_changes_between_its_checksum_and_its_bytes() -> None:
    """The store refuses what does not match; the part is sent again as it is."""
    twins = Twins()
    stream = await recorded(twins)
    patches = iter([b"!"])

    def patch(path: str, span: object) -> None:
        for data in patches:
            twins.disk.patch(path, 3, data)

    twins.disk.during_body = patch
    checkpoint = await twins.finish(stream)
    assert twins.videos == {checkpoint.key: twins.content()}


async def test_a_fenced_stream_stops_at_once() -> None:
    """Another process works under our claim: nothing more is decided here."""
    twins = Twins()
    stream = await recorded(twins)
    other = twins.checkpoints.successor()
    twins.checkpoints.fall_silent()
    await other.claim()
    with pytest.raises(Fenced):
        await twins.finish(stream)


async def test_closed_slots_send_a_stream_home() -> None:
    """On the way out no new part is begun."""
    twins = Twins()
    stream = await recorded(twins)
    twins.world.turns.close()
    with pytest.raises(Stopping):
        await twins.finish(stream)


async def test_a_part_in_flight_lands_and_is_recorded_on_the_way_out() -> None:
    """What has been sent when the daemon is told to stop is not sent again by the next."""
    twins = with_policy(window_parts=1)
    stream = await recorded(twins)

    def stop(name: str) -> None:
        if name == "upload_part":
            twins.world.parts.close()
            twins.world.turns.close()

    twins.store.before = stop
    with pytest.raises(Stopping):
        await twins.finish(stream)
    (kept,) = await twins.checkpoints.load_unfinished()
    assert sorted(kept.parts) == [1]
    (upload,) = twins.store.uploads.values()
    assert sorted(upload.parts) == [1]


async def test_a_deleted_recording_leaves_nothing_in_the_store() -> None:
    """After the grace time its upload is aborted, and the status says why."""
    twins = Twins()
    stream = await growing(twins)
    twins.disk.delete(PATH)
    checkpoint = await twins.finish(stream)
    assert checkpoint.status is Status.DELETED_LOCALLY
    assert not twins.store.uploads
    assert not twins.store.objects


async def test_a_part_in_flight_that_revives_an_aborted_upload_is_aborted_again() -> None:
    """The store is asked until it no longer knows the upload."""
    twins = Twins()
    stream = await growing(twins)
    ((upload_id, upload),) = twins.store.uploads.items()
    revivals = iter([upload])

    def revive(name: str) -> None:
        if name == "abort":
            for late in revivals:
                twins.store.uploads[upload_id] = late

    twins.store.after = revive
    twins.disk.delete(PATH)
    await twins.finish(stream)
    assert not twins.store.uploads


async def test_a_renamed_recording_is_the_same_stream() -> None:
    """Its parts are kept, and it goes on under the new name."""
    twins = Twins()
    stream = await growing(twins)
    twins.disk.rename(PATH, "/w/b.mp4")
    twins.disk.close_writer("/w/b.mp4")
    twins.disk.files["/w/b.mp4"].boxes = CLOSED_MP4
    stream.sight.moved_to = "/w/b.mp4"
    checkpoint = await twins.finish(stream)
    assert checkpoint.path == "/w/b.mp4"
    assert checkpoint.parts_resent == 0
    assert twins.videos == {checkpoint.key: twins.content("/w/b.mp4")}


async def test_a_second_generation_under_a_bare_key_gets_a_key_of_its_own() -> None:
    """Without the stream id in S3_KEY_TEMPLATE the first object is still not replaced."""
    twins = Twins(key_template=lambda _, path: path.lstrip("/"), key_is_unique=False)
    first = await twins.finish(await recorded(twins))
    twins.disk.patch(PATH, 0, b"again")
    second = await twins.finish(twins.stream())
    assert first.key == "w/a.mp4"
    assert second.key != first.key
    assert sorted(twins.videos) == sorted([first.key, second.key])


async def test_a_recording_is_deleted_only_after_its_object_was_verified() -> None:
    """AFTER_UPLOAD=delete comes after HEAD and the metadata."""
    twins = with_policy(after_upload=AfterUpload.DELETE)
    stream = await recorded(twins)
    before = twins.content()
    checkpoint = await twins.finish(stream)
    assert twins.videos == {checkpoint.key: before}
    assert PATH not in twins.disk.files
