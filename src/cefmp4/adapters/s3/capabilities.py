"""What a store really checks: found out by trying, never by its name.

A store that takes a checksum header may well ignore it (MinIO's front end does), so a
checksum counts only when a right one is accepted and a wrong one is refused. All trials
are parts of a multipart upload that is aborted: no object ever becomes visible, and no
permission is needed beyond those of the work itself.
"""

import base64
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from awscrt import checksums

from cefmp4.adapters.s3.errors import is_denial, is_refusal
from cefmp4.errors import CefMP4Error
from cefmp4.ports import Body, Digests, ObjectStore


class Checksum(StrEnum):
    """What goes with every part so that the store can refuse a damaged one."""

    CRC64NVME = "crc64nvme"
    """Declared when the upload is created, given again for the whole object at its end."""
    CRC32C = "crc32c"
    """Per part, not declared: a declared one would have to be listed at Complete."""
    MD5 = "md5"
    """Content-MD5: costs ten times the CPU, but every store knows it."""
    NONE = "none"
    """The store checks nothing."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What one store was seen to do."""

    checksum: Checksum
    unsigned_payload: bool
    """It takes a part whose bytes are not covered by the signature."""
    etag_is_md5: bool
    """The ETag of a part is the MD5 of its bytes: the store's own answer to compare."""

    @property
    def digests(self) -> Digests:
        """An MD5 is dear, so it is only taken where no CRC is checked."""
        no_crc = self.checksum in (Checksum.MD5, Checksum.NONE)
        return Digests(
            crc32c=self.checksum is Checksum.CRC32C,
            md5=self.checksum is Checksum.MD5 or (no_crc and self.etag_is_md5),
        )

    @property
    def declaration(self) -> dict[str, Any]:
        """The arguments of CreateMultipartUpload that announce the checksum; AWS wants them."""
        if self.checksum is not Checksum.CRC64NVME:
            return {}
        return {"ChecksumAlgorithm": "CRC64NVME", "ChecksumType": "FULL_OBJECT"}

    def checksum_of(self, body: Body) -> dict[str, Any]:
        """The arguments of UploadPart and PutObject that carry the checksum."""
        match self.checksum:
            case Checksum.CRC64NVME:
                return {"ChecksumCRC64NVME": crc64nvme_to_wire(body.crc64nvme)}
            case Checksum.CRC32C:
                return {"ChecksumCRC32C": _base64(_taken(body.crc32c).to_bytes(4, "big"))}
            case Checksum.MD5:
                return {"ContentMD5": _base64(_taken(body.md5))}
            case Checksum.NONE:
                return {}


def crc64nvme_to_wire(crc64nvme: int) -> str:
    """As S3 writes it: base64 of the eight bytes, the highest first."""
    return _base64(crc64nvme.to_bytes(8, "big"))


def crc64nvme_from_wire(told: str | None) -> int | None:
    """None when the store told none, or one of another kind."""
    try:
        raw = base64.b64decode(told or "", validate=True)
    except ValueError:
        return None
    return int.from_bytes(raw, "big") if len(raw) == 8 else None


@dataclass(slots=True)
class InMemoryBody:
    """A few bytes as a `Body`, for trials and for the metadata JSON."""

    content: bytes
    size_bytes: int
    crc64nvme: int
    crc32c: int | None
    md5: bytes | None
    file: None = None

    @classmethod
    def of(cls, content: bytes) -> "InMemoryBody":
        return cls(
            content,
            len(content),
            int(checksums.crc64nvme(content)),
            int(checksums.crc32c(content)),
            hashlib.md5(content, usedforsecurity=False).digest(),
        )

    async def blocks(self) -> AsyncIterator[bytes]:
        yield self.content


_RIGHT = InMemoryBody.of(b"cefmp4: does this store check what it is sent?\n")
_OTHER = InMemoryBody.of(b"cefmp4: other bytes, for their checksums alone\n")
_WRONG = InMemoryBody(
    _RIGHT.content, _RIGHT.size_bytes, _OTHER.crc64nvme, _OTHER.crc32c, _OTHER.md5
)

T = TypeVar("T")

StoreWith = Callable[[Capabilities], ObjectStore]
"""The adapter as it would be with these capabilities: so that a trial is the real thing."""


async def probe(store_with: StoreWith, key: str) -> Capabilities:
    """Try it all on throw-away uploads under `key`, which should be nobody else's.

    Raises what the store raises when it is away, or lets us do nothing at all.
    """
    await _sweep(store_with(_untried(Checksum.NONE, unsigned_payload=True)), key)
    try:
        basics = await _plain_part(store_with, key, unsigned_payload=True)
    except CefMP4Error as error:
        # Backblaze B2 and some bucket policies refuse a payload that is not signed.
        if not (is_refusal(error) or is_denial(error)):
            raise
        basics = await _plain_part(store_with, key, unsigned_payload=False)
    for checksum in (Checksum.CRC64NVME, Checksum.CRC32C, Checksum.MD5):
        trial = store_with(_untried(checksum, basics.unsigned_payload))
        if await _checks(trial, key):
            return Capabilities(checksum, basics.unsigned_payload, basics.etag_is_md5)
    return basics


def _untried(checksum: Checksum, unsigned_payload: bool) -> Capabilities:
    return Capabilities(checksum, unsigned_payload, etag_is_md5=False)


async def _sweep(store: ObjectStore, key: str) -> None:
    """Abort what a probe that was killed has left."""
    for left in await store.find_uploads(key):
        await store.abort(key, left.upload_id)


async def _plain_part(
    store_with: StoreWith, key: str, *, unsigned_payload: bool
) -> Capabilities:
    store = store_with(_untried(Checksum.NONE, unsigned_payload))
    async with _trial_upload(store, key) as upload_id:
        etag = await store.upload_part(key, upload_id, 1, _RIGHT)
    etag_is_md5 = _RIGHT.md5 is not None and etag == _RIGHT.md5.hex()
    return Capabilities(Checksum.NONE, unsigned_payload, etag_is_md5)


async def _checks(store: ObjectStore, key: str) -> bool:
    """The right checksum is accepted, and the wrong one refused."""
    try:
        async with _trial_upload(store, key) as upload_id:
            await store.upload_part(key, upload_id, 1, _RIGHT)
            return await _refuses_wrong(store, key, upload_id)
    except CefMP4Error as error:
        if is_refusal(error):
            return False
        raise


async def _refuses_wrong(store: ObjectStore, key: str, upload_id: str) -> bool:
    try:
        await store.upload_part(key, upload_id, 1, _WRONG)
    except CefMP4Error as error:
        if is_refusal(error):
            return True
        raise
    return False


@asynccontextmanager
async def _trial_upload(store: ObjectStore, key: str) -> AsyncIterator[str]:
    upload_id = await store.create_upload(key, {})
    try:
        yield upload_id
    finally:
        await store.abort(key, upload_id)


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def _taken(digest: T | None) -> T:
    """A digest that `Capabilities.digests` asked for."""
    if digest is None:
        raise LookupError("the body was read without the digest this store checks")
    return digest
