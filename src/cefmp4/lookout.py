"""All streams at one moment, for everybody who looks: pages, figures, alarms, other hosts.

Looking costs some microseconds a stream, so it is done at most once a second however many
look (who watches for stalls does every ten seconds), and in slices between which the streams
go on. What must stay true: nothing here is ever waited for by a stream, and nothing is
decided by it.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from cefmp4.core.safety import Safety
from cefmp4.ports import Clock
from cefmp4.rows import STALLED, Moment, Row, row_of
from cefmp4.stream import Stream
from cefmp4.unhurried import unhurried

FRESH_SECONDS = 0.9
ROWS_AT_A_TIME = 200
"""Some 4 ms."""
CLOCK_STEP_SECONDS = 1.0
"""The clock on the wall was set when it is off by more than that."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """Every stream that has not ended, as it stood at one moment."""

    at: float = 0.0
    """Seconds since the epoch, UTC."""
    rows: Mapping[str, Row] = field(default_factory=dict)
    """By stream id."""
    statuses: Mapping[str, int] = field(default_factory=dict)
    """How many there are of each status."""
    unsent_bytes: int = 0
    at_risk_seconds: float = 0.0
    """Age of the oldest byte that is not in the store; 0 when all are."""
    at_risk: int = 0
    """How many are."""
    changes: int = 0
    """Counts on whenever any row is another, new or gone."""

    @property
    def stalled(self) -> list[Row]:
        return [row for row in self.rows.values() if row.status == STALLED]


class Lookout:
    """Looks at the streams, at most once a second."""

    def __init__(
        self,
        streams: Callable[[], Iterable[Stream]],
        clock: Clock,
        stalled_after_seconds: float,
    ) -> None:
        self._streams, self._clock = streams, clock
        self._stalled_after_seconds = stalled_after_seconds
        self._epoch = clock.now() - clock.monotonic()
        self._last = Sighting()
        self._looked_at: float | None = None
        self._looking = asyncio.Lock()

    async def look(self) -> Sighting:
        """What is true now, or was less than a second ago."""
        async with self._looking:
            now = self._clock.monotonic()
            if self._looked_at is None or now - self._looked_at >= FRESH_SECONDS:
                self._last = await self._look(self._moment())
                self._looked_at = now
            return self._last

    def _moment(self) -> Moment:
        now = self._clock.monotonic()
        epoch = self._clock.now() - now
        if abs(epoch - self._epoch) > CLOCK_STEP_SECONDS:
            self._epoch = epoch
        return Moment(now, self._epoch)

    async def _look(self, moment: Moment) -> Sighting:
        rows: dict[str, Row] = {}
        before, changed = self._last.rows, False
        async for stream in unhurried(list(self._streams()), ROWS_AT_A_TIME):
            if stream.ended or (stream.has_nothing and not stream.failures):
                continue  # what cannot be looked at may hold anything
            row = row_of(stream, moment, self._stalled_after_seconds)
            was = before.get(row.stream_id)
            if was is not None and was == row:
                row = was  # the very same, so that nobody has to compare it again
            else:
                changed = True
            rows[row.stream_id] = row
        changed |= len(rows) != len(before)
        at = moment.unix(moment.now)
        oldest = min((row.at_risk_since or at for row in rows.values()), default=at)
        return Sighting(
            at,
            rows,
            Counter(row.status for row in rows.values()),
            sum(row.unsent_bytes for row in rows.values()),
            max(0.0, at - oldest),
            sum(row.verdict is Safety.AT_RISK for row in rows.values()),
            self._last.changes + changed,
        )
