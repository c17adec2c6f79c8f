"""Who may work now: a bounded number of slots, handed out by urgency, then in turn.

Recordings that have ended go first, because people wait for them; among equals the longest
waiting goes next. Every fourth slot goes to the one that waits longest of all, so that a
steady supply of urgent work starves nobody: who has p others before it waits for at most
4 (p + 1) slots. Closing the slots is how the daemon stops: those who hold one finish, those
who wait are told to leave.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import IntEnum

from cefmp4.errors import Stopping

TURN_OF_THE_LONGEST = 4
"""Of so many slots that are handed over, one goes to whoever waits longest."""


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
        self.waiting = 0
        """How many wait for a slot."""
        self.closed = False
        self._arrivals = 0
        self._handed_over = 0
        self._lines: dict[int, deque[tuple[int, asyncio.Future[None]]]] = {}

    def close(self) -> None:
        """Let nobody in any more; all who wait, or come later, get Stopping."""
        self.closed = True
        for line in self._lines.values():
            for _, turn in line:
                if not turn.done():
                    turn.set_exception(Stopping())
        self._lines.clear()
        self.waiting = 0

    def resize(self, limit: int) -> None:
        """So many from now on. With fewer than are used, none is let in until some leave."""
        self.limit = limit
        while self.used < self.limit and self._hand_over():
            self.used += 1

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
        if self.used < self.limit and not self._lines:
            self.used += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._arrivals += 1
        self._lines.setdefault(urgency, deque()).append((self._arrivals, turn))
        self.waiting += 1
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self.waiting -= not self.closed  # closing has sent all of them away
            elif turn.exception() is None:
                self._release()  # the slot was handed over just as we were cancelled
            raise

    def _release(self) -> None:
        if self.used > self.limit or not self._hand_over():
            self.used -= 1  # else the slot changes hands

    def _hand_over(self) -> bool:
        """Let the next one in, if anybody waits."""
        self._forget_those_who_left()
        if not self._lines:
            return False
        self._handed_over += 1
        lines = self._lines
        next_line = min(lines)
        if self._handed_over % TURN_OF_THE_LONGEST == 0:
            next_line = min(lines, key=lambda urgency: lines[urgency][0][0])
        _, turn = lines[next_line].popleft()
        turn.set_result(None)
        self.waiting -= 1
        self._forget_those_who_left()
        return True

    def _forget_those_who_left(self) -> None:
        """From the heads of the lines, and lines without anybody."""
        for urgency, line in list(self._lines.items()):
            while line and line[0][1].done():
                line.popleft()
            if not line:
                del self._lines[urgency]
