"""What others are told of a stream: it started, was stored, failed, or is stalled.

Three of the four follow from a checkpoint write alone, so that they can be written with it,
or not at all. What must stay true: the id of a happening follows from what happened, so that
a write that is repeated, or a stream that is found again after the state was lost, tells the
same thing under the same id, and whoever listens can drop the double.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite
from typing import Any
from uuid import UUID, uuid5

from cefmp4.core.checksum import object_crc64nvme
from cefmp4.core.model import LIVE, RETRIED, STORED, UNSTORED, Checkpoint
from cefmp4.core.objects import metadata_key
from cefmp4.core.spelling import readable, utc_or_none

_NAMESPACE = UUID("6a8f3f5e-0e0b-5c3b-9d5c-3a1d7c2be914")
"""Of the ids; it never changes, or doubles would not be known any more."""


class Kind(StrEnum):
    """What can happen; the value is the `type` of the event."""

    STARTED = "stream.started"
    """A recording has begun to be uploaded."""
    STORED = "stream.stored"
    """Its object stands, was verified, and all that was to follow is done."""
    FAILED = "stream.failed"
    """It came to an end without being stored."""
    STALLED = "stream.stalled"
    """It is still tried, but has not come on for long."""


class Sink(StrEnum):
    """Who is told; each has an outbox of its own."""

    REDIS = "redis"
    """The stream `cefmp4:events` of the state server."""
    WEBHOOK = "webhook"
    """`WEBHOOK_URL`."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happened to one stream."""

    kind: Kind
    stream_id: str
    at: float
    data: Mapping[str, Any]
    apart: str = ""
    """What tells it from another of its kind; empty where a stream has only one."""

    @property
    def id(self) -> str:
        """The same whenever the same is told again."""
        return str(uuid5(_NAMESPACE, f"{self.stream_id}/{self.kind}/{self.apart}"))


def happenings(before: Checkpoint | None, after: Checkpoint) -> tuple[Happening, ...]:
    """What a checkpoint write tells; `before` is None where the state server knows none.

    A stream is stored once it has nothing left to do (metadata JSON, AFTER_UPLOAD), and only
    when that was seen to come: a value that is merely written again tells nothing new.
    """
    was = before.status if before else None
    if before is None and after.status in UNSTORED:
        return (started(after),)
    if was == after.status or after.status in LIVE:
        return ()
    if after.status in STORED:
        return (stored(after),) if was in LIVE else ()
    return () if after.reason == RETRIED else (failed(after),)


def started(checkpoint: Checkpoint) -> Happening:
    return _happening(Kind.STARTED, checkpoint, checkpoint.started_at, {})


def stored(checkpoint: Checkpoint) -> Happening:
    """All that is in the metadata JSON, but the parts."""
    there, media, seal = checkpoint.stored, checkpoint.media, checkpoint.seal
    crc = object_crc64nvme(part for _, part in sorted(checkpoint.parts.items()))
    data = {
        "s3_metadata_key": readable(metadata_key(checkpoint.key))
        if checkpoint.described
        else None,
        "total_size_bytes": there.size_bytes if there else checkpoint.bytes_sent,
        "etag": readable(there.etag) if there else None,
        "checksum": {"algorithm": "CRC64NVME", "hex": f"{crc:016x}"},
        "stream_completed_at_utc": utc_or_none(checkpoint.stored_at),
        "seal_reason": seal.reason.value if seal else None,
        "parts_resent": checkpoint.parts_resent,
        "duration_seconds": _finite(media.duration_seconds) if media else None,
        "playable": media.playable if media else None,
        "video": _plain(media.video) if media else None,
        "audio": _plain(media.audio) if media else None,
    }
    return _happening(Kind.STORED, checkpoint, _ended(checkpoint), data)


def failed(checkpoint: Checkpoint) -> Happening:
    """Whatever the end was; a stream that is retried can fail again, later."""
    data = {
        "status": checkpoint.status.value,
        "reason": readable(checkpoint.reason),
        "hint": readable(checkpoint.hint),
        "total_bytes_sent": checkpoint.bytes_sent,
    }
    ended = _ended(checkpoint)
    return _happening(Kind.FAILED, checkpoint, ended, data, f"{checkpoint.status} {ended!r}")


def stalled(checkpoint: Checkpoint, since: float, why: str, hint: str) -> Happening:
    """It has not come on since then; told once for each time that it stalls."""
    data = {
        "stalled_since_utc": utc_or_none(since),
        "reason": readable(why),
        "hint": readable(hint),
        "total_bytes_sent": checkpoint.bytes_sent,
    }
    return _happening(Kind.STALLED, checkpoint, since, data, repr(since))


def _happening(
    kind: Kind, checkpoint: Checkpoint, at: float, data: Mapping[str, Any], apart: str = ""
) -> Happening:
    about = {
        "stream_id": checkpoint.stream_id,
        "original_file_path": readable(checkpoint.path),
        "s3_bucket": readable(checkpoint.bucket),
        "s3_key": readable(checkpoint.key) or None,
        "stream_started_at_utc": utc_or_none(checkpoint.started_at),
    }
    return Happening(kind, checkpoint.stream_id, at, {**about, **data}, apart)


def _ended(checkpoint: Checkpoint) -> float:
    ended_at = checkpoint.ended_at
    return checkpoint.last_activity_at if ended_at is None else ended_at


def _finite(number: float | None) -> float | None:
    """JSON has no infinity."""
    return number if number is not None and isfinite(number) else None


def _plain(facts: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if facts is None:
        return None
    return {
        name: _finite(value) if isinstance(value, float) else value
        for name, value in facts.items()
    }
