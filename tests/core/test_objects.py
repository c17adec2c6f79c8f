"""Names, user metadata and ETags of objects."""

import hashlib
from urllib.parse import unquote_to_bytes

from hypothesis import given
from hypothesis import strategies as st

from cefmp4.core.objects import (
    ORIGINAL_NAME,
    STREAM_ID,
    metadata_key,
    multipart_etag,
    user_metadata,
)


@given(st.binary(min_size=1, max_size=600).filter(lambda raw: b"/" not in raw))
def test_any_name_survives_in_the_user_metadata(raw: bytes) -> None:
    """The base name comes back byte for byte, and all of it fits into 2 KB of ASCII."""
    path = "/rec/a dir/" + raw.decode("utf-8", "surrogateescape")
    kept = user_metadata("stream-1", path)
    assert kept[STREAM_ID] == "stream-1"
    assert unquote_to_bytes(kept[ORIGINAL_NAME]) == raw
    assert "".join(kept.values()).isascii()
    assert sum(len(key) + len(value) for key, value in kept.items()) < 2048


def test_overlong_name_is_cut() -> None:
    """A name that no filesystem has is cut rather than refused by the store."""
    kept = user_metadata("0" * 36, "/" + "ü" * 5000)
    assert sum(len(key) + len(value) for key, value in kept.items()) < 2048


def test_multipart_etag_is_the_md5_of_the_md5s() -> None:
    """As S3 makes it; where parts have other ETags it cannot be foretold."""
    etags = [hashlib.md5(part, usedforsecurity=False).hexdigest() for part in (b"a", b"b")]
    joined = hashlib.md5(b"".join(map(bytes.fromhex, etags)), usedforsecurity=False)
    assert multipart_etag(etags) == f"{joined.hexdigest()}-2"
    assert multipart_etag([*etags, "opaque"]) is None
    assert multipart_etag([]) is None


def test_metadata_stands_beside_its_object() -> None:
    """The JSON has the object's key, and one more ending."""
    assert metadata_key("streams/1/a.mp4") == "streams/1/a.mp4.metadata.json"
