"""A strict S3 store in memory, for random histories of the loop above it.

Where real servers differ it does what the strictest does: a wrong checksum is refused,
Complete works once, an upload that a part revived after Abort stays unlisted (MinIO), a
failed re-send can lose the old part (Cloudflare R2), every version of a part can be listed
in no order (SeaweedFS), a Complete that lists a lost part can be told that there is no such
upload (MinIO), keys that any store refuses or rewrites are refused. What it accepts, every
store accepts.

Tests break it at two seams: `before` and `after` are called with the name of every
operation before and after its effect takes place, and what they raise is what the caller
gets: a refused connection, a lost answer, the end of the process.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count, pairwise
from typing import NamedTuple

from awscrt import checksums

from cefmp4.adapters.memory.strictness import (
    check_key,
    check_number,
    md5,
    parts_refused,
    received,
    uniform,
)
from cefmp4.core.model import Part, StoredObject
from cefmp4.core.objects import STREAM_ID, multipart_etag
from cefmp4.errors import S3OperationError, UploadGone
from cefmp4.ports import Body, Digests, ListedObject, ListedPart, Upload

Seam = Callable[[str], None]


class MemoryObject(NamedTuple):
    """An object as it stands."""

    content: bytes
    user_metadata: dict[str, str]
    content_type: str


@dataclass(slots=True)
class MemoryUpload:
    """An unfinished upload, and the parts that have landed."""

    key: str
    user_metadata: dict[str, str]
    initiated_at: float
    parts: dict[int, bytes] = field(default_factory=dict)
    versions: list[ListedPart] = field(default_factory=list)
    """Every part that ever landed, the oldest first."""
    listed: bool = True
    """False once it was aborted and a part in flight brought it back."""

    def land(self, number: int, content: bytes) -> None:
        self.parts[number] = content
        self.versions.append(ListedPart(number, len(content), md5(content)))


class MemoryStore:
    """The `ObjectStore` port; `objects` and `uploads` are there for tests to read."""

    def __init__(
        self,
        *,
        min_part_bytes: int = 1,
        uniform_parts: bool = False,
        failed_resend_loses_part: bool = False,
        lists_every_version: bool = False,
        lost_part_denies_upload: bool = False,
        digests: Digests | None = None,
        now: Callable[[], float] = time.time,
        before: Seam | None = None,
        after: Seam | None = None,
    ) -> None:
        self.objects: dict[str, MemoryObject] = {}
        self.uploads: dict[str, MemoryUpload] = {}
        self.before, self.after = before, after
        self._etags: dict[str, str] = {}
        self._ids = count(1)
        self._min_part_bytes = min_part_bytes
        self._uniform_parts = uniform_parts
        self._failed_resend_loses_part = failed_resend_loses_part
        self._lists_every_version = lists_every_version
        self._lost_part_denies_upload = lost_part_denies_upload
        self._digests = digests or Digests()
        self._now = now

    @property
    def digests(self) -> Digests:
        return self._digests

    async def create_upload(self, key: str, user_metadata: Mapping[str, str]) -> str:
        await self._begin("create_upload")
        check_key("CreateMultipartUpload", key)
        upload_id = f"upload-{next(self._ids)}"
        self.uploads[upload_id] = MemoryUpload(key, dict(user_metadata), self._now())
        self._end("create_upload")
        return upload_id

    async def find_uploads(self, key: str) -> list[Upload]:
        await self._begin("find_uploads")
        found = [upload for upload in self._listed() if upload.key == key]
        self._end("find_uploads")
        return found

    async def list_uploads(self, prefix: str) -> list[Upload]:
        await self._begin("list_uploads")
        found = [upload for upload in self._listed() if upload.key.startswith(prefix)]
        self._end("list_uploads")
        return found

    def _listed(self) -> list[Upload]:
        return [
            Upload(upload.key, upload_id, upload.initiated_at)
            for upload_id, upload in self.uploads.items()
            if upload.listed
        ]

    async def list_objects(self, prefix: str) -> AsyncIterator[ListedObject]:
        await self._begin("list_objects")
        for key, found in sorted(self.objects.items()):
            if key.startswith(prefix):
                yield ListedObject(key, len(found.content))

    async def read(self, key: str) -> AsyncIterator[bytes]:
        await self._begin("read")
        if key not in self.objects:
            raise S3OperationError("GetObject", "NoSuchKey", "there is no such object")
        yield self.objects[key].content

    async def upload_part(self, key: str, upload_id: str, number: int, body: Body) -> str:
        try:
            self._reach("upload_part")
            upload = self._upload("UploadPart", key, upload_id)
            check_number(number)
            await asyncio.sleep(0)
            content = await received("UploadPart", body)
        except BaseException:
            if self._failed_resend_loses_part and upload_id in self.uploads:
                self.uploads[upload_id].parts.pop(number, None)
            raise
        self._land(key, upload_id, upload, number, content)
        self._end("upload_part")
        return md5(content)

    def _land(
        self, key: str, upload_id: str, upload: MemoryUpload, number: int, content: bytes
    ) -> None:
        if upload_id in self.uploads:
            upload.land(number, content)
        elif key in self.objects:
            raise UploadGone("UploadPart", "NoSuchUpload", "completed meanwhile")
        else:
            revived = MemoryUpload(key, upload.user_metadata, upload.initiated_at)
            revived.listed = False
            revived.land(number, content)
            self.uploads[upload_id] = revived

    async def list_parts(self, key: str, upload_id: str) -> list[ListedPart]:
        await self._begin("list_parts")
        upload = self._upload("ListParts", key, upload_id)
        rows = [
            ListedPart(number, len(content), md5(content))
            for number, content in sorted(upload.parts.items())
        ]
        if self._lists_every_version:
            there = [row for row in upload.versions if row.number in upload.parts]
            rows = sorted(set(there), key=lambda row: row.etag)
        self._end("list_parts")
        return rows

    async def complete(
        self, key: str, upload_id: str, parts: Sequence[Part], crc64nvme: int
    ) -> None:
        await self._begin("complete")
        upload = self._upload("CompleteMultipartUpload", key, upload_id)
        chosen = self._chosen(upload, parts)
        whole = b"".join(chosen)
        if checksums.crc64nvme(whole) != crc64nvme:
            raise parts_refused("BadDigest", "the whole object has another checksum")
        del self.uploads[upload_id]
        etag = multipart_etag([part.etag for part in parts]) or ""
        self._store(key, whole, upload.user_metadata, "video/mp4", etag)
        self._end("complete")

    def _chosen(self, upload: MemoryUpload, parts: Sequence[Part]) -> list[bytes]:
        """The bytes of the listed parts, when the list is one that every store takes."""
        if not parts:
            raise parts_refused("MalformedXML", "the list of parts is empty")
        numbers = [part.number for part in parts]
        if any(later <= earlier for earlier, later in pairwise(numbers)):
            raise parts_refused("InvalidPartOrder", "the parts are not in ascending order")
        for part in parts:
            content = upload.parts.get(part.number)
            if content is None and self._lost_part_denies_upload:
                raise UploadGone("CompleteMultipartUpload", "NoSuchUpload", "a part is lost")
            if content is None or md5(content) != part.etag:
                raise parts_refused("InvalidPart", f"part {part.number} is not there")
        chosen = [upload.parts[number] for number in numbers]
        if any(len(content) < self._min_part_bytes for content in chosen[:-1]):
            raise parts_refused("EntityTooSmall", "a part in the middle is too short")
        if self._uniform_parts and not uniform([len(content) for content in chosen]):
            raise parts_refused("InvalidPart", "all parts but the last must be equally long")
        return chosen

    async def abort(self, key: str, upload_id: str) -> None:
        await self._begin("abort")
        upload = self.uploads.get(upload_id)
        if upload is not None and upload.key == key:
            del self.uploads[upload_id]
        self._end("abort")

    async def head(self, key: str) -> StoredObject | None:
        await self._begin("head")
        found = self.objects.get(key)
        self._end("head")
        if found is None:
            return None
        return StoredObject(
            size_bytes=len(found.content),
            etag=self._etags.get(key) or md5(found.content),
            stream_id=found.user_metadata.get(STREAM_ID),
            crc64nvme=int(checksums.crc64nvme(found.content)),
        )

    async def put(self, key: str, user_metadata: Mapping[str, str], body: Body) -> None:
        await self._begin("put")
        check_key("PutObject", key)
        content = await received("PutObject", body)
        self._store(key, content, dict(user_metadata), "video/mp4", md5(content))
        self._end("put")

    async def put_document(self, key: str, document: bytes, content_type: str) -> None:
        await self._begin("put_document")
        check_key("PutObject", key)
        self._store(key, document, {}, content_type, md5(document))
        self._end("put_document")

    def _store(
        self, key: str, content: bytes, kept: dict[str, str], content_type: str, etag: str
    ) -> None:
        self.objects[key] = MemoryObject(content, kept, content_type)
        self._etags[key] = etag

    def _upload(self, operation: str, key: str, upload_id: str) -> MemoryUpload:
        upload = self.uploads.get(upload_id)
        if upload is None or upload.key != key:
            raise UploadGone(operation, "NoSuchUpload", "there is no such upload")
        return upload

    async def _begin(self, operation: str) -> None:
        """The first seam; then let others run, as a real store would."""
        self._reach(operation)
        await asyncio.sleep(0)

    def _reach(self, operation: str) -> None:
        if self.before is not None:
            self.before(operation)

    def _end(self, operation: str) -> None:
        if self.after is not None:
            self.after(operation)
