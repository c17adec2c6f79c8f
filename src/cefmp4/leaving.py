"""The last line of a run: what is left, as far as this daemon knows.

What must stay true: nothing is called stored that may not be. What is under way counts as
unfinished until its end is known here, and where not everything was looked at, or the
watched directory is away, nothing is said of all.
"""

from dataclasses import dataclass

import structlog

from cefmp4.core.model import LIVE, SET_ASIDE
from cefmp4.stream import Stream
from cefmp4.supervisor import Supervisor

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Left:
    """What a daemon leaves behind."""

    unfinished: int
    """Recordings that the next start goes on with."""
    set_aside: int
    """Those that nothing more happens to without a person: failed, refused, aborted."""
    all_known: bool
    """There are no others: every recording was looked at."""
    unreadable: int = 0
    """Files and directories that cannot be read: what is in them nobody knows."""


def left_by(supervisor: Supervisor | None) -> Left:
    """None: it has not come so far as to look at anything."""
    if supervisor is None:
        return Left(0, 0, all_known=False)
    doubted = len(supervisor.stored) + supervisor.hidden.left
    return Left(
        sum(map(_is_unfinished, supervisor.roster)) + doubted,
        sum(map(_is_set_aside, supervisor.roster)) + supervisor.shelf.set_aside,
        all_known=supervisor.all_known,
        unreadable=supervisor.world.horizon.unreadable,
    )


def _is_unfinished(stream: Stream) -> bool:
    cp = stream.checkpoint
    if cp is None:
        return stream.may_begin
    superseded = cp.status in SET_ASIDE and not cp.holds_path  # what stands there begins anew
    return cp.status in LIVE or stream.wished or superseded


def _is_set_aside(stream: Stream) -> bool:
    """It has ended just now, and was cut off before anybody took notice of it."""
    cp = stream.checkpoint
    return cp is not None and cp.holds_path and not _is_unfinished(stream)


def say_farewell(left: Left, *, how: str = "stopped") -> None:
    """Say what is left; nothing more is said by this run."""
    if not left.all_known:
        known = {"unfinished_at_least": left.unfinished} if left.unfinished else {}
        log.info(f"{how} before everything was looked at: the next start goes on", **known)
        return
    if left.unfinished:
        what = "the next start goes on with what is unfinished"
    elif left.set_aside:
        what = "nothing is unfinished, but some are set aside: see cefmp4 streams"
    else:
        what = "everything seen so far and still there is stored"
    counts = {"unfinished": left.unfinished, "set_aside": left.set_aside}
    if left.unreadable:
        what, counts["unreadable"] = f"{what}; not all can be read", left.unreadable
    log.info(f"{how}: {what}", **counts)
