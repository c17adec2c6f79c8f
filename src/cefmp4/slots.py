"""Who may work now: a bounded number of slots, handed out by urgency, then in turn.

Recordings that have ended go first, because people wait for them; among equals the
longest waiting goes next, so that no stream starves another. Closing the slots is how
the daemon stops: those who hold one finish, those who wait are told to leave.
"""

import asyncio
import heapq
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import IntEnum

from cefmp4.errors import Stopping


class Urgency(IntEnum):
    """Lower goes first."""

    ENDED = 0
    """The recorder has closed it: every second counts."""
    GROWING = 1


class Slots:
    """A semaphore whose waiters are served by urgency, then in the order they came."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0
        self._arrivals = 0
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self.closed = False

    def close(self) -> None:
        """Let nobody in any more; all who wait, or come later, get Stopping."""
        self.closed = True
        for _, _, turn in self._waiting:
            if not turn.done():
                turn.set_exception(Stopping())
        self._waiting.clear()

    @asynccontextmanager
    async def hold(self, urgency: int) -> AsyncIterator[None]:
        """Hold one slot; the lowest first. Raises Stopping once the slots are closed."""
        await self._acquire(urgency)
        try:
            yield
        finally:
            self._release()

    async def _acquire(self, urgency: int) -> None:
        if self.closed:
            raise Stopping
        if self.used < self.limit and not self._waiting:
            self.used += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._arrivals += 1
        heapq.heappush(self._waiting, (urgency, self._arrivals, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._release()  # the slot was handed over just as we were cancelled
            raise

    def _release(self) -> None:
        while self._waiting:
            _, _, turn = heapq.heappop(self._waiting)
            if not turn.done():
                turn.set_result(None)  # the slot changes hands; `used` stays
                return
        self.used -= 1
