"""How a stream begins: with an intent, written down before anything reaches the store.

Or with what the store still knows of it, when the state server has lost its data.
"""

from cefmp4.core.keys import distinct_key
from cefmp4.core.model import Checkpoint, FileVersion, Status
from cefmp4.errors import StreamInitializationError
from cefmp4.recalling import recall
from cefmp4.world import World


async def first_checkpoint(
    world: World,
    stream_id: str,
    path: str,
    version: FileVersion,
    *,
    refused: str = "",
    hint: str = "",
) -> Checkpoint:
    """What is written down of a recording that no stream is known of."""
    found = None if refused else await recall(world, path, version)
    return found or await intent(world, stream_id, path, version, refused=refused, hint=hint)


async def intent(
    world: World,
    stream_id: str,
    path: str,
    version: FileVersion,
    *,
    refused: str = "",
    hint: str = "",
) -> Checkpoint:
    """The first checkpoint of a stream.

    With `refused`, or when no store could hold its key, it has ended before it began:
    it is only remembered, so that its file is not looked at again and again.
    """
    now, key = world.clock.now(), ""
    try:
        key = await _free_key(world, stream_id, path, now)
    except StreamInitializationError as error:
        refused, hint = refused or str(error), hint or error.hint
    checkpoint = Checkpoint(
        stream_id=stream_id,
        path=path,
        identity=version.identity,
        bucket=world.bucket,
        key=key,
        geometry=world.policy.geometry,
        started_at=now,
        root=world.horizon.root,
        last_activity_at=now,
    )
    return checkpoint.ended(Status.FAILED, now, refused, hint) if refused else checkpoint


async def _free_key(world: World, stream_id: str, path: str, now: float) -> str:
    """A key no other stream uses: a second generation must not replace the first."""
    key = world.key_for(stream_id, path, now)
    if world.key_is_unique:
        return key
    taken = not await world.checkpoints.reserve_key(key, stream_id)
    if taken or await world.store.head(key) is not None:
        return distinct_key(key, stream_id)
    return key
