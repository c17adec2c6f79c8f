"""What fails is waited out, asked about, or parked; and a killed process is carried on."""

import pytest

from cefmp4.adapters.memory.store import MemoryStore
from cefmp4.core.model import Status
from cefmp4.errors import PartsRefused, RedisOperationError, S3OperationError
from cefmp4.ports import ListedPart
from cefmp4.retry import LONGEST_ASKED_SECONDS, backoff_seconds
from stream.faults import CLOSED_MP4, Lost, growing, on, outage, recorded
from stream.twins import PATH, Twins


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    "operation",
    ["create_upload", "upload_part", "complete", "head", "put_document", "find_uploads"],
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

    def two_of_three(name: str) -> None:
        if name == "save":
            calls["save"] += 1
            if calls["save"] % 3:
                raise lost

    setattr(twins.checkpoints, when, two_of_three)
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
    stream = await growing(twins)
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


@pytest.mark.parametrize("denies_upload", [False, True])
async def test_a_part_the_store_lost_is_found_out_and_sent_again(denies_upload: bool) -> None:
    """A refused Complete is compared with all rows of ListParts; only what differs is sent.

    Some stores refuse with NoSuchUpload, some list stale versions of a part as well. Seen
    failing, asking again without end and without a pause, with NoSuchUpload taken for nothing
    but a question what became of the object; and with the first row of a part taken for it.
    """
    twins = Twins()
    twins.store = MemoryStore(
        now=twins.clock.now, lists_every_version=True, lost_part_denies_upload=denies_upload
    )
    twins.new_process()
    stream = await recorded(twins)
    sent: list[str] = []

    def lose_one(name: str) -> None:
        if name == "upload_part":
            sent.append(name)
        if name == "complete" and len(sent) == 3:
            (upload,) = twins.store.uploads.values()
            del upload.parts[2]
            upload.versions.append(ListedPart(1, 8, 32 * "0"))

    twins.store.before = lose_one
    checkpoint = await twins.finish(stream)
    assert twins.videos == {checkpoint.key: twins.content()}
    assert len(sent) == 4


@pytest.mark.parametrize("times", [1, 5])
async def test_an_upload_that_is_revived_is_aborted_again(times: int) -> None:
    """However often parts that were in flight bring it back.

    Seen failing with one abort, and with some aborts and then silence.
    """
    twins = Twins()
    stream = await growing(twins)
    ((upload_id, upload),) = twins.store.uploads.items()
    left = [times]

    def revive(name: str) -> None:
        if name == "abort" and left[0]:
            left[0] -= 1
            twins.store.uploads[upload_id] = upload

    twins.store.after = revive
    twins.disk.delete(PATH)
    checkpoint = await twins.finish(stream)
    assert checkpoint.status is Status.DELETED_LOCALLY
    assert not twins.store.uploads


def test_no_store_can_ask_for_a_wait_without_end() -> None:
    """What it asks for is heeded, but for no longer than some minutes.

    Seen failing with Retry-After taken as it is.
    """
    assert backoff_seconds(1, 7.0) == 7.0
    assert backoff_seconds(1, 1e12) == LONGEST_ASKED_SECONDS


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


async def test_a_process_killed_after_any_effect_is_carried_on_by_the_next() -> None:
    """Whatever call the process died in, the next one ends with the same object."""
    names = ("create_upload", "upload_part", "complete", "head", "put_document", "save")
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
