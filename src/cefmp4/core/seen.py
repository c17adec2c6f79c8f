"""What is seen of a recording and of its object, and the decision that it has ended."""

from dataclasses import dataclass
from enum import StrEnum

from cefmp4.core.mp4 import Boxes


@dataclass(frozen=True, slots=True)
class FileVersion:
    """One version of a regular file, told apart from others by what `stat` says of it."""

    device: int
    inode: int
    size_bytes: int
    mtime_ns: int
    ctime_ns: int

    @property
    def identity(self) -> tuple[int, int]:
        """Device and inode: the same file whatever it is called."""
        return (self.device, self.inode)


class Writer(StrEnum):
    """Whether some process has a recording open for writing."""

    OPEN = "open"
    CLOSED = "closed"
    UNKNOWN = "unknown"
    """It cannot be asked here: other owner, network filesystem, other pid namespace."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a closer look at one version of a recording told."""

    boxes: Boxes
    writer: Writer
    age_seconds: float = 0.0
    """How long ago the look was taken."""


class SealReason(StrEnum):
    """Why a recording was taken as ended."""

    CLOSED = "closed"
    """No writer has it open, and it is a complete MP4."""
    IDLE = "idle"
    """No write for `STREAM_TIMEOUT_SECONDS`, and no writer has it open."""
    IDLE_UNASKED = "idle_unasked"
    """No write for `STREAM_TIMEOUT_SECONDS`; whether a writer is left cannot be asked here."""
    OPEN_WRITER_TIMEOUT = "open_writer_timeout"
    """Still open for writing, but silent for `OPEN_WRITER_TIMEOUT_SECONDS`."""
    RECOGNISED = "recognised"
    """The state was lost, and the store already holds just these bytes."""


@dataclass(frozen=True, slots=True)
class Seal:
    """The decision that a recording has ended, and the version it was taken on."""

    version: FileVersion
    reason: SealReason
    at: float


@dataclass(frozen=True, slots=True)
class StoredObject:
    """What HEAD says of an object. Fields the store does not tell are None."""

    size_bytes: int
    etag: str
    stream_id: str | None
    crc64nvme: int | None
