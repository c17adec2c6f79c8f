"""The picture beside an object: named in its JSON, never in anybody's way."""

import json
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest

from cefmp4.core.media import Poster
from cefmp4.core.model import Checkpoint, Status, Wish
from cefmp4.core.safety import Safety
from cefmp4.errors import S3OperationError, StreamInitializationError
from cefmp4.metadata import metadata_schema
from cefmp4.ports import NoPicture, Picture
from cefmp4.rows import row_at_the_end
from stream.faults import CLOSED_MP4, Lost, on, outage, recorded
from stream.pictured import SHOWN, Pictured
from stream.twins import PATH, Twins

LIKE_A_PICTURE = f"{PATH}.poster.jpg"


def document(twins: Twins, checkpoint: Checkpoint) -> dict[str, Any]:
    """The JSON beside the object, which is as published."""
    told: dict[str, Any] = json.loads(
        twins.store.objects[f"{checkpoint.key}.metadata.json"].content
    )
    jsonschema.validate(told, metadata_schema())
    return told


def beside(checkpoint: Checkpoint) -> Poster:
    """The poster there is to be."""
    key = f"{checkpoint.key}.poster.jpg"
    return Poster(key, SHOWN.width, SHOWN.height, len(SHOWN.jpeg))


def stands_with_its_poster(twins: Twins, checkpoint: Checkpoint) -> None:
    """Object, picture and JSON, which names it."""
    poster = beside(checkpoint)
    assert checkpoint.status is Status.COMPLETED_WITH_META
    assert checkpoint.poster == poster
    named = {"s3_key": poster.key, "width": 640, "height": 360, "size_bytes": poster.size_bytes}
    told = document(twins, checkpoint)
    assert (told["poster"], told["poster_problem"]) == (named, None)
    found = twins.store.objects[poster.key]
    assert (found.content, found.content_type) == (SHOWN.jpeg, "image/jpeg")
    assert twins.videos[checkpoint.key] == twins.content()


def stands_without(twins: Twins, checkpoint: Checkpoint, why: str) -> None:
    """Object and JSON, which says why there is no picture."""
    assert checkpoint.status is Status.COMPLETED_WITH_META
    assert checkpoint.poster is None
    told = document(twins, checkpoint)
    assert (told["poster"], told["poster_problem"]) == (None, why)


def bare() -> Pictured:
    """Keys without a stream id: the recording's path is its key."""
    return Pictured(key_template=lambda _, path: path.lstrip("/"), key_is_unique=False)


async def test_a_picture_is_put_beside_the_object_before_the_json_names_it() -> None:
    """What the JSON names is there; a reader finds both or neither.

    Seen failing with the JSON put first.
    """
    twins = Pictured()
    stream = await recorded(twins)
    there: list[set[str]] = []

    def look(name: str) -> None:
        if name == "put_document":
            there.append({key.rpartition("a.mp4")[2] for key in twins.store.objects})

    twins.store.after = look
    checkpoint = await twins.finish(stream)
    stands_with_its_poster(twins, checkpoint)
    assert len(twins.store.objects) == 3
    assert there == [{"", ".poster.jpg"}, {"", ".poster.jpg", ".metadata.json"}]


async def test_without_poster_nothing_is_said_of_one() -> None:
    """The JSON is as it was; nothing else stands beside the object."""
    twins = Twins()
    checkpoint = await twins.finish(await recorded(twins))
    assert {"poster", "poster_problem"}.isdisjoint(document(twins, checkpoint))
    assert len(twins.store.objects) == 2
    assert checkpoint.poster is None


async def test_a_recording_without_a_picture_is_stored_as_any() -> None:
    """The JSON says why; one without video is not even asked for."""
    twins = Pictured()
    twins.illustrator.found = NoPicture("no answer within 30 s")
    checkpoint = await twins.finish(await recorded(twins))
    stands_without(twins, checkpoint, "no answer within 30 s")
    twins = Pictured()
    twins.prober.video = None
    checkpoint = await twins.finish(await recorded(twins))
    stands_without(twins, checkpoint, "there is no video in it")
    assert twins.illustrator.asked == []


async def test_a_picture_of_what_is_not_stored_is_not_kept() -> None:
    """The file was written to while it was pictured. Seen failing without the second look."""
    twins = Pictured()
    stream = await recorded(twins)
    twins.illustrator.during = lambda: twins.disk.write(PATH, b"more")
    checkpoint = await twins.finish(stream)
    stands_without(
        twins, checkpoint, "the recording changed or went away before it was pictured"
    )
    assert f"{checkpoint.key}.poster.jpg" not in twins.store.objects


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("made", [Pictured, bare])
async def test_killed_around_the_picture_both_stand_once(
    made: Callable[[], Pictured], nth: int, when: str
) -> None:
    """The next process puts it again under its key, and the JSON names it.

    Seen failing with any object under that key taken for somebody's.
    """
    twins = made()
    stream = await recorded(twins)
    seen: list[str] = []

    def die(name: str) -> None:
        if name == "put_document":
            seen.append(name)
            if len(seen) == nth:
                raise Lost

    setattr(twins.store, when, die)
    with pytest.raises(Lost):
        await twins.finish(stream)
    (again,) = await twins.restart()
    stands_with_its_poster(twins, await twins.finish(again))
    assert len(twins.store.objects) == 3


async def test_what_the_store_never_takes_keeps_no_stream_from_its_end() -> None:
    """An outage is waited out; a refusal for good is told. Seen failing with all raised."""
    twins = Pictured()
    stream = await recorded(twins)
    twins.store.before = on("put_document", outage("put"), times=3)
    stands_with_its_poster(twins, await twins.finish(stream))
    twins = Pictured()
    stream = await recorded(twins)
    refused = S3OperationError("PutObject", "EntityTooLarge", "no", transient=False)
    twins.store.before = on("put_document", refused)
    checkpoint = await twins.finish(stream)
    stands_without(twins, checkpoint, "PutObject: EntityTooLarge: no")
    twins = Pictured()
    stream = await recorded(twins)
    twins.store.before = on("put_document", StreamInitializationError("KeyTooLong: no"))
    stands_without(twins, await twins.finish(stream), "KeyTooLong: no")


async def test_an_object_that_cannot_be_described_is_safe_and_described_when_retried() -> None:
    """The store refuses the key of the JSON for good: the recording is stored all the same,
    and a person who has mended it gets the JSON of what stands then.

    Seen failing with `not stored`, and with a JSON that was never written anew.
    """
    twins = Twins()
    stream = await recorded(twins)
    too_long = StreamInitializationError("KeyTooLong: no")
    twins.store.before = on("put_document", too_long)
    checkpoint = await twins.finish(stream)
    assert checkpoint.status is Status.FAILED_FINALIZATION
    assert row_at_the_end(checkpoint).verdict is Safety.STORED
    assert "retry" in row_at_the_end(checkpoint).can
    twins.store.before = None
    stream.sight.wish = Wish.RETRY
    again = await twins.finish(stream)
    assert again.status is Status.COMPLETED_WITH_META
    assert twins.videos == {again.key: twins.content()}
    assert document(twins, again)["total_size_bytes"] == 21


# --- pictures among other objects --------------------------------------------------------


@pytest.mark.parametrize("state", ["growing", "stored", "forgotten"])
async def test_a_recording_that_is_called_like_a_picture_is_not_replaced(state: str) -> None:
    """Seen failing without the question who has the key, and without the HEAD."""
    twins = bare()
    await twins.start()
    twins.disk.open_writer(LIKE_A_PICTURE)
    twins.disk.write(LIKE_A_PICTURE, bytes(30))
    other = twins.stream(LIKE_A_PICTURE)
    await twins.rest(other)
    if state != "growing":
        twins.disk.close_writer(LIKE_A_PICTURE)
        twins.disk.files[LIKE_A_PICTURE].boxes = CLOSED_MP4
        await twins.finish(other)
    if state == "forgotten":
        twins.checkpoints.lose_everything()
        await twins.restart()
    twins.disk.write(PATH, bytes(range(21)))
    twins.disk.files[PATH].boxes = CLOSED_MP4
    checkpoint = await twins.finish(twins.stream())
    key = LIKE_A_PICTURE.lstrip("/")
    stands_without(twins, checkpoint, f"a recording stands under {key}")
    assert (key in twins.videos) == (key in twins.store.objects) == (state != "growing")


async def test_a_recording_does_not_replace_a_picture() -> None:
    """One that comes later under its name gets another key."""
    twins = bare()
    first = await twins.finish(await recorded(twins))
    twins.disk.write(LIKE_A_PICTURE, bytes(30))
    twins.disk.files[LIKE_A_PICTURE].boxes = CLOSED_MP4
    second = await twins.finish(twins.stream(LIKE_A_PICTURE))
    stands_with_its_poster(twins, first)
    assert twins.videos[second.key] == twins.content(LIKE_A_PICTURE)


@pytest.mark.parametrize("made", [Pictured, bare])
async def test_with_the_state_lost_no_picture_is_taken_for_a_recording(
    made: Callable[[], Pictured],
) -> None:
    """Though it has its very bytes: the object is recognised, and when it is gone nothing is.

    Seen failing with objects recognised that have another name and no stream id.
    """
    twins = made()
    content = bytes(range(21))
    twins.illustrator.found = Picture(content, 640, 360)
    first = await twins.finish(await recorded(twins))
    twins.checkpoints.lose_everything()
    assert await twins.restart() == []
    again = await twins.finish(twins.stream())
    assert (again.stream_id, again.key) == (first.stream_id, first.key)
    assert len(twins.store.objects) == 3
    del twins.store.objects[first.key], twins.store.objects[f"{first.key}.metadata.json"]
    twins.checkpoints.lose_everything()
    assert await twins.restart() == []
    anew = await twins.finish(twins.stream())
    assert anew.stream_id != first.stream_id
    assert twins.videos == {anew.key: content}
