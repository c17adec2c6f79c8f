"""One stream on twins, with time by hand: what it does, and what it does after a failure."""

from collections.abc import Callable

import pytest

from cefmp4.core.model import AfterUpload, Status
from cefmp4.core.mp4 import Boxes
from cefmp4.errors import Fenced, PartsRefused, RedisOperationError, S3OperationError, Stopping
from cefmp4.stream import Stream
from stream.twins import PATH, Twins, with_policy

CLOSED_MP4 = Boxes(is_mp4=True, complete=True)


class Lost(Exception):
    """The process died here."""


def on(operation: str, error: BaseException, times: int = 1) -> Callable[[str], None]:
    """A seam that raises at an operation, so many times."""
    left = [times]

    def seam(name: str) -> None:
        if name == operation and left[0]:
            left[0] -= 1
            raise error

    return seam


def outage(operation: str) -> S3OperationError:
    return S3OperationError(operation, "ServiceUnavailable", "try later")


async def recorded(twins: Twins, size: int = 21) -> Stream:
    """A finished recording of `size` bytes, and its stream."""
    await twins.start()
    twins.disk.write(PATH, bytes(range(size)))
    twins.disk.files[PATH].boxes = CLOSED_MP4
    return twins.stream()


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
    await twins.start()
    twins.disk.open_writer(PATH)
    twins.disk.write(PATH, bytes(30))
    stream = twins.stream()
    await twins.rest(stream)
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


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    "operation",
    ["create_upload", "upload_part", "complete", "head", "put_json", "find_uploads"],
)
async def test_an_outage_of_the_store_is_waited_out(operation: str, when: str) -> None:
    """Whether the call failed or only its answer was lost, the same object results."""
    twins = Twins()
    stream = await recorded(twins)
    setattr(twins.store, when, on(operation, outage(operation), times=3))
    checkpoint = await twins.finish(stream)
    assert checkpoint.status is Status.COMPLETED_WITH_META
    assert twins.videos == {checkpoint.key: twins.content()}
    assert not twins.store.uploads


@pytest.mark.parametrize("when", ["before", "after"])
async def test_an_outage_of_the_state_server_is_waited_out(when: str) -> None:
    """A write that may have happened is read again before anything else is decided."""
    twins = Twins()
    stream = await recorded(twins)
    lost = RedisOperationError("no answer")
    calls = {"save": 0}

    def every_other(name: str) -> None:
        if name == "save":
            calls["save"] += 1
            if calls["save"] % 2:
                raise lost

    setattr(twins.checkpoints, when, every_other)
    checkpoint = await twins.finish(stream)
    assert checkpoint.status is Status.COMPLETED_WITH_META
    assert twins.content() in twins.videos.values()


async def test_a_single_put_whose_answer_was_lost_is_not_repeated() -> None:
    """HEAD tells that the object stands."""
    twins = Twins()
    stream = await recorded(twins, size=5)
    puts: list[str] = []
    twins.store.before = lambda name: puts.append(name) if name == "put" else None
    twins.store.after = on("put", outage("put"))
    checkpoint = await twins.finish(stream)
    assert twins.videos == {checkpoint.key: twins.content()}
    assert len(puts) == 1


async def test_an_upload_the_store_has_forgotten_is_begun_again() -> None:
    """A lifecycle rule aborted it in the middle: all parts are sent anew, and it says so."""
    twins = Twins()
    await twins.start()
    twins.disk.open_writer(PATH)
    twins.disk.write(PATH, bytes(30))
    stream = twins.stream()
    await twins.rest(stream)
    twins.store.uploads.clear()
    twins.disk.write(PATH, bytes(10))
    await twins.rest(stream)
    twins.disk.close_writer(PATH)
    twins.disk.files[PATH].boxes = CLOSED_MP4
    checkpoint = await twins.finish(stream)
    assert twins.videos == {checkpoint.key: twins.content()}


async def test_a_store_that_refuses_for_good_parks_the_stream() -> None:
    """After some refusals a person is asked; the upload is kept for them."""
    twins = Twins()
    stream = await recorded(twins)
    twins.store.before = on("complete", PartsRefused("complete", "InvalidPart", "no"), times=99)
    checkpoint = await twins.finish(stream)
    assert checkpoint.status is Status.FAILED_FINALIZATION
    assert "InvalidPart" in checkpoint.reason
    assert checkpoint.hint
    assert twins.store.uploads


async def test_a_part_the_store_lost_is_found_out_and_sent_again() -> None:
    """A refused Complete is compared with ListParts, and only what differs is sent."""
    twins = Twins()
    stream = await recorded(twins)
    sent: list[str] = []

    def lose_one(name: str) -> None:
        if name == "upload_part":
            sent.append(name)
        if name == "complete" and len(sent) == 3:
            next(iter(twins.store.uploads.values())).parts.pop(2)

    twins.store.before = lose_one
    checkpoint = await twins.finish(stream)
    assert twins.videos == {checkpoint.key: twins.content()}
    assert len(sent) == 4


async def test_a_permanent_refusal_parks_the_stream_with_reason_and_hint() -> None:
    """Only what cannot succeed without a person is given up, and it says what to do."""
    twins = Twins()
    stream = await recorded(twins)
    refused = S3OperationError(
        "UploadPart", "EntityTooLarge", "no", hint="make parts smaller", transient=False
    )
    twins.store.before = on("upload_part", refused)
    checkpoint = await twins.finish(stream)
    assert checkpoint.status is Status.FAILED
    assert checkpoint.hint == "make parts smaller"


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


async def test_a_deleted_recording_leaves_nothing_in_the_store() -> None:
    """After the grace time its upload is aborted, and the status says why."""
    twins = Twins()
    await twins.start()
    twins.disk.open_writer(PATH)
    twins.disk.write(PATH, bytes(30))
    stream = twins.stream()
    await twins.rest(stream)
    twins.disk.delete(PATH)
    checkpoint = await twins.finish(stream)
    assert checkpoint.status is Status.DELETED_LOCALLY
    assert not twins.store.uploads
    assert not twins.store.objects


async def test_a_part_in_flight_that_revives_an_aborted_upload_is_aborted_again() -> None:
    """The store is asked until it no longer knows the upload."""
    twins = Twins()
    await twins.start()
    twins.disk.open_writer(PATH)
    twins.disk.write(PATH, bytes(30))
    stream = twins.stream()
    await twins.rest(stream)
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
    await twins.start()
    twins.disk.open_writer(PATH)
    twins.disk.write(PATH, bytes(30))
    stream = twins.stream()
    await twins.rest(stream)
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


async def test_a_process_killed_after_any_effect_is_carried_on_by_the_next() -> None:
    """Whatever call the process died in, the next one ends with the same object."""
    names = ("create_upload", "upload_part", "complete", "head", "put_json", "save")
    for at in ("before", "after"):
        for name in names:
            for nth in (1, 2, 3):
                await _killed(at, name, nth)


async def _killed(at: str, name: str, nth: int) -> None:
    twins = Twins()
    stream = await recorded(twins)
    seen = [0]

    def kill(operation: str) -> None:
        seen[0] += operation == name
        if operation == name and seen[0] == nth:
            raise Lost

    owner = twins.checkpoints if name == "save" else twins.store
    setattr(owner, at, kill)
    try:
        await twins.finish(stream)
    except Lost:
        setattr(owner, at, None)
        taken_up = await twins.restart()
        stream = taken_up[0] if taken_up else twins.stream()
        if taken_up or not twins.videos:
            await twins.finish(stream)
    assert list(twins.videos.values()) == [twins.content()], (at, name, nth)
    assert not twins.store.uploads, (at, name, nth)
