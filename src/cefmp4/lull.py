"""A recording that only grows: while its next part is not full, there is nothing to decide.

A thousand recorders that write all the time would otherwise cost a look, a plan and a new
timer for each of them on every tick, always with the same answer. So what the tick has seen
of such a recording is only noted, as what is true now; the timer stands as it was set, and
when it fires too early for what was noted since, it is set for the rest.

What must stay true: a lull is found out by `plan`, which had nothing to do but to wait for
quiet. Everything that could change its answer, but for growth below the end of the next
part, ends it: then the whole look is taken, as ever.
"""

from collections.abc import Callable
from contextlib import suppress

from cefmp4.core.actions import Plan
from cefmp4.core.facts import Facts
from cefmp4.core.model import Checkpoint, FileVersion, Status
from cefmp4.errors import ChunkProcessingError
from cefmp4.sight import Sight


class Lull:
    """Of one stream. All times are monotonic seconds."""

    __slots__ = ("_below_bytes", "_patience_seconds", "_sight")

    def __init__(self, sight: Sight) -> None:
        self._sight = sight
        self._below_bytes = 0
        """A smaller file has no further part due; 0 when there is no lull."""
        self._patience_seconds = 0.0
        """After so long without a change something is to be decided."""

    def decided(self, facts: Facts, checkpoint: Checkpoint | None, decision: Plan) -> None:
        """A look was taken: does it leave anything to wait for but bytes, or quiet?"""
        self._below_bytes = 0
        version, wait_seconds = facts.version, decision.look_again_seconds
        if decision.actions or wait_seconds is None or checkpoint is None or version is None:
            return
        told_more = facts.inspection or facts.close_seen or facts.moved_to or facts.wish
        growing = checkpoint.status is Status.ACTIVE and checkpoint.seal is None
        at_home = version.inode == checkpoint.identity[1]
        if growing and at_home and not checkpoint.completing and not told_more:
            self._below_bytes = checkpoint.geometry.end_above(version.size_bytes)
            self._patience_seconds = facts.quiet_seconds + wait_seconds

    def note(self, version: FileVersion, now: float) -> bool:
        """Take in what the tick has seen; False when it calls for a look."""
        sight, before = self._sight, self._sight.version
        if not version.size_bytes < self._below_bytes or before is None or self._is_over:
            return False
        if version.identity != before.identity or version.size_bytes < before.size_bytes:
            return False
        sight.observe(version, version.inode, now)
        return True

    def left_seconds(self, now: float, stat: Callable[[], FileVersion | None]) -> float:
        """How long nothing is to be decided, if nothing is written; 0 when there is no lull.

        One that seems quiet for long enough is asked for by `stat`: whoever writes once a
        second is often a moment ahead of the tick.
        """
        if not self._below_bytes or self._is_over:
            return 0.0
        if not self._patience_left(now):
            with suppress(ChunkProcessingError):  # the look that follows meets it again
                there = stat()
                if there is None or not self.note(there, now):
                    return 0.0
        return self._patience_left(now)

    def _patience_left(self, now: float) -> float:
        return max(0.0, self._sight.since + self._patience_seconds - now)

    @property
    def _is_over(self) -> bool:
        """More than its growth was heard of it since."""
        sight = self._sight
        return sight.close_seen or sight.inspection is not None or sight.wish is not None
