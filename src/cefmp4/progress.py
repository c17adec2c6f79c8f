"""How a stream gets on: what it waits for and why, since when, and what stands in its way.

For people only, nothing is decided by it, and nothing of it outlives the process. Times
are monotonic seconds.
"""

from dataclasses import dataclass

from cefmp4.errors import CefMP4Error


@dataclass(frozen=True, slots=True)
class Trouble:
    """What failed last, and since when nothing has succeeded."""

    error: str
    hint: str
    since: float


@dataclass(slots=True)
class Progress:
    """Of one stream."""

    why: str = ""
    """The reason of the last decision."""
    why_since: float = 0.0
    trouble: Trouble | None = None
    due_since: float | None = None
    """Since when something has been due, and nothing of it was done; None when nothing is."""
    _achieved: tuple[int, int] = (0, 0)

    def decided(self, why: str, now: float, *, due: bool, achieved: tuple[int, int]) -> bool:
        """What a look led to; whether it is another reason. `achieved` grows with each step.

        Of a reason that only counts on, as `sealed: 3 of 5 parts sent`, the time stands.
        """
        if not due:
            self.due_since = None
        elif self.due_since is None or achieved != self._achieved:
            self.due_since = now
        self._achieved = achieved
        if why == self.why:
            return False
        if why.partition(":")[0] != self.why.partition(":")[0]:
            self.why_since = now
        self.why = why
        return True

    def failed(self, error: Exception, now: float) -> None:
        """Something that was due did not succeed."""
        hint = error.hint if isinstance(error, CefMP4Error) else "please report this"
        since = self.trouble.since if self.trouble else now
        self.trouble = Trouble(str(error) or type(error).__name__, hint, since)
        self.due_since = now if self.due_since is None else self.due_since

    def noted(self, now: float, achieved: tuple[int, int]) -> None:
        """Somebody looks in the middle of a turn: what was achieved in it counts from now."""
        if self.due_since is not None and achieved != self._achieved:
            self._achieved, self.due_since = achieved, now

    def stuck_seconds(self, now: float) -> float:
        """For how long something has been due while nothing was achieved."""
        return 0.0 if self.due_since is None else now - self.due_since
