"""Opening a store: its bucket, what it can do, and what a part costs on the way there."""

import asyncio
import secrets
import tracemalloc
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest
from awscrt import checksums

from cefmp4.adapters.s3 import Checksum, S3Store, StoreSettings, open_store
from cefmp4.core.model import Part
from cefmp4.errors import ContentRefused, S3OperationError
from cefmp4.ports import Digests
from contract.bodies import BytesBody, damaged
from contract.peers import PickyStore, answering
from servers import S3Server, make_bucket, s3_client

PROBE_KEY = "cefmp4-probe"
MIB = 1024**2


@pytest.fixture
async def settings(s3_server: S3Server) -> StoreSettings:
    server, bucket = s3_server, await make_bucket(s3_server)
    return StoreSettings(
        bucket, server.endpoint_url, None, server.access_key_id, server.secret_access_key
    )


async def test_real_store_is_seen_to_check_crc64nvme(settings: StoreSettings) -> None:
    """The trials find the best checksum, and leave neither upload nor object."""
    async with open_store(settings, PROBE_KEY) as store:
        assert store.capabilities.checksum is Checksum.CRC64NVME
        assert store.capabilities.unsigned_payload
        assert store.capabilities.etag_is_md5
        assert store.digests == Digests()
        assert await store.find_uploads(PROBE_KEY) == []
        assert await store.head(PROBE_KEY) is None


async def test_left_over_trials_are_swept_away(settings: StoreSettings) -> None:
    """What a process that was killed during its trials has left is aborted by the next."""
    async with open_store(settings, PROBE_KEY) as store:
        await store.create_upload(PROBE_KEY, {})
    async with open_store(settings, PROBE_KEY) as store:
        assert await store.find_uploads(PROBE_KEY) == []


ALL = frozenset({"x-amz-checksum-crc64nvme", "x-amz-checksum-crc32c", "content-md5"})
KINDS = [
    (PickyStore(ALL), Checksum.CRC64NVME, Digests()),
    (PickyStore(ALL, refuses_declared_checksums=True), Checksum.CRC32C, Digests(crc32c=True)),
    (PickyStore(frozenset({"content-md5"})), Checksum.MD5, Digests(md5=True)),
    (PickyStore(), Checksum.NONE, Digests(md5=True)),
    (PickyStore(opaque_etags=True), Checksum.NONE, Digests()),
]


@pytest.mark.parametrize("unsigned", [True, False])
async def test_each_kind_of_store_is_told_apart(unsigned: bool) -> None:
    """A checksum counts only where a wrong one is refused; payloads are signed if need be."""
    for kind, checksum, digests in KINDS:
        peer = replace(kind, refuses_unsigned_payload=not unsigned, uploads=set())
        async with answering(peer.answer) as url:
            settings = StoreSettings("bucket", url, None, "key-id", "secret")
            async with open_store(settings, PROBE_KEY) as store:
                assert store.capabilities.checksum is checksum
                assert store.capabilities.unsigned_payload is unsigned
                assert store.digests == digests
                await refuses_damage(store, checksum)
        assert (peer.uploads, peer.completed) == (set(), 0)


async def refuses_damage(store: S3Store, checksum: Checksum) -> None:
    """With what was found, parts go through, and damaged ones do not."""
    upload_id = await store.create_upload("key", {})
    assert await store.upload_part("key", upload_id, 1, BytesBody.of(b"good"))
    if checksum is not Checksum.NONE or store.capabilities.etag_is_md5:
        with pytest.raises(ContentRefused):
            await store.upload_part("key", upload_id, 1, damaged(b"evil"))
    await store.abort("key", upload_id)


async def test_wrong_credentials_are_no_finding(settings: StoreSettings) -> None:
    """Nothing is concluded from a refused signature: opening fails, with a hint."""
    wrong = replace(settings, secret_access_key="not the secret")
    with pytest.raises(S3OperationError) as caught:
        async with open_store(wrong, PROBE_KEY):
            pass
    assert caught.value.transient
    assert "S3_SECRET_ACCESS_KEY" in caught.value.hint
    assert "not the secret" not in f"{caught.value!r}"


async def test_missing_bucket_is_created_only_when_wanted(settings: StoreSettings) -> None:
    """Without the bucket opening waits for a person; two who may create it get along."""
    new = replace(settings, bucket=f"new-{secrets.token_hex(6)}")
    with pytest.raises(S3OperationError, match="NoSuchBucket") as caught:
        await opened(new)
    assert caught.value.transient
    creating = replace(new, create_bucket=True, region="eu-central-1")
    await asyncio.gather(opened(creating, "probe-1"), opened(creating, "probe-2"))
    await opened(new)


async def test_address_that_is_none_fails_for_good() -> None:
    """An endpoint without http:// is a mistake in the settings."""
    with pytest.raises(S3OperationError) as caught:
        await opened(StoreSettings("bucket", "localhost:9000", None, "key-id", "secret"))
    assert not caught.value.transient
    assert "S3_ENDPOINT_URL" in caught.value.hint


async def opened(settings: StoreSettings, probe_key: str = PROBE_KEY) -> None:
    async with open_store(settings, probe_key):
        pass


@dataclass(slots=True)
class EndlessBody:
    """Many blocks, no two of them alike, none of them kept."""

    size_bytes: int
    crc64nvme: int
    crc32c: int | None = None
    md5: bytes | None = None
    file: None = None

    @classmethod
    def of(cls, mebibytes: int) -> "EndlessBody":
        crc = 0
        for number in range(mebibytes):
            crc = checksums.crc64nvme(_block(number), crc)
        return cls(mebibytes * MIB, crc)

    async def blocks(self) -> AsyncIterator[bytes]:
        for number in range(self.size_bytes // MIB):
            yield _block(number)


def _block(number: int) -> bytes:
    return number.to_bytes(8, "big") * (MIB // 8)


async def test_large_part_costs_little_memory(
    settings: StoreSettings, s3_server: S3Server
) -> None:
    """64 MiB go through a few MiB of memory, and arrive byte for byte."""
    body = EndlessBody.of(64)
    async with open_store(settings, PROBE_KEY) as store:
        upload_id = await store.create_upload("large", {})
        tracemalloc.start()
        try:
            etag = await store.upload_part("large", upload_id, 1, body)
            _, peak_bytes = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak_bytes < 6 * MIB
        part = Part(1, body.size_bytes, etag, body.crc64nvme, 0.0)
        await store.complete("large", upload_id, [part], body.crc64nvme)
    assert await _read_back(s3_server, settings.bucket, "large") == body.crc64nvme


async def _read_back(server: S3Server, bucket: str, key: str) -> int:
    crc = 0
    async with s3_client(server) as client:
        answer = await client.get_object(Bucket=bucket, Key=key)
        async for piece in answer["Body"].iter_chunks(MIB):
            crc = checksums.crc64nvme(piece, crc)
    return crc
