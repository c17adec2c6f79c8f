"""What `cefmp4 doctor` tells of a store: real, crippled one permission at a time, or away."""

import secrets
import time
from dataclasses import replace
from email.utils import formatdate

import pytest
from aiohttp import web

from cefmp4.adapters.s3 import StoreSettings
from cefmp4.doctor.report import Health, Row
from cefmp4.doctor.store import examine_store
from contract.gate import Refuses, gate_before
from contract.peers import PickyStore, answering
from servers import S3Server, make_bucket, s3_client

KEY = "doctor/trial.mp4"


@pytest.fixture
async def settings(s3_server: S3Server) -> StoreSettings:
    return StoreSettings(
        await make_bucket(s3_server),
        s3_server.endpoint_url,
        None,
        s3_server.access_key_id,
        s3_server.secret_access_key,
    )


async def examined(settings: StoreSettings) -> dict[str, Row]:
    rows = {row.what: row for row in await examine_store(settings, KEY)}
    for row in rows.values():
        assert (row.health is Health.FAILED) <= bool(row.mend), f"{row}: how is it mended?"
        assert str(settings.secret_access_key) not in row.found + row.mend
    return rows


def wrong(rows: dict[str, Row]) -> list[str]:
    well = (Health.OK, Health.NOT_ASKED)
    return [what for what, row in rows.items() if row.health not in well]


def not_asked(rows: dict[str, Row]) -> list[str]:
    return [what for what, row in rows.items() if row.health is Health.NOT_ASKED]


async def left_in(server: S3Server, bucket: str) -> tuple[int, int]:
    """Uploads and objects."""
    async with s3_client(server) as client:
        uploads = await client.list_multipart_uploads(Bucket=bucket)
        objects = await client.list_objects_v2(Bucket=bucket)
    return len(uploads.get("Uploads", [])), len(objects.get("Contents", []))


async def test_a_sound_store_is_found_sound(
    settings: StoreSettings, s3_server: S3Server
) -> None:
    """Every permission, the checksum it verifies, the clock; and nothing is left behind."""
    rows = await examined(settings)
    assert wrong(rows) == []
    assert "crc64nvme" in rows["checksum of parts"].found
    assert sum(what.startswith("permission") for what in rows) == 6
    assert {"bucket", "clock", "payload", "ETag of a part"} <= rows.keys()
    assert await left_in(s3_server, settings.bucket) == (0, 0)


OPERATIONS: dict[str, tuple[str, Refuses]] = {
    "ListMultipartUploads": (
        "s3:ListBucketMultipartUploads",
        lambda call: call.method == "GET" and "uploads" in call.query,
    ),
    "CreateMultipartUpload": (
        "s3:PutObject",
        lambda call: call.method == "POST" and "uploads" in call.query,
    ),
    "UploadPart": ("s3:PutObject", lambda call: call.method == "PUT"),
    "ListParts": (
        "s3:ListMultipartUploadParts",
        lambda call: call.method == "GET" and "uploadId" in call.query,
    ),
    "HeadObject": (
        "s3:ListBucket",
        lambda call: call.method == "HEAD" and call.path.count("/") > 1,
    ),
    "AbortMultipartUpload": ("s3:AbortMultipartUpload", lambda call: call.method == "DELETE"),
}


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_a_permission_that_is_missing_is_named(
    settings: StoreSettings, s3_server: S3Server, operation: str
) -> None:
    """By the operation that failed and what to allow; what works is told too.

    So is what could not be tried then. Seen failing with the trials cut short at the first
    that fails, and without a word of what was left out.
    """
    permission, refuses = OPERATIONS[operation]
    async with gate_before(s3_server.endpoint_url) as (gate, url):
        gate.code, gate.status, gate.refuses = "AccessDenied", 403, refuses
        rows = await examined(replace(settings, endpoint_url=url))
    left = operation == "AbortMultipartUpload"
    assert wrong(rows) == [f"permission: {operation}", *(["left behind"] if left else [])]
    row = rows[f"permission: {operation}"]
    assert row.health is Health.FAILED
    assert permission in row.mend
    assert settings.bucket in row.mend
    assert {f"permission: {name}" for name in OPERATIONS} <= rows.keys()
    needed = ["UploadPart", "ListParts", "AbortMultipartUpload"]
    left_out = [f"permission: {name}" for name in needed] if "Create" in operation else []
    assert not_asked(rows) == [*left_out, "checksum of parts"]
    assert await left_in(s3_server, settings.bucket) == (int(left), 0)
    if left:
        assert wrong(await examined(settings)) == []
        assert await left_in(s3_server, settings.bucket) == (0, 0)


async def test_a_store_in_trouble_is_not_called_a_missing_permission(
    settings: StoreSettings, s3_server: S3Server
) -> None:
    """A disk that is full is not mended by allowing anything.

    Seen failing with the permission named whatever went wrong.
    """
    _, refuses = OPERATIONS["UploadPart"]
    async with gate_before(s3_server.endpoint_url) as (gate, url):
        gate.code, gate.status, gate.refuses = "InternalError", 500, refuses
        rows = await examined(replace(settings, endpoint_url=url))
    mend = rows["permission: UploadPart"].mend
    assert ("disk full" in mend, "s3:" in mend) == (True, False)


async def test_credentials_the_store_does_not_know_are_told_once(
    settings: StoreSettings,
) -> None:
    """Not as six permissions that are missing, nor as a bucket that may not be asked after.

    Seen failing with the bucket warned of before.
    """
    for unknown in (
        replace(settings, access_key_id="nobody"),
        replace(settings, secret_access_key="not the secret"),
    ):
        rows = await examined(unknown)
        assert rows["credentials"].health is Health.FAILED
        assert "S3_SECRET_ACCESS_KEY" in rows["credentials"].mend
        assert wrong(rows) == ["credentials"]
        assert not any(what.startswith("permission:") for what in rows)
        assert not_asked(rows) == ["bucket", "permissions", "checksum of parts"]


async def test_a_bucket_that_is_not_ours_is_thought_of(
    settings: StoreSettings, s3_server: S3Server
) -> None:
    """A key for one bucket is denied everything in another, as in one whose name is misspelt.

    Seen failing with nothing but permissions to allow.
    """
    async with gate_before(s3_server.endpoint_url) as (gate, url):
        gate.code, gate.status, gate.refuses = "AccessDenied", 403, lambda call: True
        rows = await examined(replace(settings, endpoint_url=url))
    assert rows["bucket"].health is Health.WARNING
    assert "S3_BUCKET_NAME" in rows["bucket"].mend
    assert "S3_BUCKET_NAME" in rows["permission: CreateMultipartUpload"].mend


async def test_a_bucket_that_is_not_there_is_not_made(
    settings: StoreSettings, s3_server: S3Server
) -> None:
    """A failure, or a warning where the start would make it."""
    missing = replace(settings, bucket=f"missing-{secrets.token_hex(6)}")
    for may, health in ((False, Health.FAILED), (True, Health.WARNING)):
        rows = await examined(replace(missing, create_bucket=may))
        assert rows["bucket"].health is health
        assert rows["bucket"].mend
        assert not_asked(rows) == ["permissions", "checksum of parts"]
    async with s3_client(s3_server) as client:
        buckets = (await client.list_buckets())["Buckets"]
    assert missing.bucket not in {bucket["Name"] for bucket in buckets}


async def test_a_store_that_is_away_is_one_row() -> None:
    """Nobody listens; or what answers is no store. What could not be asked is named.

    Seen failing without these rows.
    """
    nobody = StoreSettings("bucket", "http://127.0.0.1:1", None, "key-id", "hush-hush")
    rows = await examined(nobody)
    assert wrong(rows) == ["store"]
    assert not_asked(rows) == ["bucket", "permissions", "checksum of parts"]
    assert "store" in rows["permissions"].found

    async def broken(_: web.Request) -> web.StreamResponse:
        return web.Response(status=502)

    async with answering(broken) as url:
        assert wrong(await examined(replace(nobody, endpoint_url=url))) == ["store"]


@pytest.mark.parametrize(
    ("behind_seconds", "health"),
    [(5, Health.OK), (120, Health.WARNING), (1200, Health.FAILED), (-1200, Health.FAILED)],
)
async def test_a_clock_that_is_off_is_told(behind_seconds: int, health: Health) -> None:
    """From fifteen minutes on a store refuses every request; it says nothing else of it."""
    peer = PickyStore(frozenset({"content-md5"}))

    async def late(request: web.Request) -> web.StreamResponse:
        answer = await peer.answer(request)
        if request.method == "HEAD":
            answer.headers["Date"] = formatdate(time.time() - behind_seconds, usegmt=True)
        return answer

    async with answering(late) as url:
        rows = await examined(StoreSettings("bucket", url, None, "key-id", "hush-hush"))
    assert rows["clock"].health is health


@pytest.mark.parametrize(("opaque", "told"), [(False, "MD5"), (True, "tell nothing")])
async def test_a_store_that_checks_nothing_is_warned_of(opaque: bool, told: str) -> None:
    """It works all the same; where not even its ETags tell anything, that is said."""
    peer = PickyStore(opaque_etags=opaque, refuses_unsigned_payload=True)

    async def without_objects(request: web.Request) -> web.StreamResponse:
        if request.method == "HEAD" and request.path.count("/") > 1:
            return web.Response(status=404)
        return await peer.answer(request)

    async with answering(without_objects) as url:
        rows = await examined(StoreSettings("bucket", url, None, "key-id", "hush-hush"))
    assert wrong(rows) == ["checksum of parts"]
    assert told in rows["checksum of parts"].found
    assert "signed" in rows["payload"].found
    assert peer.uploads == set()
