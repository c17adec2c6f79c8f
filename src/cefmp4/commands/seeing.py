"""How a command sees the streams of a daemon, wherever that runs.

To look makes the daemon say how things stand, now and for as long as somebody looks on.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from cefmp4.adapters.checkpoints import RedisCheckpoints
from cefmp4.elsewhere import View, rows_of
from cefmp4.errors import RedisOperationError
from cefmp4.ports import Outline, Presence

FIGURES_SECONDS = 2.5
"""A daemon that lives has said something new by then."""
FRESH_SECONDS = 6.0
ASK_SECONDS = 0.1


class Onlooker:
    """Looks at one instance, once or again and again."""

    def __init__(
        self,
        checkpoints: RedisCheckpoints,
        outlines: Callable[[], Awaitable[Sequence[Outline]]],
    ) -> None:
        """`outlines`: those of the streams it wants to see."""
        self._checkpoints, self._outlines = checkpoints, outlines
        self._told_at: float | None = None
        """What the daemon's clock showed when it last said something."""
        self._heard_at: float | None = None
        """When that was new here, monotonic; None: it was found, and may be old."""

    async def look_once(self) -> View:
        """Wait a little for what is true now, if a daemon lives."""
        looked_on = await self._watch()
        self._hear(await self._checkpoints.presence(), new=looked_on)
        deadline = time.monotonic() + FIGURES_SECONDS
        while not self._is_fresh() and time.monotonic() < deadline:
            if await self._checkpoints.holder() is None:
                break
            await asyncio.sleep(ASK_SECONDS)
            self._hear(await self._checkpoints.presence(), new=True)
        return await self.look()

    async def look(self) -> View:
        """What is there now. Raises RedisOperationError."""
        checkpoints = self._checkpoints
        await self._watch()
        holder = await checkpoints.holder()
        shown = await checkpoints.shown()
        outlines = await self._outlines()
        self._hear(shown.presence, new=True)
        return View(
            checkpoints.instance,
            time.time(),
            {outline.checkpoint.stream_id: outline for outline in outlines},
            rows_of(outlines, shown, works=holder is not None),
            shown.presence if holder else None,
            str(holder) if holder else "",
            self._is_fresh(),
        )

    async def _watch(self) -> bool:
        """Whether somebody did already. Whoever may only read sees older figures."""
        with suppress(RedisOperationError):
            return await self._checkpoints.watch()
        return False

    def _hear(self, presence: Presence | None, *, new: bool) -> None:
        """`new`: what was not heard before was said just now."""
        told_at = presence.at if presence else None
        if told_at == self._told_at:
            return
        self._heard_at = time.monotonic() if new and told_at is not None else None
        self._told_at = told_at

    def _is_fresh(self) -> bool:
        heard = self._heard_at
        return heard is not None and time.monotonic() - heard < FRESH_SECONDS
