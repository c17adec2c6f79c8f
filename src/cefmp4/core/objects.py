"""What stands in the store beside the bytes: user metadata, names, and ETags.

The user metadata ties an object to its stream, so that a stream whose state was lost, or
whose Complete went unanswered, knows its own object again. S3 takes 2 KB of it, in
ASCII; a name of any bytes therefore travels percent-encoded.
"""

import hashlib
import re
from collections.abc import Iterable
from urllib.parse import quote

STREAM_ID = "cefmp4-stream-id"
"""User metadata: the stream that wrote the object."""
ORIGINAL_NAME = "cefmp4-original-name"
"""User metadata: the recording's base name, percent-encoded bytes."""

MAX_NAME_BYTES = 600
"""Percent-encoded at most 1,800 characters; with keys and stream id below 2 KB."""

_MD5_ETAG = re.compile(r"[0-9a-f]{32}")


def user_metadata(stream_id: str, path: str) -> dict[str, str]:
    """The user metadata of the object that the recording at `path` becomes."""
    name = path.rpartition("/")[2].encode("utf-8", "surrogateescape")
    return {STREAM_ID: stream_id, ORIGINAL_NAME: quote(name[:MAX_NAME_BYTES], safe="")}


def metadata_key(key: str) -> str:
    """Where the metadata JSON of the object under `key` stands."""
    return f"{key}.metadata.json"


def poster_key(key: str) -> str:
    """Where the picture of the object under `key` stands."""
    return f"{key}.poster.jpg"


def is_md5(etag: str) -> bool:
    """Whether an ETag has the form of an MD5; some stores' ETags are opaque."""
    return _MD5_ETAG.fullmatch(etag) is not None


def multipart_etag(etags: Iterable[str]) -> str | None:
    """The ETag that S3 gives an object made of parts with these ETags.

    None when one of them is not an MD5: then the object's ETag cannot be foretold.
    """
    listed = list(etags)
    if not listed or not all(map(is_md5, listed)):
        return None
    digest = hashlib.md5(b"".join(map(bytes.fromhex, listed)), usedforsecurity=False)
    return f"{digest.hexdigest()}-{len(listed)}"
