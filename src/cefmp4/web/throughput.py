"""How many bytes landed in the store, second by second, for the last ten minutes.

Kept also while nobody looks: it costs one number a second.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import NoReturn

STEP_SECONDS = 1.0
POINTS = 600


class Throughput:
    """Reads a total that only grows."""

    def __init__(self, total_bytes: Callable[[], int]) -> None:
        self._total_bytes = total_bytes
        self._counted, self._counted_at = total_bytes(), time.monotonic()
        self.points: deque[tuple[float, float]] = deque(maxlen=POINTS)
        """When (Unix time), and bytes per second in the step before; the oldest first."""

    @property
    def bytes_per_second(self) -> float:
        """In the last whole step."""
        return self.points[-1][1] if self.points else 0.0

    def count(self, at: float, monotonic: float) -> None:
        """A step is over."""
        total, seconds = self._total_bytes(), max(monotonic - self._counted_at, 0.001)
        self.points.append((round(at, 1), round((total - self._counted) / seconds, 1)))
        self._counted, self._counted_at = total, monotonic

    async def keep(self) -> NoReturn:
        """Count every second, until cancelled."""
        while True:
            await asyncio.sleep(STEP_SECONDS)
            self.count(time.time(), time.monotonic())
