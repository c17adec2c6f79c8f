"""What the pages are made of: what there is from the first second, and what comes later.

A daemon that waits for its store has no streams yet, but a person must see why nothing
happens. So the desk stands at once, and is given the `Works` when they run.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass

from aiohttp import web

from cefmp4.core.model import Checkpoint, Wish
from cefmp4.lookout import Lookout, Sighting
from cefmp4.metrics import Metrics
from cefmp4.past import Past
from cefmp4.problems import Problems
from cefmp4.readiness import Readiness
from cefmp4.rows import Row, row_at_the_end
from cefmp4.stream import Stream
from cefmp4.web.showing import About, Figures, Json, summary_json
from cefmp4.web.throughput import Throughput
from cefmp4.web.view import Page, Pages, Table, View
from cefmp4.world import World

STARTING = "the daemon is still starting: see what it waits for at /readyz\n"


@dataclass(frozen=True, slots=True)
class Works:
    """What runs once the daemon is under way."""

    world: World
    lookout: Lookout
    past: Past
    streams: Callable[[], Iterable[Stream]]
    has_gone_through: Callable[[], bool]
    """The watched directory was gone through once since the start."""
    hear: Callable[[Mapping[str, Wish]], Awaitable[None]]
    """Brings a person's wishes to the streams."""
    scan_now: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Found:
    """One recording, as far as it is known."""

    row: Row
    checkpoint: Checkpoint | None
    in_flight: frozenset[int] = frozenset()

    def is_like(self, other: "Found") -> bool:
        """Nothing else would be told of it. Checkpoints are values: another one is new."""
        same = self.checkpoint is other.checkpoint and self.in_flight == other.in_flight
        return same and self.row == other.row


class Desk:
    """One for the web server."""

    def __init__(
        self, about: About, metrics: Metrics, problems: Problems, readiness: Readiness
    ) -> None:
        self.about, self.metrics = about, metrics
        self.problems, self.readiness = problems, readiness
        self.works: Works | None = None
        self.throughput = Throughput(lambda: metrics.work.sent_bytes)
        self.name_of = about.name_of
        self.pages = Pages(self.name_of)
        self._sorting = asyncio.Lock()
        self._counted: tuple[int, float] | None = None
        self._figures = (0, 0)

    @property
    def running(self) -> Works:
        """Raises HTTPServiceUnavailable while the daemon is starting."""
        if self.works is None:
            raise web.HTTPServiceUnavailable(text=STARTING, headers={"Retry-After": "2"})
        return self.works

    async def look(self) -> tuple[Sighting, Table]:
        """All streams now; empty while there are none yet."""
        works = self.works
        if works is None:
            return Sighting(time.time()), Table({}, {}, 0, 0)
        sighting = await works.lookout.look()
        past = works.past
        return sighting, Table(sighting.rows, past.rows, sighting.changes, past.changes)

    async def page(self, view: View, table: Table) -> Page:
        """What a view shows. Sorting takes some ms: one at a time, and others in between."""
        async with self._sorting:
            page = self.pages.page(view, table)
            await asyncio.sleep(0)
            return page

    def summary(self, sighting: Sighting, now: float) -> Json:
        problems = self.problems.look()
        return summary_json(self.about, now, sighting, self._figures_now(now), problems)

    def _figures_now(self, now: float) -> Figures:
        works, rate = self.works, self.throughput.bytes_per_second
        if works is None:
            return Figures(bytes_per_second=rate, starting=True)
        midnight = _midnight(now)
        if self._counted != (works.past.changes, midnight):
            self._counted = (works.past.changes, midnight)
            stored = works.past.stored_since(midnight)
            self._figures = (stored, works.past.not_stored().total())
        flow = works.world.flow
        return Figures(
            *self._figures,
            bytes_per_second=rate,
            slots_used=flow.parts.used,
            slots_limit=flow.parts.limit,
            rate_limit_bytes_per_second=flow.pace.bytes_per_second or 0,
            gone_through=works.has_gone_through(),
        )

    async def find(self, stream_id: str, sighting: Sighting) -> Found | None:
        """One recording, whether it is at work, has ended, or is only remembered.

        Raises RedisOperationError when it has ended and its checkpoint cannot be read.
        """
        works = self.running
        if (living := self.living(stream_id, sighting)) is not None:
            return living
        checkpoint = await works.world.checkpoints.load(stream_id)
        row = works.past.get(stream_id)
        if row is None and checkpoint is not None:
            row = row_at_the_end(checkpoint)
        return Found(row, checkpoint) if row else None

    def living(self, stream_id: str, sighting: Sighting) -> Found | None:
        """The same of one that has not ended, at once."""
        row, stream = sighting.rows.get(stream_id), self.stream(stream_id)
        if row is None or stream is None:
            return None
        return Found(row, stream.checkpoint, frozenset(stream.sight.in_flight))

    def stream(self, stream_id: str) -> Stream | None:
        """The stream of this id, if it is at work."""
        streams = self.works.streams() if self.works else ()
        return next((stream for stream in streams if stream.stream_id == stream_id), None)


def _midnight(now: float) -> float:
    """When this day has begun here, by the clock on the wall."""
    today = time.localtime(now)
    return time.mktime((today.tm_year, today.tm_mon, today.tm_mday, 0, 0, 0, 0, 0, -1))
