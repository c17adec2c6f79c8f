"""What crosses the ports: plain values, beside those of `core.model`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from cefmp4.core.media import Probe as Probe
from cefmp4.core.model import Wish


@dataclass(frozen=True, slots=True)
class Digests:
    """Which checksums a store wants beside CRC64NVME, which is always taken."""

    crc32c: bool = False
    md5: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """A JPEG, and its size in pixels."""

    jpeg: bytes
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class NoPicture:
    """There is none, for this reason."""

    why: str


@dataclass(frozen=True, slots=True)
class Upload:
    """A multipart upload that stands in the store, not completed."""

    key: str
    upload_id: str
    initiated_at: float


@dataclass(frozen=True, slots=True)
class ListedObject:
    """One row of a listing of objects."""

    key: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class ListedPart:
    """One row of ListParts. Some stores list several rows for one part number."""

    number: int
    size_bytes: int
    etag: str


class Asked(NamedTuple):
    """What people ask of the daemon."""

    wishes: Mapping[str, Wish]
    """By stream id."""
    upload_limit: str | None
    """In place of UPLOAD_RATE_LIMIT_BYTES_PER_SECOND; None when that holds."""
    watched: bool = False
    """Somebody looks on, at another host or in another process."""
