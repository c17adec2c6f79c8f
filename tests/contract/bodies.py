"""A `Body` out of bytes, and the parts and checksums that belong to it."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from awscrt import checksums

from cefmp4.core.model import Part

BLOCK_BYTES = 1024**2


@dataclass(slots=True)
class BytesBody:
    """Bytes with every checksum; replace one to make a body that lies."""

    content: bytes
    size_bytes: int
    crc64nvme: int
    crc32c: int | None
    md5: bytes | None
    file: None = None

    @classmethod
    def of(cls, content: bytes) -> "BytesBody":
        return cls(
            content,
            len(content),
            checksums.crc64nvme(content),
            checksums.crc32c(content),
            hashlib.md5(content, usedforsecurity=False).digest(),
        )

    async def blocks(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self.content), BLOCK_BYTES):
            yield self.content[start : start + BLOCK_BYTES]


def damaged(content: bytes) -> BytesBody:
    """A body whose checksums all belong to other bytes of the same length."""
    right, other = BytesBody.of(content), BytesBody.of(bytes(b ^ 1 for b in content))
    right.crc64nvme, right.crc32c, right.md5 = other.crc64nvme, other.crc32c, other.md5
    return right


def part_of(number: int, content: bytes) -> Part:
    """What is remembered of a part that was sent to a store whose ETags are MD5s."""
    etag = hashlib.md5(content, usedforsecurity=False).hexdigest()
    return Part(number, len(content), etag, checksums.crc64nvme(content), uploaded_at=0.0)


def crc64nvme_of(content: bytes) -> int:
    return int(checksums.crc64nvme(content))
