"""The S3 adapter against peers that fail: what it makes of each failure."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace

import pytest
from aiohttp import web

from cefmp4.adapters.s3 import S3Store, StoreSettings
from cefmp4.errors import (
    CefMP4Error,
    ChunkProcessingError,
    ContentRefused,
    PartsRefused,
    S3OperationError,
    StreamInitializationError,
    UploadGone,
)
from contract.bodies import BytesBody, part_of
from contract.peers import (
    HEAD,
    MIB,
    SECRET,
    etag_of,
    failure,
    part,
    serving_bytes,
    store_at,
    store_told,
    xml,
)

Call = Callable[[S3Store], Awaitable[object]]
CALLS: dict[str, Call] = {
    "create": lambda store: store.create_upload("key", {}),
    "find": lambda store: store.find_uploads("key"),
    "part": part,
    "list": lambda store: store.list_parts("key", "id"),
    "complete": lambda store: store.complete("key", "id", [part_of(1, b"part")], 0),
    "abort": lambda store: store.abort("key", "id"),
    "head": lambda store: store.head("key"),
    "put": lambda store: store.put("key", {}, BytesBody.of(b"whole")),
    "put_document": lambda store: store.put_document("key", b"{}", "text/plain"),
}


@dataclass(frozen=True, slots=True)
class Case:
    """What a store answers to an operation, and what must be made of it."""

    call: str
    status: int
    code: str
    raised: type[CefMP4Error] = S3OperationError
    transient: bool = True


CASES = [
    *(Case(call, 500, "InternalError") for call in CALLS),
    *(Case(call, 503, "SlowDown") for call in CALLS),
    *(Case(call, 403, "AccessDenied") for call in CALLS),
    *(Case(call, 404, "NoSuchBucket") for call in CALLS if call != "head"),
    Case("part", 403, "InvalidAccessKeyId"),
    Case("part", 403, "SignatureDoesNotMatch"),
    Case("part", 400, "ExpiredToken"),
    Case("part", 403, "RequestTimeTooSkewed"),
    Case("part", 429, "TooManyRequests"),
    Case("part", 400, "RequestTimeout"),
    Case("part", 418, "NeverHeardOf"),
    Case("part", 400, "EntityTooLarge", transient=False),
    Case("put", 400, "MetadataTooLarge", transient=False),
    *(Case(call, 404, "NoSuchUpload", UploadGone) for call in ("part", "list", "complete")),
    *(Case(call, 400, "BadDigest", ContentRefused) for call in ("part", "put", "put_document")),
    Case("part", 400, "InvalidDigest", ContentRefused),
    Case("part", 400, "XAmzContentChecksumMismatch", ContentRefused),
    *(
        Case("complete", 400, code, PartsRefused)
        for code in (
            "InvalidPart",
            "InvalidPartOrder",
            "EntityTooSmall",
            "MalformedXML",
            "InvalidRequest",
            "BadDigest",
        )
    ),
    Case("complete", 200, "InternalError"),
    Case("complete", 200, "InvalidPart"),
    Case("complete", 200, "NoSuchUpload"),
    *(
        Case(call, 400, code, StreamInitializationError, transient=False)
        for code in ("KeyTooLongError", "XMinioInvalidObjectName", "InvalidObjectName")
        for call in ("create", "put")
    ),
]


async def test_each_error_of_a_store_has_its_meaning() -> None:
    """Waiting helps but where one object is wrong; refusals have classes of their own."""
    case = CASES[0]

    async def answer(request: web.Request) -> web.StreamResponse:
        await request.read()
        return failure(case.status, case.code)

    async with store_told(answer) as store:
        for case in CASES:
            with pytest.raises(CefMP4Error) as caught:
                await CALLS[case.call](store)
            assert (type(caught.value), caught.value.transient) == (
                case.raised,
                case.transient,
            ), case
            assert SECRET not in f"{caught.value!r} {caught.value.hint}"


async def test_what_a_person_can_mend_comes_with_a_hint() -> None:
    """Credentials, clock, bucket: each error says what to do about it."""
    codes = iter(["AccessDenied", "InvalidAccessKeyId", "ExpiredToken", "RequestTimeTooSkewed"])

    async def answer(_: web.Request) -> web.StreamResponse:
        return failure(403, next(codes))

    async with store_told(answer) as store:
        for _ in range(4):
            with pytest.raises(S3OperationError) as caught:
                await part(store)
            assert caught.value.hint


async def test_the_wait_a_store_asks_for_is_told() -> None:
    """Retry-After of a busy store comes out as seconds."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return failure(503, "SlowDown", {"Retry-After": "7"})

    async with store_told(answer) as store:
        with pytest.raises(S3OperationError) as caught:
            await part(store)
    assert caught.value.retry_after_seconds == 7.0


@pytest.mark.parametrize("text", ["", f"{HEAD}<CompleteMultipartUploadRes"])
async def test_empty_or_torn_answer_is_no_success(text: str) -> None:
    """A 200 without what was asked for is an outage, whatever was asked."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return xml(text)

    async with store_told(answer) as store:
        for name in ("create", "find", "part", "list", "complete", "put"):
            with pytest.raises(S3OperationError) as caught:
                await CALLS[name](store)
            assert caught.value.transient, name


async def test_aborting_what_is_not_there_is_no_error() -> None:
    """NoSuchUpload is just what Abort wants."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return failure(404, "NoSuchUpload")

    async with store_told(answer) as store:
        await store.abort("key", "id")


async def test_etag_that_is_not_the_md5_sent_is_a_refusal() -> None:
    """Where ETags are MD5s, the store's own answer is held against what was sent."""

    async def answer(request: web.Request) -> web.StreamResponse:
        await request.read()
        return web.Response(headers={"ETag": f'"{etag_of(b"other bytes")}"'})

    async with store_told(answer) as store:
        with pytest.raises(ContentRefused):
            await part(store)


async def test_answer_before_all_was_sent_proves_nothing() -> None:
    """A 200 to a part that was not read to its end is a failure."""
    content = bytes(64 * MIB)

    async def early(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        tag = etag_of(content)
        writer.write(f'HTTP/1.1 200 OK\r\nETag: "{tag}"\r\nContent-Length: 0\r\n\r\n'.encode())
        await writer.drain()

    async with serving_bytes(early) as url, store_at(url) as store:
        with pytest.raises(S3OperationError) as caught:
            await store.upload_part("key", "id", 1, BytesBody.of(content))
    assert caught.value.transient


async def test_part_is_sent_as_it_should_be() -> None:
    """One request, unsigned payload, its checksum, its length; nothing that misleads."""
    seen: list[web.Request] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        seen.append(request)
        return web.Response(headers={"ETag": f'"{etag_of(await request.read())}"'})

    async with store_told(answer) as store:
        await part(store)
    (request,) = seen
    assert request.headers["X-Amz-Content-SHA256"] == "UNSIGNED-PAYLOAD"
    assert request.headers["Content-Length"] == "4"
    assert len(request.headers["x-amz-checksum-crc64nvme"]) == 12
    for unwanted in ("Expect", "Content-Type", "Content-Disposition", "Transfer-Encoding"):
        assert unwanted not in request.headers


@dataclass(slots=True)
class FailingBody(BytesBody):
    """A recording that shrinks while it is read."""

    async def blocks(self) -> AsyncIterator[bytes]:
        yield self.content
        raise ChunkProcessingError("the file ended before the part did")


async def test_failure_to_read_comes_out_as_itself() -> None:
    """What the disk says while a part is being sent is what the caller gets."""

    async def answer(request: web.Request) -> web.StreamResponse:
        await request.read()
        return web.Response(headers={"ETag": '"x"'})

    body = FailingBody(bytes(MIB), 2 * MIB, 0, None, None)
    async with store_told(answer) as store:
        for send in (store.upload_part("key", "id", 1, body), store.put("key", {}, body)):
            with pytest.raises(ChunkProcessingError, match="ended before"):
                await send


def test_secrets_do_not_show() -> None:
    """Neither secret key nor token is in the repr of the settings."""
    settings = StoreSettings("bucket", None, None, "key-id", SECRET, session_token=SECRET)
    assert SECRET not in repr(settings)
    assert SECRET not in repr(replace(settings, bucket="other"))
