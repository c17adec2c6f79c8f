"""Measures how long the event loop is kept from everything else it has to do.

While one callback computes, or waits for a disk on the loop's own thread, no part is sent, no
claim renewed and no request answered. asyncio asks its selector for news once per iteration;
between one answer and the next question it runs callbacks. So a selector that looks at the
clock measures every iteration exactly, for less than half a microsecond each.
"""

import asyncio
import selectors
import time
from collections.abc import Callable

import structlog

BLOCKED_SECONDS = 0.05
"""An iteration that takes longer than this is counted."""
WINDOW_SECONDS = 60.0
"""The longest iteration is told for one to two of these; at most one is logged in each."""

log = structlog.get_logger(__name__)


class Watchdog:
    """What it has seen of one event loop, which `make_loop` makes."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self.blocked = 0
        """Iterations that took longer than `BLOCKED_SECONDS`."""
        self._now = now
        self._begun = False
        self._longest = self._longest_before = 0.0
        self._window_ends = 0.0
        self._said_until = 0.0

    def make_loop(self) -> asyncio.AbstractEventLoop:
        """A loop of asyncio's own kind, watched over."""
        return asyncio.SelectorEventLoop(TimedSelector(self._now, self.ran))

    def begin(self) -> None:
        """From now on something waits for the loop: what a start costs before is no harm."""
        self._begun = True

    def ran(self, seconds: float) -> None:
        """An iteration took so long."""
        if not self._begun:
            return
        if seconds > self._longest or seconds > BLOCKED_SECONDS:
            self._note(seconds)

    def longest_seconds(self) -> float:
        """The longest iteration of the last one to two minutes."""
        self._turn_windows()
        return max(self._longest, self._longest_before)

    def _note(self, seconds: float) -> None:
        self._turn_windows()
        self._longest = max(self._longest, seconds)
        if seconds <= BLOCKED_SECONDS:
            return
        self.blocked += 1
        now = self._now()
        if now >= self._said_until:
            self._said_until = now + WINDOW_SECONDS
            log.warning("the event loop was blocked", seconds=round(seconds, 3))

    def _turn_windows(self) -> None:
        now = self._now()
        if now < self._window_ends:
            return
        just_over = now < self._window_ends + WINDOW_SECONDS
        self._longest_before = self._longest if just_over else 0.0
        self._longest, self._window_ends = 0.0, now + WINDOW_SECONDS


class TimedSelector(selectors.DefaultSelector):
    """Tells the time between the end of one `select` and the beginning of the next."""

    def __init__(self, now: Callable[[], float], ran: Callable[[float], None]) -> None:
        super().__init__()
        self._now, self._ran = now, ran
        self._answered: float | None = None

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """See selectors; notes the time around it."""
        if self._answered is not None:
            self._ran(self._now() - self._answered)
        found = super().select(timeout)
        self._answered = self._now()
        return found
