"""Tells of every recording that gets nowhere: once when that begins, once when it is over.

Nobody looks at a page all day. What must stay true: one that stays stalled is not told of
again, so a log or an alarm counts recordings, not seconds. Whoever could not be told, as
while the state server is away, is told at a later look, if it still is so.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import NoReturn

import structlog

from cefmp4.errors import CefMP4Error, Fenced
from cefmp4.lookout import Lookout, Sighting
from cefmp4.retry import is_worth_a_line
from cefmp4.rows import Row

LOOK_INTERVAL_SECONDS = 10.0

log = structlog.get_logger(__name__)

OnStalled = Callable[[Row], Awaitable[None]]
"""Told of each that has become stalled. Returns soon; the next look waits for it. What raises
a CefMP4Error is told once more at the next look."""


async def watch_stalls(
    lookout: Lookout,
    on_stalled: OnStalled,
    interval_seconds: float = LOOK_INTERVAL_SECONDS,
) -> NoReturn:
    """Look every ten seconds, until cancelled. Raises Fenced as `on_stalled` does."""
    stalls = Stalls(on_stalled)
    while True:
        await asyncio.sleep(interval_seconds)
        await stalls.take_in(await lookout.look())


class Stalls:
    """Those that are stalled, by stream id."""

    def __init__(self, on_stalled: OnStalled) -> None:
        self._on_stalled = on_stalled
        self._stalled: dict[str, Row] = {}
        self._untold: set[str] = set()
        """Of which only the log was told yet."""
        self._failures = 0

    async def take_in(self, sighting: Sighting) -> None:
        """Say what has changed since the last time."""
        before = self._stalled
        now = self._stalled = {row.stream_id: row for row in sighting.stalled}
        for stream_id in before.keys() - now.keys():
            self._untold.discard(stream_id)
            row = sighting.rows.get(stream_id)
            log.info(
                "no longer stalled",
                stream_id=stream_id,
                file_path=before[stream_id].path,
                why=row.why if row else "it has ended",
            )
        for stream_id in now.keys() - before.keys():
            self._untold.add(stream_id)
            _say(now[stream_id])
        await self._tell()

    async def _tell(self) -> None:
        """All that is left. The first that fails ends it: what is in its way is in theirs."""
        for stream_id in sorted(self._untold):
            try:
                await self._on_stalled(self._stalled[stream_id])
            except Fenced:
                raise
            except CefMP4Error as error:
                self._failures += 1
                if is_worth_a_line(self._failures):
                    log.warning(
                        "stalled, but that could not be told",
                        error=str(error),
                        hint=error.hint,
                        streams=len(self._untold),
                        failures=self._failures,
                    )
                return
            self._untold.discard(stream_id)
            self._failures = 0


def _say(row: Row) -> None:
    log.warning(
        "stalled",
        stream_id=row.stream_id,
        file_path=row.path,
        why=row.why,
        since=datetime.fromtimestamp(row.since, UTC).isoformat(timespec="seconds"),
        hint=row.hint,
    )
