"""No faster than people allow: tells each sender how much to send, and how long to wait.

One line for all parts, kept in virtual time (GCRA): whoever reserves is told when the bytes
before its own will have been sent at the allowed rate, and takes its place behind them. It
never sleeps, so a coroutine and a thread can both use it. Slices are small enough that each
part in flight gets one about every second, however low the rate: a store must not take a
part that waits for its turn for a dead connection.

What must stay true: over any stretch of time no more is granted for it than the rate times
its length, `BURST_SECONDS` of the rate and one slice.
"""

import threading
from collections.abc import Callable
from typing import NamedTuple

BURST_SECONDS = 0.2
"""What was not used is made up for, but no more of it than this."""
SLICE_SECONDS = 0.1
LEAST_SLICE_BYTES = 1024


class Grant(NamedTuple):
    """So many bytes may be sent, after waiting so long."""

    size_bytes: int
    wait_seconds: float


class Pace:
    """The limit of the rate at which everything is sent. One for the daemon; thread-safe."""

    def __init__(self, monotonic: Callable[[], float], senders: int = 1) -> None:
        """`senders` is how many may wait at the same time."""
        self._monotonic = monotonic
        self._slice_seconds = min(SLICE_SECONDS, 1.0 / senders)
        self._lock = threading.Lock()
        self._rate: int | None = None
        self._free_at = 0.0
        """When all that was granted will have been sent."""

    @property
    def bytes_per_second(self) -> int | None:
        """The limit in force; None is none."""
        return self._rate

    @property
    def binds(self) -> bool:
        """Whoever wants to send now has to wait."""
        return self._rate is not None and self._free_at > self._monotonic()

    def set_rate(self, bytes_per_second: int | None) -> None:
        """From now on. Who waits already waits on, which is never for long."""
        with self._lock:
            now, old = self._monotonic(), self._rate
            backlog_seconds = max(0.0, self._free_at - now)
            if old is not None and bytes_per_second is not None:
                # Only ever shorter: the pause after a fall from high to low would be endless.
                backlog_seconds *= min(1.0, old / bytes_per_second)
            self._free_at = now + backlog_seconds
            self._rate = bytes_per_second

    def reserve(self, wanted_bytes: int) -> Grant:
        """Take a place in the line: for all that is wanted, or for a slice of it.

        Ask for no more than what may still go out at the old rate when that changes.
        """
        rate = self._rate
        if rate is None:
            return Grant(wanted_bytes, 0.0)
        with self._lock:
            rate = self._rate or rate  # it may just have been lifted
            size = min(wanted_bytes, max(LEAST_SLICE_BYTES, int(rate * self._slice_seconds)))
            now = self._monotonic()
            begin = max(self._free_at, now - BURST_SECONDS)
            self._free_at = begin + size / rate
            return Grant(size, max(0.0, begin - now))
