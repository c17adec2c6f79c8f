"""What the sink remembers: uploads, parts, objects, and when every part had arrived.

Names, sizes and ETags only; no byte of a body. What must stay true: an answer is what S3
would have answered to a client that does everything right, so that nobody's client is
put to more, or to less, work than by a real store.
"""

import base64
import hashlib
import secrets
import threading
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from awscrt import checksums


class Refused(Exception):
    """What is answered instead of success."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


class Arrival(NamedTuple):
    """One part, and when its last byte had come (monotonic seconds)."""

    key: str
    number: int
    size_bytes: int
    at: float


class Part(NamedTuple):
    """What is kept of a part."""

    size_bytes: int
    etag: str


@dataclass(slots=True)
class Upload:
    """A multipart upload that is neither completed nor aborted."""

    key: str
    metadata: dict[str, str]
    initiated_at: float
    parts: dict[int, Part] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Object:
    """What is kept of an object; the content only of small ones."""

    size_bytes: int
    etag: str
    metadata: dict[str, str]
    modified_at: float
    crc64nvme: str = ""
    content: bytes | None = None


class SinkStore:
    """One bucket of any name; safe to be asked by many threads."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        """As it was at the start."""
        with self.lock:
            self.uploads: dict[str, Upload] = {}
            self.objects: dict[str, Object] = {}
            self.calls: Counter[str] = Counter()
            self.arrivals: list[Arrival] = []
            self.received_bytes = 0

    def create(self, key: str, metadata: dict[str, str]) -> str:
        upload_id = secrets.token_hex(16)
        with self.lock:
            self.uploads[upload_id] = Upload(key, metadata, time.time())
        return upload_id

    def take_part(self, upload_id: str, number: int, size_bytes: int) -> str:
        """Keep its size; its ETag."""
        at, etag = time.monotonic(), secrets.token_hex(16)
        with self.lock:
            upload = self._upload(upload_id)
            upload.parts[number] = Part(size_bytes, etag)
            self.arrivals.append(Arrival(upload.key, number, size_bytes, at))
            self.received_bytes += size_bytes
        return etag

    def complete(self, upload_id: str, numbers: Iterable[int], crc64nvme: str) -> Object:
        with self.lock:
            upload = self._upload(upload_id)
            try:
                parts = [upload.parts[number] for number in numbers]
            except KeyError as missing:
                raise Refused(400, "InvalidPart") from missing
            joined = b"".join(bytes.fromhex(part.etag) for part in parts)
            digest = hashlib.md5(joined, usedforsecurity=False).hexdigest()
            size_bytes = sum(part.size_bytes for part in parts)
            stored = Object(
                size_bytes, f"{digest}-{len(parts)}", upload.metadata, time.time(), crc64nvme
            )
            self.objects[upload.key] = stored
            del self.uploads[upload_id]
        return stored

    def abort(self, upload_id: str) -> None:
        with self.lock:
            self._upload(upload_id)
            del self.uploads[upload_id]

    def put(
        self, key: str, metadata: dict[str, str], size_bytes: int, content: bytes | None
    ) -> str:
        etag = secrets.token_hex(16)
        with self.lock:
            self.objects[key] = Object(size_bytes, etag, metadata, time.time(), content=content)
            self.received_bytes += size_bytes
        return etag

    def object(self, key: str) -> Object:
        found = self.objects.get(key)
        if found is None:
            raise Refused(404, "NoSuchKey")
        return found

    def parts_of(self, upload_id: str) -> list[tuple[int, Part]]:
        with self.lock:
            return sorted(self._upload(upload_id).parts.items())

    def uploads_below(self, prefix: str) -> list[tuple[str, str, float]]:
        """Key, id and start, sorted as S3 sorts them."""
        with self.lock:
            return sorted(
                (upload.key, upload_id, upload.initiated_at)
                for upload_id, upload in self.uploads.items()
                if upload.key.startswith(prefix)
            )

    def objects_below(self, prefix: str) -> list[tuple[str, Object]]:
        with self.lock:
            return sorted(
                ((key, found) for key, found in self.objects.items() if key.startswith(prefix)),
                key=lambda row: row[0],
            )

    def plant(self, uploads: Iterable[dict[str, Any]]) -> None:
        """Uploads that were begun in an earlier life: id, key, and the sizes of their parts."""
        with self.lock:
            for told in uploads:
                parts = {int(n): Part(size, etag) for n, size, etag in told["parts"]}
                self.uploads[told["upload_id"]] = Upload(told["key"], {}, time.time(), parts)

    def _upload(self, upload_id: str) -> Upload:
        upload = self.uploads.get(upload_id)
        if upload is None:
            raise Refused(404, "NoSuchUpload")
        return upload


def require_right_checksum(told: str | None, body: bytes) -> None:
    """Refuse a body that is not what its CRC64NVME says."""
    if told is None:
        return
    right = int(checksums.crc64nvme(body)).to_bytes(8, "big")
    if base64.b64encode(right).decode("ascii") != told:
        raise Refused(400, "BadDigest")
