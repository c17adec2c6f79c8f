"""The words of the system: what is seen, what is remembered, what may be done.

Everything here is a frozen value. A `Checkpoint` is what is remembered of one stream;
its verbs return the next one. `Facts` (`facts.py`) are what one look at the world told,
`Policy` (`policy.py`) is what the operator wants. `plan` (`plan.py`) turns the three into
a `Plan`.

Paths are `str` as `os.fsdecode` makes them, so that a name of any bytes survives.
Times are seconds since the epoch, UTC; durations say their unit in their name.
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum

from cefmp4.core.geometry import Geometry
from cefmp4.core.media import Poster, Probe
from cefmp4.core.numbers import NO_NUMBERS, Numbers
from cefmp4.core.parts import Part as Part
from cefmp4.core.parts import Parts as Parts
from cefmp4.core.seen import FileVersion as FileVersion
from cefmp4.core.seen import Inspection as Inspection
from cefmp4.core.seen import Seal as Seal
from cefmp4.core.seen import SealReason as SealReason
from cefmp4.core.seen import StoredObject as StoredObject
from cefmp4.core.seen import Writer as Writer


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


class Wish(StrEnum):
    """What a person asked for of one stream."""

    RETRY = "retry"
    """Take up what failed or was aborted."""
    ABORT = "abort"
    """Leave the recording alone, and nothing of it in the store."""


STORED = frozenset({Status.S3_COMPLETED, Status.COMPLETED_WITH_META, Status.COMPLETED})
"""The object stands under its key, verified."""

PARKED = frozenset({Status.FAILED, Status.FAILED_FINALIZATION})
"""It failed: nothing more happens without a person."""

SET_ASIDE = PARKED | {Status.ABORTED}
"""Not begun again by itself, for as long as its file stands."""

REPLACED = "replaced"
TRUNCATED = "truncated"
RETRIED = "retried"
SUPERSEDED = frozenset({REPLACED, TRUNCATED, RETRIED})
"""Reasons after which the file under the path is another stream's."""

UNSTORED = frozenset({Status.ACTIVE, Status.PENDING_COMPLETION})
"""The recording is still needed: some of it is nowhere else."""

LIVE = UNSTORED | {Status.S3_COMPLETED}
"""There is still something to do."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a stream's history."""

    at: float
    what: str
    """Few words, none from outside."""
    why: str = ""


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
    root: tuple[int, int] | None = None
    """Device and inode of the watched directory it was begun in; None when not known."""
    status: Status = Status.ACTIVE
    upload_id: str | None = None
    parts: Parts = field(default_factory=Parts)
    seal: Seal | None = None
    completing: bool = False
    """The store was, or may have been, told to make the object visible."""
    refusals: int = 0
    """How often the store refused to complete what was sealed."""
    parts_resent: int = 0
    """How often a part the store had was forgotten, to be sent again."""
    resent: Numbers = NO_NUMBERS
    """Which ones."""
    last_activity_at: float = 0.0
    stored: StoredObject | None = None
    stored_at: float | None = None
    described: bool = False
    """The metadata JSON stands beside the object."""
    media: Probe | None = None
    """What the probe told, as it stands there."""
    poster: Poster | None = None
    """The picture that is named there."""
    disposed: bool = False
    """What was to become of the recording after its upload has been done."""
    ended_at: float | None = None
    reason: str = ""
    """Why the stream stands where it stands, for people."""
    hint: str = ""
    """What a person can do about it; empty when nothing is needed."""
    history: tuple[Entry, ...] = ()
    """What happened to it, for people; see `history.py`."""

    @property
    def bytes_sent(self) -> int:
        """Bytes of all parts the store has confirmed."""
        return self.parts.total_bytes

    @property
    def parts_stand(self) -> bool:
        """Its parts are in the store: in its upload, or as its object.

        A recording put whole is written down before it is sent; what was sent of one that was
        aborted is gone.
        """
        return self.upload_id is not None or self.stored is not None

    @property
    def next_part_number(self) -> int:
        """The lowest part number above every confirmed one."""
        return self.parts.highest + 1

    @property
    def sent_end(self) -> int:
        """The offset just after the last confirmed part: the file may not end before it."""
        last = self.parts.highest
        return self.geometry.span(last).offset + self.parts[last].size_bytes if last else 0

    @property
    def holds_path(self) -> bool:
        """What stands under `path` is this stream's, and no new one is to be begun for it."""
        kept = self.status in SET_ASIDE and self.reason not in SUPERSEDED
        return kept or self.status in LIVE

    def with_upload(self, upload_id: str) -> "Checkpoint":
        return replace(self, upload_id=upload_id)

    def with_part(self, part: Part) -> "Checkpoint":
        parts = self.parts.with_part(part)
        return replace(self, parts=parts, last_activity_at=part.uploaded_at)

    def without_parts(self, numbers: frozenset[int]) -> "Checkpoint":
        """The named parts are not what the file holds: they are to be sent again."""
        kept = self.parts.without(numbers)
        gone = self.parts.numbers.without(kept.numbers)
        count, resent = self.parts_resent + len(gone), self.resent.union(gone)
        return replace(self, parts=kept, parts_resent=count, resent=resent, completing=False)

    def sealed(self, seal: Seal) -> "Checkpoint":
        return replace(
            self, status=Status.PENDING_COMPLETION, seal=seal, reason=seal.reason.value
        )

    def unsealed(self, why: str) -> "Checkpoint":
        return replace(self, status=Status.ACTIVE, seal=None, refusals=0, reason=why)

    def following(self, path: str) -> "Checkpoint":
        return replace(self, path=path)

    def asking_to_complete(self) -> "Checkpoint":
        return replace(self, completing=True)

    def refused(self, wrong: frozenset[int], why: str) -> "Checkpoint":
        """The store would not complete with these parts."""
        return replace(self.without_parts(wrong), refusals=self.refusals + 1, reason=why)

    def restarted(self, why: str) -> "Checkpoint":
        """The upload is gone from the store: begin again under the same key."""
        forgotten = self.without_parts(frozenset(self.parts))
        return replace(forgotten, upload_id=None, reason=why)

    def not_put(self) -> "Checkpoint":
        """PutObject was not carried out: nothing stands in the store."""
        return replace(self, parts=Parts(), completing=False)

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

    def with_description(self, media: Probe, poster: Poster | None = None) -> "Checkpoint":
        return replace(self, described=True, media=media, poster=poster)

    def with_disposal(self) -> "Checkpoint":
        return replace(self, disposed=True)

    def ended(self, status: Status, at: float, reason: str, hint: str = "") -> "Checkpoint":
        return replace(self, status=status, ended_at=at, reason=reason, hint=hint)

    def without_upload(self) -> "Checkpoint":
        """It was aborted: nothing of the stream is left in the store."""
        return replace(self, upload_id=None)

    def retried(self) -> "Checkpoint":
        """Taken up where it was: its upload and parts stand, as far as known. An object that
        stands is proven once more, and described as it then is."""
        revived = replace(self, status=Status.ACTIVE, seal=None, refusals=0)
        revived = replace(revived, ended_at=None, reason="", hint="")
        revived = replace(revived, stored=None, stored_at=None, disposed=False)
        return replace(revived, described=False, media=None, poster=None)


class AfterUpload(StrEnum):
    """What becomes of a recording once its object was verified."""

    KEEP = "keep"
    DELETE = "delete"
    MOVE = "move"
    """To `ARCHIVE_DIR`, under the same relative path."""
