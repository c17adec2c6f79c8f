"""What keeps this instance as a whole from its work, for whoever looks.

Whoever knows of something tells it until it is over; what is told once more keeps the time
at which it began. For people only: nothing is decided by it.
"""

from collections.abc import Callable
from dataclasses import dataclass

Told = tuple[str, str]
"""Why, and what a person can do about it; the hint may be empty."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Times are seconds since the epoch, UTC."""

    what: str
    """A word for programs, as `store`."""
    why: str
    hint: str
    since: float


class Problems:
    """At most one of each `what`."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._told: dict[str, Problem] = {}
        self._watched: dict[str, Callable[[], Told | None]] = {}

    def tell(self, what: str, why: str, hint: str = "") -> None:
        """It is so, or is still so."""
        before = self._told.get(what)
        since = before.since if before else self._now()
        self._told[what] = Problem(what, why, hint, since)

    def over(self, what: str) -> None:
        """It is not so any more, if it ever was."""
        self._told.pop(what, None)

    def watch(self, what: str, ask: Callable[[], Told | None]) -> None:
        """Have this asked whenever somebody looks."""
        self._watched[what] = ask

    def get(self, what: str) -> Problem | None:
        return self._told.get(what)

    def look(self) -> list[Problem]:
        """All there are now, the oldest first."""
        for what, ask in self._watched.items():
            if told := ask():
                self.tell(what, *told)
            else:
                self.over(what)
        return sorted(self._told.values(), key=lambda problem: problem.since)
