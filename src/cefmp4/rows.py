"""One line about each stream, as pages, commands and figures show it.

A row is made from what is known in this process, at one moment; nothing waits for it and
nothing is asked for it. Two rows are equal when there is nothing new to show: what only
grows with the clock is told by the time it began.
"""

from dataclasses import dataclass, replace
from typing import Any

from cefmp4.core.due import unsent_from
from cefmp4.core.model import (
    LIVE,
    STORED,
    SUPERSEDED,
    UNSTORED,
    Checkpoint,
    Status,
    Wish,
)
from cefmp4.core.safety import (
    WAITING_SECONDS,
    Safety,
    Standing,
    in_words,
    is_behind,
    safety_at_the_end,
    safety_now,
)
from cefmp4.core.wishes import concerns
from cefmp4.progress import Trouble
from cefmp4.stream import Stream

STALLED = "stalled"
"""Shown in place of the status while nothing comes of what has been due for long."""

WRITTEN = ("growing", "whole parts are due")
"""Reasons that take turns for as long as a recording is written and sent: to people, one."""
AWAY_HINT = "mount it again, or put it back: the upload goes on where it was"
SILENT_HINT = "see the store, the line to it, and the limit of the upload rate"
BEHIND_HINT = "see the limit of the upload rate, and what the line to the store can carry"
STUCK_HINT = "others may have all the slots: see MAX_CONCURRENT_STREAMS and the upload rate"


@dataclass(frozen=True, slots=True)
class Row:
    """Times are seconds since the epoch, UTC."""

    stream_id: str
    path: str
    status: str
    """A `Status`, or `STALLED`."""
    verdict: Safety
    why: str
    since: float
    """Since when it stands like this."""
    hint: str = ""
    trouble: Trouble | None = None
    failures: int = 0
    """In a row; with `trouble`."""
    disk_bytes: int | None = None
    """None: its file is not there."""
    sent_bytes: int = 0
    """What stands in the store."""
    unsent_bytes: int = 0
    at_risk_since: float | None = None
    """Since when the oldest byte has been there that is not in the store; None: all are."""
    started_at: float | None = None
    ended_at: float | None = None
    duration_seconds: float | None = None
    key: str = ""
    parts: int = 0
    resent: int = 0
    can: tuple[str, ...] = ()
    """What a person may ask for."""


@dataclass(frozen=True, slots=True)
class Moment:
    """When rows are made. `epoch` is what the monotonic clock showed 0 at, in Unix time: the
    same for all rows that are to be compared."""

    now: float
    epoch: float

    def unix(self, monotonic: float) -> float:
        return self.epoch + monotonic


def row_of(stream: Stream, moment: Moment, stalled_after_seconds: float) -> Row:
    """Of a stream that has not ended."""
    cp = stream.checkpoint
    stream.progress.noted(moment.now, stream.achieved)
    standing, at_risk_since = _standing(stream, moment.now)
    verdict = safety_now(cp.status if cp else None, standing)
    stalled = verdict is Safety.AT_RISK and standing.stuck_seconds >= stalled_after_seconds
    status = cp.status.value if cp else Status.ACTIVE.value
    why, since, hint = _why(stream, standing, at_risk_since, moment)
    trouble = stream.progress.trouble
    return Row(
        stream.stream_id,
        stream.path,
        STALLED if stalled else status,
        verdict,
        why,
        moment.unix(since),
        hint,
        trouble and Trouble(trouble.error, trouble.hint, moment.unix(trouble.since)),
        stream.failures if trouble else 0,
        stream.sight.size_bytes,
        bytes_in_store(cp) if cp else 0,
        standing.unsent_bytes,
        None if at_risk_since is None else moment.unix(at_risk_since),
        cp.started_at if cp else None,
        **_of_checkpoint(cp),
    )


def _why(
    stream: Stream, standing: Standing, at_risk_since: float | None, moment: Moment
) -> tuple[str, float, str]:
    """Why it stands as it does, since when (monotonic), and what a person can do."""
    progress, due_since = stream.progress, stream.progress.due_since
    if progress.trouble is not None:
        return progress.trouble.error, progress.trouble.since, progress.trouble.hint
    if standing.away:
        return progress.why, progress.why_since, AWAY_HINT
    if is_behind(standing) and at_risk_since is not None:
        if due_since is not None and progress.stuck_seconds(moment.now) > WAITING_SECONDS:
            return "no part of it gets through to the store", due_since, SILENT_HINT
        return "it is sent more slowly than it is written", at_risk_since, BEHIND_HINT
    if due_since is not None and standing.stuck_seconds > WAITING_SECONDS:
        return f"{progress.why}, but nothing comes of it", due_since, STUCK_HINT
    cp = stream.checkpoint
    if cp is not None and cp.seal is None and progress.why in WRITTEN:
        return WRITTEN[0], cp.started_at - moment.epoch, ""
    return progress.why, progress.why_since, ""


def row_at_the_end(checkpoint: Checkpoint, disk_bytes: int | None = None) -> Row:
    """Of a stream that has ended, with or without its parts.

    `disk_bytes` is what was seen of its file last, where anybody looked.
    """
    cp, size = checkpoint, bytes_in_store(checkpoint)
    if disk_bytes is None and cp.seal:
        disk_bytes = cp.seal.version.size_bytes
    if cp.disposed or cp.status is Status.DELETED_LOCALLY or cp.reason in SUPERSEDED:
        disk_bytes = None
    return Row(
        cp.stream_id,
        cp.path,
        cp.status.value,
        safety_at_the_end(cp),
        in_words(cp.reason),
        cp.ended_at or cp.last_activity_at,
        cp.hint,
        disk_bytes=disk_bytes,
        sent_bytes=size,
        unsent_bytes=max(0, (disk_bytes or 0) - size),
        started_at=cp.started_at,
        **_of_checkpoint(cp),
    )


def without_file(row: Row) -> Row:
    """The same once its recording is gone from the disk."""
    why = f"{row.why}; its recording is gone"
    return replace(
        row, verdict=Safety.GIVEN_UP, why=why, hint="", disk_bytes=None, unsent_bytes=0
    )


def bytes_in_store(cp: Checkpoint, bytes_sent: int | None = None) -> int:
    """What stands there of it: nothing of what was aborted, or was not answered yet.

    `bytes_sent` where the checkpoint is here without its parts.
    """
    if cp.stored:
        return cp.stored.size_bytes
    if not cp.parts_stand:
        return 0
    return cp.bytes_sent if bytes_sent is None else bytes_sent


def _of_checkpoint(cp: Checkpoint | None) -> dict[str, Any]:
    """What is told of any stream that has begun."""
    if cp is None:
        return {}
    parts = len(cp.parts) if cp.parts_stand else 0
    if not parts and cp.stored:
        parts = cp.geometry.parts_of(cp.stored.size_bytes)
    return {
        "ended_at": cp.ended_at,
        "duration_seconds": cp.media.duration_seconds if cp.media else None,
        "key": cp.key,
        "parts": parts,
        "resent": cp.parts_resent,
        "can": tuple(wish.value for wish in Wish if concerns(wish, cp)),
    }


def _standing(stream: Stream, now: float) -> tuple[Standing, float | None]:
    """How it stands, and since when (monotonic) its oldest unsent byte has been there."""
    cp, sight, trouble = stream.checkpoint, stream.sight, stream.progress.trouble
    size = sight.own.size_bytes if sight.own else 0
    at_risk_since, unsent = None, 0
    if cp is None:
        unsent, at_risk_since = size, sight.growth.since(0) if size else None
    elif cp.status in UNSTORED and size:
        first = unsent_from(cp, size)
        at_risk_since = None if first is None else sight.growth.since(first)
        unsent = 0 if first is None else max(size - bytes_in_store(cp), 1)
    asked = cp is not None and cp.completing  # a store may take minutes to put it together
    moving = (bool(sight.in_flight) or asked) and not stream.failures
    return (
        Standing(
            unsent,
            cp.geometry.length_of(cp.next_part_number)
            if cp
            else stream.world.policy.part_bytes,
            now - at_risk_since if at_risk_since is not None else 0.0,
            now - trouble.since if trouble else 0.0,
            0.0 if moving else stream.progress.stuck_seconds(now),
            sight.version is None and stream.world.horizon.hides(cp),
        ),
        at_risk_since,
    )


def is_over(row: Row) -> bool:
    """It has reached its end: nothing moves by itself any more."""
    return row.status not in {status.value for status in LIVE} | {STALLED}


def is_stored(row: Row) -> bool:
    return row.status in {status.value for status in STORED}
