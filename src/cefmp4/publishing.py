"""Shows in the state server what only the daemon knows, for commands elsewhere.

Every `WATCHED_SECONDS` while somebody looks on, seldom otherwise, and only what changed
since. What must stay true: no stream ever waits for it, nothing is decided by it, and an
outage is nobody's news: the claim tells of it already. After anything that went wrong, and
after the server has lost its data, everything is said anew.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import NoReturn

import structlog

from cefmp4.errors import Fenced, RedisOperationError
from cefmp4.lookout import Sighting
from cefmp4.ports import Checkpoints, Clock, Figures, Presence
from cefmp4.ports.figures import SHOWN_SECONDS
from cefmp4.rows import Row
from cefmp4.unhurried import unhurried

WATCHED_SECONDS = 2.0
UNWATCHED_SECONDS = 30.0
ENLIST_SECONDS = 3600.0
COMPARED_AT_A_TIME = 1_000
"""Some 2 ms."""

log = structlog.get_logger(__name__)


class Publisher:
    """Says every now and then how the streams stand."""

    def __init__(
        self,
        look: Callable[[], Awaitable[Sighting]],
        checkpoints: Checkpoints,
        presence: Callable[[], Presence],
        clock: Clock,
    ) -> None:
        self._look, self._checkpoints = look, checkpoints
        self._presence, self._clock = presence, clock
        self._said: dict[str, Row] = {}
        self._said_at: float | None = None
        """None: nothing that was said is taken to stand."""
        self._losses = 0
        self._enlisted_at: float | None = None
        self._watched = False
        self._begun_to_watch = asyncio.Event()

    def heed(self, watched: bool) -> None:
        """Whether somebody looks on; whoever begins to is shown something at once."""
        if watched and not self._watched:
            self._begun_to_watch.set()
        self._watched = watched

    async def run(self) -> NoReturn:
        """Go on until cancelled. Raises Fenced once another process has the claim."""
        while True:
            self._begun_to_watch.clear()
            try:
                await self._publish()
                await self._enlist()
            except Fenced:
                raise
            except RedisOperationError as error:
                log.debug("figures not shown", error=str(error), hint=error.hint)
            seconds = WATCHED_SECONDS if self._watched else UNWATCHED_SECONDS
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._begun_to_watch.wait()

    async def _publish(self) -> None:
        now, losses = self._clock.monotonic(), self._checkpoints.losses
        stands = self._said_at is not None and now - self._said_at < SHOWN_SECONDS / 2
        if losses != self._losses:
            stands, self._enlisted_at = False, None
        rows = (await self._look()).rows
        said = self._said if stands else {}
        changed = {
            name: figures_of(row)
            async for name, row in unhurried(list(rows.items()), COMPARED_AT_A_TIME)
            if said.get(name) != row
        }
        gone = [name for name in said if name not in rows]
        self._said_at = None
        await self._checkpoints.publish(self._presence(), changed, gone, anew=not stands)
        self._said, self._said_at, self._losses = dict(rows), now, losses

    async def _enlist(self) -> None:
        now = self._clock.monotonic()
        if self._enlisted_at is not None and now - self._enlisted_at < ENLIST_SECONDS:
            return
        self._enlisted_at = now  # not asked for again at once where it is refused
        await self._checkpoints.enlist(self._clock.now())


def figures_of(row: Row) -> Figures:
    """What of a row is in no checkpoint."""
    return Figures(
        row.path,
        row.status,
        row.verdict.value,
        row.why,
        row.since,
        row.hint,
        row.trouble,
        row.failures,
        row.disk_bytes,
        row.unsent_bytes,
        row.at_risk_since,
        begun=row.started_at is not None,
    )
