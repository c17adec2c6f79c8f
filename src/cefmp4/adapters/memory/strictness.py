"""What the strictest of the stores refuses, for the twin of them all."""

import hashlib
from collections.abc import Sequence

from awscrt import checksums

from cefmp4.errors import (
    ContentRefused,
    PartsRefused,
    S3OperationError,
    StreamInitializationError,
)
from cefmp4.ports import Body

MAX_PARTS = 10_000


async def received(operation: str, body: Body) -> bytes:
    """All the bytes, when they are what they are said to be."""
    content = b"".join([block async for block in body.blocks()])
    agreed = (
        len(content) == body.size_bytes
        and checksums.crc64nvme(content) == body.crc64nvme
        and body.crc32c in (None, checksums.crc32c(content))
        and (body.md5 is None or body.md5.hex() == md5(content))
    )
    if not agreed:
        raise ContentRefused(operation, "BadDigest", "the bytes do not match their checksum")
    return content


def check_number(number: int) -> None:
    if not 1 <= number <= MAX_PARTS:
        raise S3OperationError("UploadPart", "InvalidArgument", f"no part number: {number}")


def check_key(operation: str, key: str) -> None:
    segments = key.split("/")
    try:
        encoded = key.encode()
        fits = len(encoded) <= 1024 and all(len(s.encode()) <= 255 for s in segments)
    except UnicodeEncodeError:
        fits = False
    hostile = not fits or "\\" in key or any(ord(letter) < 32 for letter in key)
    if hostile or {"", ".", ".."} & set(segments):
        raise StreamInitializationError(f"{operation}: a key that some store cannot hold")


def uniform(lengths: Sequence[int]) -> bool:
    return len(set(lengths[:-1])) <= 1 and lengths[-1] <= lengths[0]


def parts_refused(code: str, message: str) -> PartsRefused:
    return PartsRefused("CompleteMultipartUpload", code, message)


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
