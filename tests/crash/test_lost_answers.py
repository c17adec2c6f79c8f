"""`kill -9` while the store does what it was asked to, and before its answer arrives."""

import pytest

from crash.effects import Effect, Step
from crash.ending import sent_again_at_most_what_was_in_flight, stored_exactly_once
from crash.life import Lives
from crash.recordings import Growing, Muxed
from crash.severing import Cut, Request, Severing
from servers import S3Server
from story.bucket import Bucket

pytestmark = pytest.mark.timeout(300)  # longer than anybody waits for an end

EFFECTS = {
    Request.CREATE: Effect.UPLOAD_CREATED,
    Request.COMPLETE: Effect.COMPLETED,
    Request.PUT: Effect.PUT,
}


async def is_carried_out(request: Request, store: Bucket) -> bool:
    """Whether the store shows the effect."""
    match request:
        case Request.CREATE:
            return len(await store.uploads()) == 1
        case Request.PART:
            return len(await store.parts_in_flight()) == 1
        case Request.COMPLETE | Request.PUT:
            return len(await store.videos()) == 1
        case Request.PUT_JSON:
            return len(await store.keys()) == 2


@pytest.mark.parametrize("cut", list(Cut))
@pytest.mark.parametrize("asked", list(Request), ids=lambda asked: asked.name)
async def test_killed_between_the_effect_and_its_answer(
    asked: Request,
    cut: Cut,
    lives: Lives,
    store: Bucket,
    s3_server: S3Server,
    ordinary: Muxed,
    small: Muxed,
) -> None:
    """The next start asks the store what became of it, and does not do it again.

    Seen failing with CreateUpload in place of AdoptUpload, and with `completing` recorded
    after the Complete instead of before.
    """
    content = small if asked is Request.PUT else ordinary
    severing = Severing(s3_server.endpoint_url, asked, cut, lives.kill)
    growing = Growing(lives.path("a.mp4"), content)
    async with severing.listening() as url, lives.recorder(growing):
        lives.start(S3_ENDPOINT_URL=url)
        await lives.killed()
        if cut is Cut.ANSWERED:
            assert await is_carried_out(asked, store)
        await lives.finish()
    await stored_exactly_once(lives, store, content.final)
    sent_again_at_most_what_was_in_flight(lives)
    if cut is Cut.ANSWERED and asked in EFFECTS:
        assert lives.count(EFFECTS[asked], Step.BEGUN) == 1
