"""What is told of a stored recording: probed, pictured, and put beside its object.

The picture comes first, then the JSON that names it, then the checkpoint. A crash between
them repeats what was done, under the same keys.

What must stay true: nothing about the media, and nothing about the picture, keeps a stream
from its end; and a picture never takes the place of a recording.
"""

from cefmp4.core.keys import key_problem
from cefmp4.core.media import Poster
from cefmp4.core.model import Checkpoint
from cefmp4.core.mp4 import Boxes
from cefmp4.core.objects import metadata_key, poster_key
from cefmp4.errors import ChunkProcessingError, S3OperationError, StreamInitializationError
from cefmp4.ledger import Ledger
from cefmp4.metadata import metadata_json
from cefmp4.ports import Fingerprint, NoPicture, Picture, Probe
from cefmp4.telling import Telling
from cefmp4.world import World

CHANGED = "the recording changed or went away before it was"


async def describe(world: World, ledger: Ledger, telling: Telling) -> None:
    """Probe the recording and put the metadata JSON beside its object, and a picture."""
    cp, began = ledger.current, telling.began()
    probe, boxes = await _look_into(world, cp)
    shown = await _put_poster(world, ledger, probe)
    document = metadata_json(cp, probe, boxes, world.clock.now(), world.host, shown)
    await ledger.assure()
    await world.store.put_document(metadata_key(cp.key), document, "application/json")
    poster = shown if isinstance(shown, Poster) else None
    await ledger.record(lambda c: c.with_description(probe, poster))
    telling.described(probe, shown, began)


async def _look_into(world: World, cp: Checkpoint) -> tuple[Probe, Boxes | None]:
    """What the media says, unless another version stands there by now."""
    try:
        if _is_as_sealed(world, cp):
            boxes = (await world.disk.inspect(cp.path)).boxes
            probe = await world.prober.probe(cp.path)
            if _is_as_sealed(world, cp):
                return probe, boxes
    except ChunkProcessingError as error:
        return Probe(problem=str(error)), None
    return Probe(problem=f"{CHANGED} probed"), None


async def _put_poster(world: World, ledger: Ledger, probe: Probe) -> Poster | NoPicture | None:
    """The picture, as it stands beside the object; None where none is wanted."""
    if world.illustrator is None:
        return None
    if probe.video is None:
        return NoPicture(probe.problem or "there is no video in it")
    cp = ledger.current
    picture = await world.illustrator.picture(cp.path)
    if isinstance(picture, NoPicture):
        return picture
    if not _is_as_sealed(world, cp):
        return NoPicture(f"{CHANGED} pictured")
    try:
        return await _put(world, ledger, picture)
    except (S3OperationError, StreamInitializationError) as error:
        if error.transient:
            raise
        return NoPicture(str(error))


async def _put(world: World, ledger: Ledger, picture: Picture) -> Poster | NoPicture:
    key = poster_key(ledger.current.key)
    if problem := key_problem(key):
        return NoPicture(f"its key {problem}")
    if await _is_a_recording(world, key):
        return NoPicture(f"a recording stands under {key}")
    await ledger.assure()
    await world.store.put_document(key, picture.jpeg, "image/jpeg")
    return Poster(key, picture.width, picture.height, len(picture.jpeg))


async def _is_a_recording(world: World, key: str) -> bool:
    """Where recordings can have any key, one may be called like a picture."""
    if world.key_is_unique:
        return False
    if await world.checkpoints.stream_of_key(key) is not None:
        return True
    found = await world.store.head(key)
    return found is not None and found.stream_id is not None


def _is_as_sealed(world: World, cp: Checkpoint) -> bool:
    """By what a rename does not change."""
    there = world.disk.stat(cp.path)
    sealed = cp.seal.version if cp.seal else None
    return (
        there is not None
        and sealed is not None
        and Fingerprint.of(there) == Fingerprint.of(sealed)
    )
