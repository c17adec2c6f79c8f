"""What must be true at the end: everything is stored exactly once, and nothing else is."""

import os
from collections.abc import Mapping, Sequence

from cefmp4.adapters.checkpoints import open_checkpoints
from cefmp4.core.model import Checkpoint, Status
from crash.effects import Effect, Step
from crash.life import Lives
from crash.sends import accounts
from story.bucket import Bucket


async def streams_of(environment: Mapping[str, str]) -> list[Checkpoint]:
    """Everything that is remembered of this instance."""
    url, instance = environment["REDIS_URL"], environment["INSTANCE_ID"]
    async with open_checkpoints(url, instance) as checkpoints:
        return await checkpoints.all_streams()


def files_below(folder: str) -> dict[str, bytes]:
    """Every file in a tree, hidden ones too, by its path in it."""
    found = {}
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)
            with open(path, "rb") as file:
                found[os.path.relpath(path, folder)] = file.read()
    return found


async def stored_exactly_once(
    lives: Lives, store: Bucket, content: bytes, beside: Sequence[str] = (".metadata.json",)
) -> Checkpoint:
    """One stream, its one object with these bytes and its JSON; no upload, no other object.

    `beside` is what stands beside the object, each as its key goes on.
    """
    (stream,) = await streams_of(lives.environment)
    assert stream.status is Status.COMPLETED_WITH_META
    assert await store.keys() == [stream.key, *(stream.key + name for name in beside)]
    assert await store.content(stream.key) == content
    document = await store.metadata(stream.key)
    assert document["stream_id"] == stream.stream_id
    assert document["total_size_bytes"] == len(content)
    assert await store.all_uploads() == []
    return stream


NEVER_REPEATED = (Effect.UPLOAD_CREATED, Effect.COMPLETED, Effect.PUT)
"""What the store itself can be asked about, so that it need not be done again."""


def sent_again_at_most_what_was_in_flight(lives: Lives) -> None:
    """No part was sent twice but for a reason, nothing else at all; and nothing failed."""
    lines = lives.effects()
    for (_, number), account in accounts(lines).items():
        assert account.without_reason == 0, f"part {number} was sent again for no reason"
    assert [line for line in lines if line.step is Step.FAILED] == []
    for effect in NEVER_REPEATED:
        assert lives.count(effect) <= 1, f"{effect} more than once"


def verified_right_before_disposal(lives: Lives) -> None:
    """The last thing done before the recording is touched, in every life, was a HEAD."""
    lines = lives.effects()
    disposals = [
        at
        for at, line in enumerate(lines)
        if (line.effect, line.step) == (Effect.DISPOSED, Step.BEGUN)
    ]
    assert disposals
    for at in disposals:
        earlier, disposal = lines[at - 1], lines[at]
        assert (earlier.effect, earlier.step) == (Effect.HEAD, Step.DONE)
        assert earlier.life == disposal.life
        assert disposal.key in earlier.key
