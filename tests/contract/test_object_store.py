"""What every `ObjectStore` does: the strict twin, and SeaweedFS with each checksum."""

import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

import pytest

from cefmp4.adapters.memory.store import MemoryObject
from cefmp4.adapters.s3 import S3Store, StoreSettings
from cefmp4.adapters.s3.client import open_client
from cefmp4.core.objects import (
    ORIGINAL_NAME,
    STREAM_ID,
    metadata_key,
    multipart_etag,
    user_metadata,
)
from cefmp4.errors import (
    ContentRefused,
    PartsRefused,
    S3OperationError,
    StreamInitializationError,
    UploadGone,
)
from cefmp4.ports import ListedPart, ObjectStore
from contract.bodies import BytesBody, crc64nvme_of, damaged, part_of
from contract.stores import MIN_PART, REAL_STORES, TWINS
from servers import S3Server

KEY = "streams/1/cam 1.mp4"
METADATA = user_metadata("stream-1", "/rec/cam 1.mp4")


@dataclass(frozen=True, slots=True)
class Bench:
    """A store, and a way to see what it holds that is not the one under test."""

    store: ObjectStore
    seen: Callable[[str], Awaitable[MemoryObject]]
    checks_whole_object: bool


@pytest.fixture(params=[*TWINS, *REAL_STORES])
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    """The twin, or a fresh bucket; lists come in pages of seven rows."""
    if request.param in TWINS:
        twin = TWINS[request.param]()

        async def seen_in_twin(key: str) -> MemoryObject:
            return twin.objects[key]

        yield Bench(twin, seen_in_twin, checks_whole_object=True)
        return
    server: S3Server = request.getfixturevalue("s3_server")
    bucket, capabilities = f"contract-{secrets.token_hex(6)}", REAL_STORES[request.param]
    settings = StoreSettings(
        bucket, server.endpoint_url, None, server.access_key_id, server.secret_access_key
    )
    async with open_client(settings) as client:
        await client.create_bucket(Bucket=bucket)

        async def seen_in_bucket(key: str) -> MemoryObject:
            answer = await client.get_object(Bucket=bucket, Key=key)
            content = await answer["Body"].read()
            return MemoryObject(content, answer["Metadata"], answer["ContentType"])

        store = S3Store(client, settings, capabilities, page_rows=7)
        yield Bench(store, seen_in_bucket, request.param == "crc64nvme")


@pytest.fixture
def store(bench: Bench) -> ObjectStore:
    return bench.store


async def send(store: ObjectStore, upload_id: str, number: int, content: bytes) -> str:
    return await store.upload_part(KEY, upload_id, number, BytesBody.of(content))


async def complete(store: ObjectStore, upload_id: str, sent: dict[int, bytes]) -> None:
    """Complete with these parts, and the checksum of them all."""
    parts = [part_of(number, content) for number, content in sent.items()]
    await store.complete(KEY, upload_id, parts, crc64nvme_of(b"".join(sent.values())))


async def test_parts_become_one_object(bench: Bench, store: ObjectStore) -> None:
    """Parts sent in any order become one object with exactly their bytes, in order."""
    first, last = os.urandom(MIN_PART), b"the tail"
    upload_id = await store.create_upload(KEY, METADATA)
    etags = [await send(store, upload_id, 2, last), await send(store, upload_id, 1, first)]
    rows = sorted(await store.list_parts(KEY, upload_id), key=lambda row: row.number)
    assert rows == [ListedPart(1, MIN_PART, etags[1]), ListedPart(2, 8, etags[0])]
    assert await store.head(KEY) is None

    await complete(store, upload_id, {1: first, 2: last})
    found = await store.head(KEY)
    assert found is not None
    assert (found.size_bytes, found.stream_id) == (MIN_PART + 8, "stream-1")
    assert found.etag == multipart_etag([etags[1], etags[0]])
    assert found.crc64nvme in (None, crc64nvme_of(first + last))
    assert await bench.seen(KEY) == MemoryObject(first + last, METADATA, "video/mp4")
    assert await store.find_uploads(KEY) == []


async def test_part_sent_again_replaces_the_old_one(bench: Bench, store: ObjectStore) -> None:
    """The bytes sent last under a number are those the object gets."""
    upload_id = await store.create_upload(KEY, METADATA)
    await send(store, upload_id, 1, b"first try")
    etag = await send(store, upload_id, 1, b"again")
    assert ListedPart(1, 5, etag) in await store.list_parts(KEY, upload_id)
    await complete(store, upload_id, {1: b"again"})
    assert (await bench.seen(KEY)).content == b"again"


async def test_parts_are_named_not_counted(bench: Bench, store: ObjectStore) -> None:
    """Numbers may have gaps, and parts in the middle may differ in length."""
    upload_id = await store.create_upload(KEY, METADATA)
    sent = {2: os.urandom(MIN_PART + 1), 5: os.urandom(MIN_PART), 10_000: b"end"}
    for number, content in sent.items():
        await send(store, upload_id, number, content)
    await complete(store, upload_id, sent)
    assert (await bench.seen(KEY)).content == b"".join(sent.values())


async def test_part_number_beyond_the_last_is_refused(store: ObjectStore) -> None:
    """There is no part 10,001."""
    with pytest.raises(S3OperationError):
        await send(store, await store.create_upload(KEY, METADATA), 10_001, b"one too many")


async def test_short_part_in_the_middle_is_refused(store: ObjectStore) -> None:
    """Completing with a short middle part makes no object and leaves the upload."""
    upload_id = await store.create_upload(KEY, METADATA)
    for number in (1, 2):
        await send(store, upload_id, number, b"short")
    with pytest.raises(PartsRefused):
        await complete(store, upload_id, {1: b"short", 2: b"short"})
    assert len(await store.list_parts(KEY, upload_id)) == 2
    assert await store.head(KEY) is None


async def test_part_never_sent_is_refused(store: ObjectStore) -> None:
    """Completing with a part the store does not have makes no object, and keeps the upload."""
    upload_id = await store.create_upload(KEY, METADATA)
    await send(store, upload_id, 1, b"sent")
    with pytest.raises((PartsRefused, UploadGone)):
        await complete(store, upload_id, {1: b"sent", 2: b"never sent"})
    assert await store.head(KEY) is None
    assert len(await store.list_parts(KEY, upload_id)) == 1


async def test_upload_without_parts_does_not_complete(store: ObjectStore) -> None:
    """Some stores say NoSuchUpload although the upload stands."""
    upload_id = await store.create_upload(KEY, METADATA)
    with pytest.raises((PartsRefused, UploadGone)):
        await complete(store, upload_id, {1: b"never sent"})
    assert await store.list_parts(KEY, upload_id) == []


async def test_wrong_checksum_of_the_whole_is_refused(bench: Bench, store: ObjectStore) -> None:
    """Where the store checks the whole object, one with another checksum is not made."""
    if not bench.checks_whole_object:
        pytest.skip("this store is not told the whole object's checksum")
    upload_id = await store.create_upload(KEY, METADATA)
    await send(store, upload_id, 1, b"sent")
    with pytest.raises(PartsRefused):
        await store.complete(KEY, upload_id, [part_of(1, b"sent")], crc64nvme_of(b"other"))
    assert await store.head(KEY) is None


async def test_second_complete_changes_nothing(bench: Bench, store: ObjectStore) -> None:
    """Complete may be sent again: it succeeds, or the upload is gone; the object stands."""
    upload_id = await store.create_upload(KEY, METADATA)
    await send(store, upload_id, 1, b"once")
    await complete(store, upload_id, {1: b"once"})
    with suppress(UploadGone):
        await complete(store, upload_id, {1: b"once"})
    assert (await bench.seen(KEY)).content == b"once"


async def test_upload_that_is_not_there_is_gone(store: ObjectStore) -> None:
    """Parts, lists and Complete of an aborted upload all say that it is gone."""
    upload_id = await store.create_upload(KEY, METADATA)
    await send(store, upload_id, 1, b"sent")
    await store.abort(KEY, upload_id)
    for attempt in (
        send(store, upload_id, 1, b"sent"),
        store.list_parts(KEY, upload_id),
        complete(store, upload_id, {1: b"sent"}),
    ):
        with pytest.raises(UploadGone):
            await attempt


async def test_abort_may_be_repeated(store: ObjectStore) -> None:
    """Aborting removes the upload; aborting what is not there is no error."""
    upload_id = await store.create_upload(KEY, METADATA)
    for _ in range(2):
        await store.abort(KEY, upload_id)
        assert await store.find_uploads(KEY) == []


async def test_damaged_part_is_refused(store: ObjectStore) -> None:
    """A part that does not match its checksum is refused, and the old one is kept."""
    upload_id = await store.create_upload(KEY, METADATA)
    etag = await send(store, upload_id, 1, b"good")
    with pytest.raises(ContentRefused):
        await store.upload_part(KEY, upload_id, 1, damaged(b"evil"))
    assert await store.list_parts(KEY, upload_id) == [ListedPart(1, 4, etag)]


async def test_damaged_object_is_refused(store: ObjectStore) -> None:
    """A whole object that does not match its checksum is never visible."""
    with pytest.raises(ContentRefused):
        await store.put(KEY, METADATA, damaged(b"evil"))
    assert await store.head(KEY) is None


async def test_uploads_are_found_by_their_exact_key(store: ObjectStore) -> None:
    """Among many uploads under keys that begin alike, each key finds just its own."""
    siblings = [f"{KEY}{tail}" for tail in ("2", ".bak", "/x", "") for _ in range(5)]
    begun = [(key, await store.create_upload(key, METADATA)) for key in siblings]
    for key in set(siblings):
        found = await store.find_uploads(key)
        assert {upload.upload_id for upload in found} == {i for k, i in begun if k == key}
        assert all(upload.key == key and upload.initiated_at > 0 for upload in found)
    assert await store.find_uploads(KEY[:-1]) == []


async def test_long_list_of_parts_is_read_to_its_end(store: ObjectStore) -> None:
    """Parts are listed over all pages, those sent twice as well."""
    upload_id = await store.create_upload(KEY, METADATA)
    for content in (b"old", b"newer"):
        for number in (3, 7):
            await send(store, upload_id, number, content)
    for number in range(8, 25):
        await send(store, upload_id, number, b"x")
    rows = await store.list_parts(KEY, upload_id)
    assert sorted({row.number for row in rows}) == [3, 7, *range(8, 25)]
    assert {row.size_bytes for row in rows if row.number == 7} >= {5}


async def test_put_stores_a_whole_recording(bench: Bench, store: ObjectStore) -> None:
    """One PutObject is enough, and a second one replaces the object."""
    for content in (b"first version", b"second"):
        await store.put(KEY, METADATA, BytesBody.of(content))
    found = await store.head(KEY)
    assert found is not None
    assert (found.size_bytes, found.stream_id) == (6, "stream-1")
    assert found.etag == part_of(1, b"second").etag
    assert found.crc64nvme in (None, crc64nvme_of(b"second"))
    assert await bench.seen(KEY) == MemoryObject(b"second", METADATA, "video/mp4")


@pytest.mark.parametrize("kind", ["application/json", "image/jpeg"])
async def test_put_document_stores_a_document(
    bench: Bench, store: ObjectStore, kind: str
) -> None:
    """What stands beside the recording is of its kind, and belongs to no stream."""
    await store.put_document(metadata_key(KEY), b"{\xff}", kind)
    assert await bench.seen(metadata_key(KEY)) == MemoryObject(b"{\xff}", {}, kind)


HOSTILE = ["a b", "grün ü 録画", "1+1=2", "100%25 & more?#x", 'it\'s "quoted"', "~!*();:@,"]


async def test_hostile_keys_survive(bench: Bench, store: ObjectStore) -> None:
    """A key comes back as it was given, whatever letters are in it."""
    for name in HOSTILE:
        key = f"streams/{name}/{name}.mp4"
        upload_id = await store.create_upload(key, METADATA)
        assert [u.upload_id for u in await store.find_uploads(key)] == [upload_id]
        await store.upload_part(key, upload_id, 1, BytesBody.of(b"part"))
        await store.complete(key, upload_id, [part_of(1, b"part")], crc64nvme_of(b"part"))
        assert (await bench.seen(key)).content == b"part"
        await store.put(key, METADATA, BytesBody.of(b"put"))
        assert (await bench.seen(key)).content == b"put"


async def test_impossible_key_cannot_begin(store: ObjectStore) -> None:
    """A key that the store can never hold fails for good, and at once."""
    for key in ("k" * 1025, "streams/../up.mp4", "not\udcffunicode"):
        with pytest.raises(StreamInitializationError) as caught:
            await store.create_upload(key, METADATA)
        assert not caught.value.transient


async def test_original_name_survives_as_any_bytes(bench: Bench, store: ObjectStore) -> None:
    """A name that is not text is kept in the user metadata, percent-encoded."""
    kept = user_metadata("stream-2", "/rec/\udcff\n ü.mp4")
    await store.put(KEY, kept, BytesBody.of(b"x"))
    assert (await bench.seen(KEY)).user_metadata == {
        STREAM_ID: "stream-2",
        ORIGINAL_NAME: "%FF%0A%20%C3%BC.mp4",
    }
