"""Tells of every recording that gets nowhere: once when that begins, once when it is over.

Nobody looks at a page all day. What must stay true: one that stays stalled is not told of
again, so a log or an alarm counts recordings, not seconds.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import NoReturn

import structlog

from cefmp4.errors import CefMP4Error
from cefmp4.lookout import Lookout, Sighting
from cefmp4.rows import Row

LOOK_INTERVAL_SECONDS = 10.0

log = structlog.get_logger(__name__)

OnStalled = Callable[[Row], Awaitable[None]]
"""Told of each that has become stalled. Returns soon; the next look waits for it."""


async def told_to_nobody(_: Row) -> None:
    """The log says it already."""


async def watch_stalls(
    lookout: Lookout,
    on_stalled: OnStalled,
    interval_seconds: float = LOOK_INTERVAL_SECONDS,
) -> NoReturn:
    """Look every ten seconds, until cancelled."""
    stalled: Mapping[str, Row] = {}
    while True:
        await asyncio.sleep(interval_seconds)
        stalled = await tell_stalls(stalled, await lookout.look(), on_stalled)


async def tell_stalls(
    before: Mapping[str, Row], sighting: Sighting, on_stalled: OnStalled
) -> Mapping[str, Row]:
    """Say what has changed since; those that are stalled now, by stream id."""
    now = {row.stream_id: row for row in sighting.stalled}
    for stream_id in before.keys() - now.keys():
        row = sighting.rows.get(stream_id)
        log.info(
            "no longer stalled",
            stream_id=stream_id,
            file_path=before[stream_id].path,
            why=row.why if row else "it has ended",
        )
    for stream_id in now.keys() - before.keys():
        await _tell(now[stream_id], on_stalled)
    return now


async def _tell(row: Row, on_stalled: OnStalled) -> None:
    log.warning(
        "stalled",
        stream_id=row.stream_id,
        file_path=row.path,
        why=row.why,
        since=datetime.fromtimestamp(row.since, UTC).isoformat(timespec="seconds"),
        hint=row.hint,
    )
    try:
        await on_stalled(row)
    except CefMP4Error as error:
        log.warning("stalled, but that could not be told", error=str(error), hint=error.hint)
