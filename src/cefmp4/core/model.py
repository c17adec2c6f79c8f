"""The words of the system: what is seen, what is remembered, what may be done.

Everything here is a frozen value. A `Checkpoint` is what is remembered of one stream;
its verbs return the next one. `Facts` are what one look at the world told. `Policy` is
what the operator wants. `plan` (in `plan.py`) turns the three into a `Plan`.

Paths are `str` as `os.fsdecode` makes them, so that a name of any bytes survives.
Times are seconds since the epoch, UTC; durations say their unit in their name.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType

from cefmp4.core.geometry import Geometry, Span
from cefmp4.core.mp4 import Boxes


class Status(StrEnum):
    """Where a stream stands, as a user sees it."""

    ACTIVE = "active"
    """The recording is growing, or waits to be taken as ended."""
    PENDING_COMPLETION = "pending_completion"
    """Sealed: the rest is sent, compared and completed."""
    S3_COMPLETED = "s3_completed"
    """The object stands and was verified; the metadata JSON is still to come."""
    COMPLETED_WITH_META = "completed_with_meta"
    """The object and its metadata JSON stand."""
    COMPLETED = "completed"
    """The object stands; metadata is turned off."""
    FAILED = "failed"
    """Given up before the end; the reason says why, the hint what a person can do."""
    FAILED_FINALIZATION = "failed_finalization"
    """All was sent, but the store will not make an object of it."""
    DELETED_LOCALLY = "deleted_locally"
    """The recording vanished before it was stored; the upload was aborted."""
    ABORTED = "aborted"
    """Stopped by a person; the upload was aborted."""


STORED = frozenset({Status.S3_COMPLETED, Status.COMPLETED_WITH_META, Status.COMPLETED})
"""The object stands under its key, verified."""

PARKED = frozenset({Status.FAILED, Status.FAILED_FINALIZATION})
"""Nothing more happens without a person."""

LIVE = frozenset({Status.ACTIVE, Status.PENDING_COMPLETION, Status.S3_COMPLETED})
"""There is still something to do."""


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


@dataclass(frozen=True, slots=True)
class Part:
    """A part the store has confirmed, and the checksum of the bytes that were sent."""

    number: int
    size_bytes: int
    etag: str
    crc64nvme: int
    uploaded_at: float


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


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """All that must outlive the process about one stream: one value, one atomic write.

    Totals are derived from `parts`, never kept beside them. An upload id of None with
    `status` active means that CreateMultipartUpload may have been sent without its
    answer being recorded.
    """

    stream_id: str
    path: str
    identity: tuple[int, int]
    """Device and inode of the recording."""
    bucket: str
    key: str
    geometry: Geometry
    started_at: float
    status: Status = Status.ACTIVE
    upload_id: str | None = None
    parts: Mapping[int, Part] = field(default_factory=lambda: MappingProxyType({}))
    seal: Seal | None = None
    completing: bool = False
    """The store was, or may have been, told to make the object visible."""
    refusals: int = 0
    """How often the store refused to complete, or lost the upload."""
    parts_resent: int = 0
    last_activity_at: float = 0.0
    stored: StoredObject | None = None
    stored_at: float | None = None
    ended_at: float | None = None
    reason: str = ""
    """Why the stream stands where it stands, for people."""
    hint: str = ""
    """What a person can do about it; empty when nothing is needed."""

    @property
    def bytes_sent(self) -> int:
        """Bytes of all parts the store has confirmed."""
        return sum(part.size_bytes for part in self.parts.values())

    @property
    def next_part_number(self) -> int:
        """The lowest part number above every confirmed one."""
        return max(self.parts, default=0) + 1

    @property
    def sent_end(self) -> int:
        """The offset just after the last confirmed part: the file may not end before it."""
        last = max(self.parts, default=0)
        return self.geometry.span(last).offset + self.parts[last].size_bytes if last else 0

    def with_upload(self, upload_id: str) -> "Checkpoint":
        return replace(self, upload_id=upload_id)

    def with_part(self, part: Part) -> "Checkpoint":
        parts = MappingProxyType({**self.parts, part.number: part})
        return replace(self, parts=parts, last_activity_at=part.uploaded_at)

    def without_parts(self, numbers: frozenset[int]) -> "Checkpoint":
        """The named parts are not what the file holds: they are to be sent again."""
        kept = {n: part for n, part in self.parts.items() if n not in numbers}
        resent = self.parts_resent + len(self.parts) - len(kept)
        return replace(
            self, parts=MappingProxyType(kept), parts_resent=resent, completing=False
        )

    def sealed(self, seal: Seal) -> "Checkpoint":
        return replace(
            self, status=Status.PENDING_COMPLETION, seal=seal, reason=seal.reason.value
        )

    def unsealed(self, why: str) -> "Checkpoint":
        return replace(self, status=Status.ACTIVE, seal=None, reason=why)

    def following(self, path: str) -> "Checkpoint":
        return replace(self, path=path)

    def asking_to_complete(self) -> "Checkpoint":
        return replace(self, completing=True)

    def refused(self, why: str) -> "Checkpoint":
        """The store did not complete: forget the parts, keep the upload."""
        forgotten = self.without_parts(frozenset(self.parts))
        return replace(forgotten, refusals=self.refusals + 1, reason=why)

    def restarted(self, why: str) -> "Checkpoint":
        """The upload is gone from the store: begin again under the same key."""
        return replace(self.refused(why), upload_id=None)

    def still_incomplete(self) -> "Checkpoint":
        """Complete was not carried out: the upload stands as it was."""
        return replace(self, completing=False)

    def completed_in_store(self, stored: StoredObject, at: float) -> "Checkpoint":
        return replace(
            self,
            status=Status.S3_COMPLETED,
            stored=stored,
            stored_at=at,
            completing=False,
            last_activity_at=at,
        )

    def ended(self, status: Status, at: float, reason: str, hint: str = "") -> "Checkpoint":
        return replace(self, status=status, ended_at=at, reason=reason, hint=hint)


@dataclass(frozen=True, slots=True)
class Policy:
    """What the operator wants, as far as it bears on decisions."""

    part_bytes: int
    uniform_parts: bool = False
    max_recording_bytes: int = 1024**4
    stream_timeout_seconds: float = 30.0
    close_settle_seconds: float = 1.0
    open_writer_timeout_seconds: float = 3600.0
    missing_grace_seconds: float = 10.0
    replaced_grace_seconds: float = 1.0
    window_parts: int = 4
    """How many parts of one stream are sent in one turn while it grows."""
    write_metadata: bool = True
    reject_non_mp4: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """What is true right now, as far as one look can tell."""

    version: FileVersion | None
    """None: no regular file is there under the stream's path."""
    quiet_seconds: float = 0.0
    """How long this very version has been seen unchanged."""
    missing_seconds: float = 0.0
    """How long the stream's own file has not been found under its path."""
    close_seen: bool = False
    """A writer closed the file since this version was first seen."""
    inspection: Inspection | None = None
    """A closer look at this very version, if one was taken."""
    verified: frozenset[int] = frozenset()
    """Stored parts whose checksum was held against this very version."""
    upload_may_exist: bool = True
    """An upload may stand in the store whose id was never recorded."""
    watch_dir_away: bool = False
    """The watched directory itself is gone, unmounted or suddenly empty: an outage."""
    moved_to: str | None = None
    """Where in the watched directory the stream's own file is now, if it was renamed."""


# --- what may be done -------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Inspect:
    """Read the box structure, and ask whether a writer has the file open."""


@dataclass(frozen=True, slots=True)
class Begin:
    """Write the intent: stream id, key and geometry, before anything reaches the store."""


@dataclass(frozen=True, slots=True)
class Reject:
    """Write down that this file is refused, and why; nothing was sent of it."""

    reason: str
    hint: str


@dataclass(frozen=True, slots=True)
class Follow:
    """The recording was renamed: go on under its new path."""

    path: str


@dataclass(frozen=True, slots=True)
class AdoptUpload:
    """Look for uploads begun under our key: keep one, abort the others."""


@dataclass(frozen=True, slots=True)
class CreateUpload:
    """Begin a multipart upload and record its id."""


@dataclass(frozen=True, slots=True)
class SendParts:
    """Upload these spans; each one is recorded as soon as the store has confirmed it."""

    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Compare:
    """Read these parts from the disk again; forget those whose checksum differs."""

    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SealNow:
    """Write down that the recording has ended."""

    reason: SealReason


@dataclass(frozen=True, slots=True)
class Unseal:
    """The recording goes on after all."""

    why: str


@dataclass(frozen=True, slots=True)
class PutWhole:
    """Store a sealed recording smaller than one part with a single PutObject."""


@dataclass(frozen=True, slots=True)
class Complete:
    """Write down that it is being tried, then send CompleteMultipartUpload."""


@dataclass(frozen=True, slots=True)
class Resolve:
    """Ask the store what became of a Complete or PutObject: HEAD, then ListParts."""


@dataclass(frozen=True, slots=True)
class Describe:
    """Probe the media and put the metadata JSON beside the object."""


@dataclass(frozen=True, slots=True)
class Finish:
    """Nothing is left to do: write down the final status."""

    status: Status


@dataclass(frozen=True, slots=True)
class Abandon:
    """Abort the upload and end the stream."""

    status: Status
    reason: str
    hint: str = ""


Action = (
    Inspect
    | Begin
    | Reject
    | Follow
    | AdoptUpload
    | CreateUpload
    | SendParts
    | Compare
    | SealNow
    | Unseal
    | PutWhole
    | Complete
    | Resolve
    | Describe
    | Finish
    | Abandon
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do now, why, and when to look again by oneself.

    `actions` may be carried out at the same time. Without actions,
    `look_again_seconds` is None when only a change of the file can alter anything.
    """

    why: str
    actions: tuple[Action, ...] = ()
    look_again_seconds: float | None = None
