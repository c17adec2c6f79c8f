"""`kill -9` right before and right after every effect; the next start finishes the job.

Each case is a recording that a real muxer wrote, uploaded while it grew by a daemon that
ends at exactly one place. Then a start without a doom: exactly one object, byte for byte
the recording, with its JSON; nothing left over; nothing sent twice but what was in flight.
"""

import os

import pytest

from cefmp4.core.jpeg import jpeg_extent
from crash.doom import Doom, Moment
from crash.effects import Effect
from crash.ending import (
    files_below,
    sent_again_at_most_what_was_in_flight,
    stored_exactly_once,
    verified_right_before_disposal,
)
from crash.life import Lives
from crash.recordings import Growing, Muxed
from story.bucket import BESIDE, Bucket

WHILE_IT_GROWS = [
    (Effect.INTENT_RECORDED, 1),
    (Effect.UPLOAD_CREATED, 1),
    (Effect.UPLOAD_RECORDED, 1),
    (Effect.PART_SENT, 1),
    (Effect.PART_SENT, 2),
    (Effect.PART_RECORDED, 1),
    (Effect.PART_RECORDED, 2),
]
ONCE_IT_WAS_CLOSED = [
    (Effect.SEALED, 1),
    (Effect.READ_AGAIN, 1),
    (Effect.FORGOTTEN, 1),
    (Effect.PART_SENT, 3),
    (Effect.PART_SENT, 4),
    (Effect.PART_RECORDED, 3),
    (Effect.PART_RECORDED, 4),
    (Effect.ANNOUNCED, 1),
    (Effect.COMPLETED, 1),
    (Effect.HEAD, 1),
    (Effect.STORED_RECORDED, 1),
    (Effect.PROBED, 1),
    (Effect.JSON_PUT, 1),
    (Effect.DESCRIBED, 1),
    (Effect.FINISHED, 1),
]
OF_A_SMALL_ONE = [Effect.ANNOUNCED, Effect.PUT, Effect.STORED_RECORDED]
OF_ITS_DISPOSAL = [Effect.DISPOSED, Effect.HIDDEN, Effect.DISPOSAL_RECORDED]
RECURRING = [
    Doom(Effect.UPLOAD_RECORDED, Moment.BEFORE),
    Doom(Effect.PART_SENT, Moment.AFTER),
    Doom(Effect.PART_RECORDED, Moment.BEFORE),
    Doom(Effect.READ_AGAIN, Moment.AFTER),
    Doom(Effect.COMPLETED, Moment.BEFORE),
    Doom(Effect.STORED_RECORDED, Moment.BEFORE),
    Doom(Effect.JSON_PUT, Moment.AFTER),
]

pytestmark = pytest.mark.timeout(300)  # longer than anybody waits for an end

moments = pytest.mark.parametrize("moment", list(Moment))


async def check(lives: Lives, store: Bucket, content: Muxed, *dooms: Doom) -> None:
    """Die of each doom in turn, live on, and hold everything against the recording."""
    growing = Growing(lives.path("a.mp4"), content)
    async with lives.recorder(growing):
        for doom in dooms:
            lives.start(doom=doom)
            await lives.killed()
        await lives.finish()
    await stored_exactly_once(lives, store, content.final)
    sent_again_at_most_what_was_in_flight(lives)


@moments
@pytest.mark.parametrize(("effect", "nth"), [*WHILE_IT_GROWS, *ONCE_IT_WAS_CLOSED])
async def test_killed_at_an_effect_the_next_start_finishes(
    effect: Effect, nth: int, moment: Moment, lives: Lives, store: Bucket, ordinary: Muxed
) -> None:
    """One object with the bytes of the recording and its JSON, whatever the last life did.

    Seen failing with the description recorded before its JSON is put, with the upload
    created anew instead of adopted, with Complete repeated instead of resolved, with parts
    forgotten after they are sent again, with nothing resumed, and without the comparison.
    """
    await check(lives, store, ordinary, Doom(effect, moment, nth))
    assert files_below(lives.watch_dir) == {"a.mp4": ordinary.final}


@pytest.mark.parametrize("doom", RECURRING, ids=str)
async def test_killed_twice_at_the_same_effect(
    doom: Doom, lives: Lives, store: Bucket, ordinary: Muxed
) -> None:
    """The second life dies just where the first one did; the third finishes.

    Seen failing with nothing resumed.
    """
    await check(lives, store, ordinary, doom, doom)


@moments
@pytest.mark.parametrize("effect", OF_A_SMALL_ONE)
async def test_killed_while_a_small_recording_is_put(
    effect: Effect, moment: Moment, lives: Lives, store: Bucket, small: Muxed
) -> None:
    """Smaller than one part: a single PutObject, taken for nothing but what HEAD says.

    Seen failing with the PutObject not announced in the checkpoint.
    """
    await check(lives, store, small, Doom(effect, moment))
    assert lives.count(Effect.UPLOAD_CREATED) == 0


@moments
@pytest.mark.parametrize("effect", [Effect.POSTER_PUT, Effect.JSON_PUT, Effect.DESCRIBED])
async def test_killed_while_its_poster_is_put(
    effect: Effect, moment: Moment, lives: Lives, store: Bucket, small: Muxed
) -> None:
    """Picture and JSON stand once, and the JSON names the picture that stands.

    Seen failing with the description recorded before its JSON is put.
    """
    lives.environment["POSTER"] = "true"
    async with lives.recorder(Growing(lives.path("a.mp4"), small)):
        lives.start(doom=Doom(effect, moment))
        await lives.killed()
        await lives.finish()
    stream = await stored_exactly_once(lives, store, small.final, BESIDE)
    sent_again_at_most_what_was_in_flight(lives)
    told, jpeg = (
        await store.metadata(stream.key),
        await store.content(f"{stream.key}{BESIDE[1]}"),
    )
    assert stream.poster is not None
    assert told["poster"] == {
        "s3_key": stream.poster.key,
        "width": 64,
        "height": 64,
        "size_bytes": len(jpeg),
    }
    assert jpeg_extent(jpeg) == (64, 64)


@pytest.fixture
def archive(lives: Lives) -> str:
    """Where AFTER_UPLOAD=move takes recordings to."""
    folder = os.path.join(lives.folder, "archive")
    lives.environment |= {"ARCHIVE_DIR": folder, "MISSING_GRACE_SECONDS": "0.2"}
    return folder


@moments
@pytest.mark.parametrize("effect", OF_ITS_DISPOSAL)
@pytest.mark.parametrize("after_upload", ["delete", "move"])
async def test_killed_while_the_recording_is_disposed_of(
    after_upload: str,
    effect: Effect,
    moment: Moment,
    lives: Lives,
    store: Bucket,
    small: Muxed,
    archive: str,
) -> None:
    """It is gone, or in the archive and nowhere else; no hidden file stays behind.

    Seen failing with the disposal recorded before it is done, and without the look for a
    hidden file that an earlier life left.
    """
    lives.environment["AFTER_UPLOAD"] = after_upload
    await check(lives, store, small, Doom(effect, moment))
    verified_right_before_disposal(lives)
    assert files_below(lives.watch_dir) == {}
    kept = {"a.mp4": small.final} if after_upload == "move" else {}
    assert files_below(archive) == kept


async def test_killed_before_the_disposal_and_the_object_is_gone_by_then(
    lives: Lives, store: Bucket, small: Muxed, archive: str
) -> None:
    """What was verified in an earlier life is verified again: the recording is kept.

    Seen failing without the HEAD before the disposal.
    """
    lives.environment["AFTER_UPLOAD"] = "delete"
    growing = Growing(lives.path("a.mp4"), small)
    async with lives.recorder(growing):
        lives.start(doom=Doom(Effect.DISPOSED, Moment.BEFORE))
        await lives.killed()
    (key,) = await store.videos()
    await store.client.delete_object(Bucket=store.name, Key=key)
    await lives.finish()
    assert files_below(lives.watch_dir) == {"a.mp4": small.final}
