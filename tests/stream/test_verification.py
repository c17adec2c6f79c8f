"""Objects held against what was recorded, on twins: identical, different, missing, unknown."""

from collections.abc import AsyncIterator
from dataclasses import replace

from cefmp4.adapters.memory.store import MemoryObject, MemoryStore
from cefmp4.core.model import AfterUpload, Checkpoint, StoredObject
from cefmp4.errors import ChunkProcessingError
from cefmp4.verification import Finding, Verdict, verify_key, verify_stream
from stream.faults import on, outage, recorded
from stream.twins import PATH, Twins, with_policy

ARCHIVED = "/archive/a.mp4"


class Terse:
    """The store twin, as stores are that tell neither checksum nor a foretold ETag."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    async def head(self, key: str) -> StoredObject | None:
        found = await self._store.head(key)
        return replace(found, crc64nvme=None, etag="opaque") if found else None

    def read(self, key: str) -> AsyncIterator[bytes]:
        return self._store.read(key)


async def verified(twins: Twins, cp: Checkpoint, *, terse: bool = False) -> Finding:
    store = Terse(twins.store) if terse else twins.store
    return await verify_stream(store, twins.disk, cp, [ARCHIVED])  # type: ignore[arg-type]


async def stored(twins: Twins) -> Checkpoint:
    return await twins.finish(await recorded(twins))


def rot(twins: Twins, key: str) -> None:
    """A bit of the object turns over, and the store does not know."""
    whole = twins.store.objects[key]
    content = bytes([whole.content[0] ^ 1]) + whole.content[1:]
    twins.store.objects[key] = MemoryObject(content, whole.user_metadata, whole.content_type)


async def test_what_was_stored_is_identical_to_its_recording() -> None:
    """By what the store tells, and by reading it back where it tells nothing."""
    twins = Twins()
    cp = await stored(twins)
    for terse in (False, True):
        found = await verified(twins, cp, terse=terse)
        assert (found.verdict, found.why) == (Verdict.IDENTICAL, "as the recording")


async def test_a_recording_that_differs_is_found_by_its_bytes() -> None:
    """Also when neither its size nor its time tells.

    Seen failing with the checksum of the parts taken for that of the recording.
    """
    twins = Twins()
    cp = await stored(twins)
    there = twins.disk.files[PATH]
    there.content[3] ^= 1
    for terse in (False, True):
        found = await verified(twins, cp, terse=terse)
        assert (found.verdict, "of the recording" in found.why) == (Verdict.DIFFERENT, True)


async def test_an_object_that_rotted_is_found_where_it_is_read_back() -> None:
    """And where the store tells a checksum, that is held against what was sent.

    Seen failing with a store that tells no checksum taken at its word.
    """
    twins = Twins()
    cp = await stored(twins)
    rot(twins, cp.key)
    for terse in (False, True):
        assert (await verified(twins, cp, terse=terse)).verdict is Verdict.DIFFERENT
        assert (await verify_key(twins.store, cp.key)).verdict is Verdict.DIFFERENT


async def test_a_missing_object_is_missing() -> None:
    """Deleted by a lifecycle rule, or by a person."""
    twins = Twins()
    cp = await stored(twins)
    del twins.store.objects[cp.key]
    assert (await verified(twins, cp)).verdict is Verdict.MISSING
    assert (await verify_key(twins.store, cp.key)).verdict is Verdict.MISSING


async def test_an_archived_recording_is_looked_for_where_it_was_moved() -> None:
    """AFTER_UPLOAD=move keeps its size and time, not always its inode."""
    twins = Twins()
    cp = await stored(twins)
    twins.disk.rename(PATH, ARCHIVED)
    assert (await verified(twins, cp)).why == "as its archived copy"
    twins.disk.files[ARCHIVED].content[0] ^= 1
    assert (await verified(twins, cp)).verdict is Verdict.DIFFERENT


async def test_without_its_recording_an_object_is_held_against_what_was_written_down() -> None:
    """The metadata JSON, and without that the checksums of the parts that were sent."""
    twins = with_policy(after_upload=AfterUpload.DELETE)
    cp = await stored(twins)
    assert PATH not in twins.disk.files
    assert "metadata JSON" in (await verified(twins, cp)).why
    assert (await verify_key(twins.store, cp.key)).verdict is Verdict.IDENTICAL
    del twins.store.objects[f"{cp.key}.metadata.json"]
    last = await verified(twins, cp, terse=True)
    assert (last.verdict, "parts" in last.why) == (Verdict.IDENTICAL, True)
    assert (await verify_key(twins.store, cp.key)).verdict is Verdict.CANNOT_TELL


async def test_a_recording_that_changed_since_is_not_held_against_the_old_object() -> None:
    """Its new content is a new stream's: the old object is as it was written down."""
    twins = Twins()
    cp = await stored(twins)
    twins.disk.write(PATH, b"more")
    found = await verified(twins, cp)
    assert (found.verdict, "metadata JSON" in found.why) == (Verdict.IDENTICAL, True)


async def test_what_cannot_be_read_is_not_called_different() -> None:
    """An outage, a disk error, a recording that is not stored yet, a document of others."""
    twins = Twins()
    cp = await stored(twins)
    twins.store.before = on("head", outage("head"))
    assert (await verified(twins, cp)).verdict is Verdict.CANNOT_TELL
    twins.disk.before = on("stat", ChunkProcessingError("input/output error"))
    assert (await verified(twins, cp)).verdict is Verdict.CANNOT_TELL
    assert (await verified(twins, replace(cp, seal=None))).verdict is Verdict.CANNOT_TELL
    document = f"{cp.key}.metadata.json"
    twins.store.objects[document] = MemoryObject(b"{}", {}, "application/json")
    assert (await verify_key(twins.store, cp.key)).verdict is Verdict.CANNOT_TELL
