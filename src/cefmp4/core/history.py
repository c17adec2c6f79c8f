"""What happened to a stream, read off the change from one checkpoint to the next.

Nobody has to remember to write it down: whatever changes a checkpoint tells its story by
the change itself, in the same atomic write. Parts are no entries, there are thousands.
"""

from collections.abc import Iterator
from dataclasses import replace

from cefmp4.core.model import LIVE, STORED, Checkpoint, Entry, Status

KEPT = 40
"""Entries of one stream: the first, how it began, and the latest ones."""


def chronicled(before: Checkpoint | None, after: Checkpoint, at: float) -> Checkpoint:
    """The next value, with what has happened since `before`."""
    new = tuple(Entry(at, what, why) for what, why in steps(before, after))
    if not new:
        return after
    history = after.history + new
    if len(history) > KEPT:
        history = (history[0], *history[-(KEPT - 1) :])
    return replace(after, history=history)


def steps(before: Checkpoint | None, after: Checkpoint) -> Iterator[tuple[str, str]]:
    """What happened, and why, in the order of a stream's life."""
    if before is None:
        yield from _first(after)
        return
    if before.path != after.path:
        yield "renamed", f"now {after.path}"
    if before.status not in LIVE and after.status in LIVE:
        yield "taken up again", "a person asked for it"
    yield from _upload(before, after)
    yield from _seal(before, after)
    yield from _completion(before, after)
    if after.described and not before.described:
        problem = after.media.problem if after.media else None
        yield "described", problem or "its metadata stand beside the object"
    if after.disposed and not before.disposed:
        yield "recording disposed of", "as AFTER_UPLOAD says"
    if after.status not in LIVE and after.status is not before.status:
        yield after.status.value, after.reason


def _first(after: Checkpoint) -> Iterator[tuple[str, str]]:
    if after.status in STORED:
        yield "recognised", after.reason or "its object stands in the store"
    elif after.status not in LIVE:
        yield "refused", after.reason
    else:
        yield "begun", after.reason or "a new recording"


def _upload(before: Checkpoint, after: Checkpoint) -> Iterator[tuple[str, str]]:
    ended = after.status not in LIVE
    if after.upload_id and after.upload_id != before.upload_id:
        yield "upload begun", "its first part is due"
    elif before.upload_id and not after.upload_id and not ended:
        yield "upload lost", after.reason
        return
    gone = len(before.parts.numbers.without(after.parts.numbers))
    if gone and after.refusals == before.refusals and before.upload_id:
        what = "1 part" if gone == 1 else f"{gone} parts"
        yield f"{what} changed", "not what the file holds: to be sent again"


def _seal(before: Checkpoint, after: Checkpoint) -> Iterator[tuple[str, str]]:
    if after.seal and before.seal is None:
        yield "sealed", after.seal.reason.value
    elif before.seal and after.seal is None and before.status in LIVE:
        yield "unsealed", after.reason


def _completion(before: Checkpoint, after: Checkpoint) -> Iterator[tuple[str, str]]:
    if after.completing and not before.completing:
        whole = "smaller than one part: it is sent whole"
        yield "completing", "every part is sent and compared" if after.upload_id else whole
    if after.stored and not before.stored:
        yield "stored", "the object was verified"
    elif after.refusals > before.refusals:
        yield "refused by the store", after.reason
    elif before.completing and not after.completing and after.status is not Status.S3_COMPLETED:
        yield "not completed", after.reason or "the store did not do it: once more"
