"""The `ObjectStore` port on S3, for AWS and for the many that are almost like it.

Every answer is read with suspicion: a 200 without what was asked for is a failure, a
listing may page in ways of its own, and a part counts only when all its bytes were sent.
"""

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from cefmp4.adapters.s3 import errors
from cefmp4.adapters.s3.body import UNSIGNED_PAYLOAD, StreamedBody, content_sha256
from cefmp4.adapters.s3.capabilities import (
    Capabilities,
    Checksum,
    InMemoryBody,
    crc64nvme_from_wire,
    crc64nvme_to_wire,
    probe,
)
from cefmp4.adapters.s3.client import open_client
from cefmp4.adapters.s3.errors import empty_answer, translated
from cefmp4.adapters.s3.listing import objects_below, parts_of, uploads_below
from cefmp4.adapters.s3.sending import PIECE_BYTES, Terms
from cefmp4.adapters.s3.settings import StoreSettings
from cefmp4.core.model import Part, StoredObject
from cefmp4.core.objects import STREAM_ID, is_md5
from cefmp4.errors import ContentRefused, S3OperationError, UploadGone
from cefmp4.pace import Pace
from cefmp4.ports import Body, Digests, ListedObject, ListedPart, Upload

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client
    from types_aiobotocore_s3.type_defs import CompletedPartTypeDef

PAGE_ROWS = 250
"""Of a listing, asked for at once. Stores give 1,000, but the SDK takes more than 50 ms to read
so many, and nothing else runs meanwhile."""

_NOT_THERE = frozenset({"404", "NoSuchKey", "NotFound"})


@asynccontextmanager
async def open_store(
    settings: StoreSettings, probe_key: str, pace: Pace | None = None
) -> AsyncIterator["S3Store"]:
    """The store, reached, with its bucket, and asked what it can do.

    `probe_key` is for trials only: nothing is ever stored under it. What is sent keeps to
    the `pace`. Raises what kept it from opening; whoever calls tries again while that is
    transient.
    """
    async with AsyncExitStack() as opened:
        with translated(errors.OPEN):
            client = await opened.enter_async_context(open_client(settings))
        await ensure_bucket(client, settings)
        found = await probe(lambda trial: S3Store(client, settings, trial), probe_key)
        store = S3Store(client, settings, found, pace=pace)
        opened.callback(store.close)
        yield store


@asynccontextmanager
async def view_store(settings: StoreSettings) -> AsyncIterator["S3Store"]:
    """The store as it is, to look at: nothing is tried, and no bucket made."""
    untried = Capabilities(Checksum.NONE, unsigned_payload=False, etag_is_md5=False)
    async with AsyncExitStack() as opened:
        with translated(errors.OPEN):
            client = await opened.enter_async_context(open_client(settings))
        yield S3Store(client, settings, untried)


class S3Store:
    """One bucket, with what it was seen to be able to do."""

    def __init__(
        self,
        client: "S3Client",
        settings: StoreSettings,
        capabilities: Capabilities,
        *,
        page_rows: int = PAGE_ROWS,
        pace: Pace | None = None,
    ) -> None:
        self._client = client
        self._settings = settings
        self._page_rows = page_rows
        self._terms = Terms(
            settings.stall_seconds,
            pace or Pace(time.monotonic),
            ThreadPoolExecutor(settings.max_connections, thread_name_prefix="send"),
        )
        self.capabilities = capabilities

    def close(self) -> None:
        """Send no more; what is being sent ends with its request."""
        self._terms.threads.shutdown(wait=False, cancel_futures=True)

    @property
    def digests(self) -> Digests:
        return self.capabilities.digests

    async def create_upload(self, key: str, user_metadata: Mapping[str, str]) -> str:
        with translated(errors.CREATE_UPLOAD):
            answer = await self._client.create_multipart_upload(
                Bucket=self._settings.bucket,
                Key=key,
                **_recording(self._settings, user_metadata),
                **self.capabilities.declaration,
            )
        upload_id = answer.get("UploadId")
        if not upload_id:
            raise empty_answer(errors.CREATE_UPLOAD)
        return upload_id

    async def find_uploads(self, key: str) -> list[Upload]:
        return [upload for upload in await self.list_uploads(key) if upload.key == key]

    async def list_uploads(self, prefix: str) -> list[Upload]:
        bucket = self._settings.bucket
        return await uploads_below(self._client, bucket, prefix, self._page_rows)

    def list_objects(self, prefix: str) -> AsyncIterator[ListedObject]:
        return objects_below(self._client, self._settings.bucket, prefix, self._page_rows)

    async def upload_part(self, key: str, upload_id: str, number: int, body: Body) -> str:
        payload = await self._payload(body)
        with translated(errors.UPLOAD_PART), payload.failures_first():
            answer = await self._client.upload_part(
                Bucket=self._settings.bucket,
                Key=key,
                UploadId=upload_id,
                PartNumber=number,
                **self._sending(payload, body),
            )
        return self._accepted(errors.UPLOAD_PART, answer, payload, body)

    async def list_parts(self, key: str, upload_id: str) -> list[ListedPart]:
        bucket = self._settings.bucket
        return await parts_of(self._client, bucket, key, upload_id, self._page_rows)

    async def complete(
        self, key: str, upload_id: str, parts: Sequence[Part], crc64nvme: int
    ) -> None:
        listed: list[CompletedPartTypeDef] = [
            {"PartNumber": part.number, "ETag": f'"{part.etag}"'} for part in parts
        ]
        whole: dict[str, Any] = {}
        if self.capabilities.checksum is Checksum.CRC64NVME:
            whole["ChecksumCRC64NVME"] = crc64nvme_to_wire(crc64nvme)
            whole["ChecksumType"] = "FULL_OBJECT"
            whole["MpuObjectSize"] = sum(part.size_bytes for part in parts)
        with translated(errors.COMPLETE):
            answer = await self._client.complete_multipart_upload(
                Bucket=self._settings.bucket,
                Key=key,
                UploadId=upload_id,
                MultipartUpload={"Parts": listed},
                **whole,
            )
        if not answer.get("ETag"):
            raise empty_answer(errors.COMPLETE)

    async def abort(self, key: str, upload_id: str) -> None:
        try:
            with translated("AbortMultipartUpload"):
                await self._client.abort_multipart_upload(
                    Bucket=self._settings.bucket, Key=key, UploadId=upload_id
                )
        except UploadGone:
            return

    async def head(self, key: str) -> StoredObject | None:
        try:
            with translated("HeadObject"):
                answer = await self._client.head_object(
                    Bucket=self._settings.bucket, Key=key, ChecksumMode="ENABLED"
                )
        except S3OperationError as error:
            if error.code in _NOT_THERE:
                return None
            raise
        if not {"ContentLength", "ETag"} <= answer.keys():
            raise empty_answer("HeadObject")  # it would read as an object of another size
        return StoredObject(
            size_bytes=answer["ContentLength"],
            etag=answer["ETag"].strip('"'),
            stream_id=answer.get("Metadata", {}).get(STREAM_ID),
            crc64nvme=crc64nvme_from_wire(answer.get("ChecksumCRC64NVME")),
        )

    async def read(self, key: str) -> AsyncIterator[bytes]:
        with translated("GetObject"):
            answer = await self._client.get_object(Bucket=self._settings.bucket, Key=key)
            async with answer["Body"] as body:
                async for piece in body.iter_chunks(PIECE_BYTES):
                    yield piece

    async def put(self, key: str, user_metadata: Mapping[str, str], body: Body) -> None:
        await self._put(key, body, _recording(self._settings, user_metadata))

    async def put_document(self, key: str, document: bytes, content_type: str) -> None:
        kept = {"ContentType": content_type, **_everywhere(self._settings)}
        await self._put(key, InMemoryBody.of(document), kept)

    async def _put(self, key: str, body: Body, kept: Mapping[str, Any]) -> None:
        payload = await self._payload(body)
        with translated(errors.PUT), payload.failures_first():
            answer = await self._client.put_object(
                Bucket=self._settings.bucket,
                Key=key,
                **kept,
                **self._sending(payload, body),
            )
        self._accepted(errors.PUT, answer, payload, body)

    async def _payload(self, body: Body) -> StreamedBody:
        unsigned = self.capabilities.unsigned_payload
        signed_as = UNSIGNED_PAYLOAD if unsigned else await content_sha256(body)
        return StreamedBody(body, signed_as, self._terms)

    def _sending(self, payload: StreamedBody, body: Body) -> dict[str, Any]:
        checksum = self.capabilities.checksum_of(body)
        return {"Body": payload, "ContentLength": body.size_bytes, **checksum}

    def _accepted(
        self, operation: str, answer: Mapping[str, Any], payload: StreamedBody, body: Body
    ) -> str:
        """The ETag the store answered, when the answer can be believed."""
        etag = str(answer.get("ETag", "")).strip('"')
        if not etag:
            raise empty_answer(operation)
        if not payload.sent_whole:
            message = "200 before all bytes were sent"
            raise S3OperationError(operation, "EarlyAnswer", message, unclear=True)
        expected = body.md5.hex() if body.md5 and self.capabilities.etag_is_md5 else etag
        if is_md5(etag) and etag != expected:
            raise ContentRefused(operation, "ETagMismatch", "the ETag is not the MD5 sent")
        return etag


async def ensure_bucket(client: "S3Client", settings: StoreSettings) -> None:
    """Find the bucket, or create it where that is wanted."""
    if await _bucket_stands(client, settings.bucket):
        return
    if not settings.create_bucket:
        hint = "create it, or set S3_BUCKET_NAME to one that is there"
        raise S3OperationError("HeadBucket", "NoSuchBucket", settings.bucket, hint=hint)
    place: dict[str, Any] = {}
    if settings.region not in (None, "us-east-1"):
        place["CreateBucketConfiguration"] = {"LocationConstraint": settings.region}
    try:
        with translated("CreateBucket"):
            await client.create_bucket(Bucket=settings.bucket, **place)
    except S3OperationError as error:
        # Somebody, perhaps our own twin on another machine, was faster.
        if error.code not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
            raise
        if not await _bucket_stands(client, settings.bucket):
            raise


async def _bucket_stands(client: "S3Client", bucket: str) -> bool:
    try:
        with translated("HeadBucket"):
            await client.head_bucket(Bucket=bucket)
    except S3OperationError as error:
        if error.code in (*_NOT_THERE, "NoSuchBucket"):
            return False
        # Narrow permissions may forbid this very question; the trials will tell.
        if not errors.is_denial(error):
            raise
    return True


def _recording(settings: StoreSettings, user_metadata: Mapping[str, str]) -> dict[str, Any]:
    """How a recording is kept; what stands beside it stays in the standard storage class."""
    kept: dict[str, Any] = {"ContentType": "video/mp4", "Metadata": dict(user_metadata)}
    if settings.storage_class:
        kept["StorageClass"] = settings.storage_class
    return kept | _everywhere(settings)


def _everywhere(settings: StoreSettings) -> dict[str, str]:
    """What all our objects have: encryption and tags."""
    kept: dict[str, str] = {}
    if settings.sse:
        kept["ServerSideEncryption"] = settings.sse
    if settings.sse_kms_key_id:
        kept["SSEKMSKeyId"] = settings.sse_kms_key_id
    if settings.tags:
        kept["Tagging"] = urlencode(settings.tags)
    return kept
