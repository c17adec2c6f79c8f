"""What every `ObjectStore` lists and gives back: the strict twin, and SeaweedFS."""

import os
import secrets
from collections.abc import AsyncIterator

import pytest

from cefmp4.adapters.memory.store import MemoryStore
from cefmp4.adapters.s3 import Capabilities, Checksum, S3Store, StoreSettings
from cefmp4.adapters.s3.client import open_client
from cefmp4.errors import S3OperationError
from cefmp4.ports import ListedObject, ObjectStore
from contract.bodies import BytesBody
from servers import S3Server


@pytest.fixture(params=["twin", "seaweedfs"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[ObjectStore]:
    """An empty store; lists come in pages of three rows."""
    if request.param == "twin":
        yield MemoryStore()
        return
    server: S3Server = request.getfixturevalue("s3_server")
    settings = StoreSettings(
        f"listing-{secrets.token_hex(6)}",
        server.endpoint_url,
        None,
        server.access_key_id,
        server.secret_access_key,
    )
    able = Capabilities(Checksum.CRC64NVME, unsigned_payload=True, etag_is_md5=True)
    async with open_client(settings) as client:
        await client.create_bucket(Bucket=settings.bucket)
        yield S3Store(client, settings, able, page_rows=3)


async def test_every_upload_below_a_prefix_is_listed_once(store: ObjectStore) -> None:
    """Uploads under many keys, several under one, over several pages; others are left out."""
    keys = [f"streams/{number}/a.mp4" for number in range(7)] + ["streams/3/a.mp4"] * 3
    begun = {(await store.create_upload(key, {}), key) for key in keys}
    await store.create_upload("elsewhere/a.mp4", {})
    listed = await store.list_uploads("streams/")
    assert {(upload.upload_id, upload.key) for upload in listed} == begun
    assert len(listed) == len(begun)
    assert len(await store.find_uploads("streams/3/a.mp4")) == 4


async def test_every_object_below_a_prefix_is_listed_once(store: ObjectStore) -> None:
    """Objects over several pages, with their sizes, in the order of keys."""
    keys = [f"streams/{number}/a.mp4" for number in range(8)]
    for size, key in enumerate(keys):
        await store.put(key, {}, BytesBody.of(bytes(size)))
    await store.put("streaming.mp4", {}, BytesBody.of(b"other"))
    listed = [found async for found in store.list_objects("streams/")]
    assert listed == [ListedObject(key, size) for size, key in enumerate(keys)]


async def test_nothing_below_a_prefix_is_an_empty_list(store: ObjectStore) -> None:
    """A prefix nobody used."""
    assert await store.list_uploads("streams/") == []
    assert [found async for found in store.list_objects("streams/")] == []


async def test_an_object_is_read_back_whole(store: ObjectStore) -> None:
    """Its bytes, in order, also when they come in many pieces."""
    content = os.urandom(3 * 1024**2 + 7)
    await store.put("streams/a.mp4", {}, BytesBody.of(content))
    assert b"".join([piece async for piece in store.read("streams/a.mp4")]) == content


async def test_reading_what_is_not_there_fails(store: ObjectStore) -> None:
    """It is told as what the store calls it."""
    with pytest.raises(S3OperationError, match="NoSuchKey"):
        async for _ in store.read("streams/none.mp4"):
            pass
