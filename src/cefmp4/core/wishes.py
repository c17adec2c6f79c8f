"""Which wishes of a person still ask for something, and how they are answered.

What follows from a wish is in `plan`. The command line and the page answer in the same words.
"""

from typing import assert_never

from cefmp4.core.model import (
    LIVE,
    PARKED,
    RETRIED,
    SET_ASIDE,
    STORED,
    UNSTORED,
    Checkpoint,
    Status,
    Wish,
)


def concerns(wish: Wish, checkpoint: Checkpoint) -> bool:
    """Whether there is something to do for it, the stream standing as it does.

    A wish that was fulfilled asks for nothing any more, and neither does one that came
    too late: so it may be heard again after a crash.
    """
    match wish:
        case Wish.RETRY:
            return checkpoint.holds_path and checkpoint.status in SET_ASIDE
        case Wish.ABORT:
            return checkpoint.holds_path and checkpoint.status in UNSTORED | PARKED
        case _:
            assert_never(wish)


def why_not(wish: Wish, stream: Checkpoint) -> str:
    """Why the wish asks for nothing, the stream standing as it does."""
    if stream.status in LIVE - STORED and wish is Wish.RETRY:
        return "nothing to retry: it is being worked on"
    if stream.status in STORED:
        return f"nothing to {wish}: it is stored"
    return f"nothing to {wish}: {stream.status} ({stream.reason})"


def outcome(wish: Wish, now: Checkpoint, *, left: bool) -> str:
    """What the daemon has made of a wish; `left` when it is still to be fulfilled."""
    if left:
        return f"noted: the daemon has not done it yet, see cefmp4 show {now.stream_id}"
    if now.reason == RETRIED:
        return "begins anew, as a new stream"
    if now.status in STORED:
        return "stored"
    if now.status is Status.DELETED_LOCALLY:
        return "its recording is gone; nothing of it is left in the store"
    if wish is Wish.ABORT and now.status is Status.ABORTED:
        return "aborted; nothing of it is left in the store"
    if now.status in SET_ASIDE:
        return f"still {now.status}: {now.reason}. {now.hint}".rstrip()
    return "taken up where it was" if wish is Wish.RETRY else now.status.value
