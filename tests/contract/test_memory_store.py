"""What the twin can do beyond the port: break, and be as strict as the strictest store."""

import asyncio

import pytest

from cefmp4.adapters.memory.store import MemoryStore, Seam
from cefmp4.errors import (
    ContentRefused,
    PartsRefused,
    S3OperationError,
    StreamInitializationError,
    UploadGone,
)
from contract.bodies import BytesBody, crc64nvme_of, damaged, part_of

KEY = "cam.mp4"


async def send(store: MemoryStore, upload_id: str, number: int, content: bytes) -> str:
    return await store.upload_part(KEY, upload_id, number, BytesBody.of(content))


def fail_at(operation: str) -> Seam:
    """A seam that raises whenever it is called for this operation."""

    def seam(reached: str) -> None:
        if reached == operation:
            raise S3OperationError(operation, "Outage", "on purpose")

    return seam


async def test_seams_stand_on_both_sides_of_the_effect() -> None:
    """A failure before leaves things as they were; one after comes too late to undo them."""
    store = MemoryStore(before=fail_at("put"))
    with pytest.raises(S3OperationError):
        await store.put(KEY, {}, BytesBody.of(b"x"))
    assert not store.objects
    store.before, store.after = None, fail_at("put")
    with pytest.raises(S3OperationError):
        await store.put(KEY, {}, BytesBody.of(b"x"))
    assert store.objects[KEY].content == b"x"


async def test_every_operation_passes_both_seams() -> None:
    """Each method is announced by its own name, before and after."""
    before: list[str] = []
    after: list[str] = []
    store = MemoryStore(before=before.append, after=after.append)
    upload_id = await store.create_upload(KEY, {})
    await send(store, upload_id, 1, b"x")
    await store.find_uploads(KEY)
    await store.list_parts(KEY, upload_id)
    await store.complete(KEY, upload_id, [part_of(1, b"x")], crc64nvme_of(b"x"))
    await store.abort(KEY, upload_id)
    await store.head(KEY)
    await store.put(KEY, {}, BytesBody.of(b"x"))
    await store.put_document(f"{KEY}.json", b"{}", "application/json")
    assert before == after
    assert " ".join(before) == (
        "create_upload upload_part find_uploads list_parts complete abort head put put_document"
    )


async def test_failed_resend_can_lose_the_old_part() -> None:
    """As on Cloudflare R2, when asked for; the usual is that the old part stays."""
    for forgetful in (False, True):
        store = MemoryStore(failed_resend_loses_part=forgetful)
        upload_id = await store.create_upload(KEY, {})
        await send(store, upload_id, 1, b"old")
        with pytest.raises(ContentRefused):
            await store.upload_part(KEY, upload_id, 1, damaged(b"new"))
        assert len(await store.list_parts(KEY, upload_id)) == (0 if forgetful else 1)


async def test_every_version_of_a_part_can_be_listed() -> None:
    """As on SeaweedFS, in no order of age, when asked for; the last one counts."""
    store = MemoryStore(lists_every_version=True)
    upload_id = await store.create_upload(KEY, {})
    etags = {await send(store, upload_id, 1, content) for content in (b"a", b"b", b"c")}
    rows = await store.list_parts(KEY, upload_id)
    assert [row.etag for row in rows] == sorted(etags)
    await store.complete(KEY, upload_id, [part_of(1, b"c")], crc64nvme_of(b"c"))


async def test_lost_part_can_deny_the_upload() -> None:
    """As on MinIO, when asked for: NoSuchUpload at Complete, and yet it stands."""
    store = MemoryStore(lost_part_denies_upload=True)
    upload_id = await store.create_upload(KEY, {})
    with pytest.raises(UploadGone):
        await store.complete(KEY, upload_id, [part_of(1, b"x")], crc64nvme_of(b"x"))
    assert upload_id in store.uploads


async def test_part_in_flight_revives_an_aborted_upload() -> None:
    """It is not listed any more, as on MinIO, but it is there until it is aborted again."""
    store = MemoryStore()
    upload_id = await store.create_upload(KEY, {})
    await asyncio.gather(store.abort(KEY, upload_id), send(store, upload_id, 1, b"late"))
    assert upload_id in store.uploads
    assert await store.find_uploads(KEY) == []
    assert len(await store.list_parts(KEY, upload_id)) == 1
    await store.abort(KEY, upload_id)
    assert not store.uploads


async def test_complete_works_once() -> None:
    """The second Complete finds no upload, and a wrong ETag is a wrong part."""
    store = MemoryStore()
    upload_id = await store.create_upload(KEY, {})
    await send(store, upload_id, 1, b"x")
    with pytest.raises(PartsRefused):
        await store.complete(KEY, upload_id, [part_of(1, b"y")], crc64nvme_of(b"y"))
    for _ in range(2):
        completing = store.complete(KEY, upload_id, [part_of(1, b"x")], crc64nvme_of(b"x"))
        if KEY not in store.objects:
            await completing
            continue
        with pytest.raises(UploadGone):
            await completing


@pytest.mark.parametrize(
    ("lengths", "refused"), [((2, 2, 1), False), ((2, 1, 2), True), ((1, 1, 2), True)]
)
async def test_parts_must_be_equal_where_it_is_asked_for(
    lengths: tuple[int, ...], refused: bool
) -> None:
    """All parts but the last one have the same length, as on Cloudflare R2."""
    store = MemoryStore(uniform_parts=True)
    upload_id = await store.create_upload(KEY, {})
    sent = [bytes(length) for length in lengths]
    for number, content in enumerate(sent, start=1):
        await send(store, upload_id, number, content)
    parts = [part_of(number, content) for number, content in enumerate(sent, start=1)]
    completing = store.complete(KEY, upload_id, parts, crc64nvme_of(b"".join(sent)))
    if not refused:
        await completing
        return
    with pytest.raises(PartsRefused):
        await completing


async def test_parts_must_be_in_order() -> None:
    """A list of parts that does not ascend is refused."""
    store = MemoryStore()
    upload_id = await store.create_upload(KEY, {})
    for number in (1, 2):
        await send(store, upload_id, number, b"x")
    parts = [part_of(2, b"x"), part_of(1, b"x")]
    with pytest.raises(PartsRefused):
        await store.complete(KEY, upload_id, parts, crc64nvme_of(b"xx"))


async def test_keys_that_any_store_rewrites_are_refused() -> None:
    """Backslash, leading slash, control characters, segments of over 255 bytes."""
    store = MemoryStore()
    for key in ("a\\b", "/a", "a\nb", "ü" * 128, "a//b", "a/./b"):
        with pytest.raises(StreamInitializationError):
            await store.put(key, {}, BytesBody.of(b"x"))
