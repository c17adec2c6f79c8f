"""Log lines of libraries that come again and again: once a minute, with their number.

A library says the same for every request that fails, and nobody bounds it. Our own lines
are bounded where they are written, and pass.
"""

import logging
import time
from collections.abc import Callable

QUIET_SECONDS = 60.0
REMEMBERED = 200
"""Different lines; when there are more, all are forgotten."""


class Repeats(logging.Filter):
    """Lets the first line of a kind pass, and then one a minute; a filter of a handler."""

    def __init__(self, ours: str, now: Callable[[], float] = time.monotonic) -> None:
        """Everything below the logger `ours` passes."""
        super().__init__()
        self._ours = ours
        self._now = now
        self._said: dict[tuple[str, str], tuple[float, int]] = {}
        """When a line was written last, and how many were not since."""

    def filter(self, record: logging.LogRecord) -> bool:
        """See logging.Filter."""
        if record.name == self._ours or record.name.startswith(f"{self._ours}."):
            return True
        kind, now = (record.name, str(record.msg)), self._now()
        at, left_out = self._said.get(kind, (now - QUIET_SECONDS, 0))
        if now - at < QUIET_SECONDS:
            self._said[kind] = at, left_out + 1
            return False
        if len(self._said) >= REMEMBERED:
            self._said.clear()
        self._said[kind] = now, 0
        if left_out:
            record.msg, record.args = f"{record.getMessage()} (and {left_out} times more)", ()
        return True
