"""What the daemon counts, under the names its operators were promised.

One `Metrics` per daemon, with a registry of its own: the figures of single streams
(`metrics_streams.py`), of the work as a whole (`metrics_work.py`), and gauges that are
set from what is true at every scrape, never counted up and down, so that they cannot
drift or go negative; NaN until somebody has looked. A new process begins at 0; what a
stream did before is not counted again.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import nan

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Info,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from cefmp4 import __version__
from cefmp4.core.model import LIVE, PARKED, SET_ASIDE, STORED, Status
from cefmp4.metrics_of_events import EventCounts, EventsCollector
from cefmp4.metrics_streams import StreamSeries
from cefmp4.metrics_work import Work

STALLED = "stalled"
STATUSES = (*sorted(status.value for status in LIVE | SET_ASIDE), STALLED)
"""Those that can last."""


# The `_created` series would double their number, and answer no question.
disable_created_metrics()  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True)
class Figures:
    """All streams at one moment, in numbers."""

    statuses: Mapping[str, int]
    """How many there are of each; the others have none."""
    unsent_bytes: int
    at_risk_seconds: float
    at_risk: int


class Metrics:
    """The daemon's metrics; durations in seconds, sizes in bytes."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self.registry = CollectorRegistry()
        r = self.registry
        ProcessCollector(registry=r)
        Info("cefmp4_build", "Version of the daemon.", registry=r).info(
            {"version": __version__}
        )
        self.streams = StreamSeries(r, now)
        self.work = Work(r)
        self._of_all_streams(r)
        self._of_the_instance(r)
        self._of_the_uploads(r)
        self._not_known_yet()
        self._look: Callable[[], Awaitable[Figures]] | None = None

    def _of_all_streams(self, r: CollectorRegistry) -> None:
        self.unsent_bytes = Gauge(
            "cefmp4_unsent_bytes",
            "Bytes of recordings on the disk that are not in the store yet.",
            registry=r,
        )
        self.at_risk_seconds = Gauge(
            "cefmp4_at_risk_seconds",
            "Age of the oldest byte on the disk that is not in the store, of all recordings,"
            " in seconds; 0 when all are.",
            registry=r,
        )
        self.by_status = Gauge(
            "cefmp4_streams",
            "Streams by where they stand: those under way, and of those that failed or were"
            " aborted the ones whose file is still there.",
            ["status"],
            registry=r,
        )
        self.at_risk = Gauge(
            "cefmp4_streams_at_risk",
            "Streams under way that something keeps from the store.",
            registry=r,
        )

    def _of_the_instance(self, r: CollectorRegistry) -> None:
        self.active_streams = Gauge(
            "active_streams_gauge", "Streams that have begun and not ended.", registry=r
        )
        self.streams_completed = Counter(
            "streams_completed_total",
            "Streams that ended with their object in the store, verified.",
            registry=r,
        )
        self.streams_failed = Counter(
            "streams_failed_total", "Streams that ended in a failed status.", registry=r
        )
        self.orphaned_uploads = Gauge(
            "cefmp4_orphaned_uploads",
            "Unfinished uploads of this instance that no stream uses, at the last look.",
            registry=r,
        )
        self.orphaned_bytes = Gauge(
            "cefmp4_orphaned_bytes", "Bytes the store keeps for such uploads.", registry=r
        )
        self.orphans_aborted = Counter(
            "cefmp4_orphaned_uploads_aborted_total",
            "Unfinished uploads that no stream used, and that were aborted.",
            registry=r,
        )

    def _of_the_uploads(self, r: CollectorRegistry) -> None:
        self.slots_limit = Gauge(
            "cefmp4_upload_slots_limit",
            "Parts that may be on their way at once: MAX_PARTS_IN_FLIGHT, or fewer while the"
            " store strains or the rate is limited.",
            registry=r,
        )
        self.slots_used = Gauge(
            "cefmp4_upload_slots_used", "Parts that are on their way now.", registry=r
        )
        self.slots_waiting = Gauge(
            "cefmp4_upload_slots_waiting", "Parts that wait for a slot now.", registry=r
        )
        self.rate_limit = Gauge(
            "cefmp4_upload_rate_limit_bytes_per_second",
            "The limit of the upload rate that is in force, in bytes per second; 0 is none.",
            registry=r,
        )

    def _not_known_yet(self) -> None:
        """Until streams are watched nobody has looked at them, and 0 would be a claim."""
        for gauge in (self.unsent_bytes, self.at_risk_seconds, self.at_risk):
            gauge.set(nan)
        for status in STATUSES:
            self.by_status.labels(status).set(nan)
        self.active_streams.set(nan)

    def watch_uploads(
        self,
        *,
        limit: Callable[[], float],
        used: Callable[[], float],
        waiting: Callable[[], float],
        bytes_per_second: Callable[[], float],
    ) -> None:
        """Read these gauges from what hands out slots and paces, at every scrape."""
        self.slots_limit.set_function(limit)
        self.slots_used.set_function(used)
        self.slots_waiting.set_function(waiting)
        self.rate_limit.set_function(bytes_per_second)

    def watch_loop(self, blocked: Callable[[], int], longest: Callable[[], float]) -> None:
        """Tell of the event loop, as read from its watchdog at every scrape."""
        self.registry.register(LoopCollector(blocked, longest))

    def watch_events(self, counts: Iterable[EventCounts]) -> None:
        """Tell of the events of these sinks."""
        self.registry.register(EventsCollector(counts))

    def watch_active(self, count: Callable[[], int]) -> None:
        """Read the gauge from the supervisor at every scrape."""
        self.active_streams.set_function(count)

    def watch_streams(self, look: Callable[[], Awaitable[Figures]]) -> None:
        """Ask this for the figures of all streams at every scrape."""
        self._look = look

    def stream_ended(self, stream_id: str, processing_seconds: float, status: Status) -> None:
        """The stream has its final status: its series go after the next scrape."""
        if status in STORED:
            self.streams_completed.inc()
        elif status in PARKED:
            self.streams_failed.inc()
        self.streams.end(stream_id, processing_seconds)

    def orphans_left(self, uploads: int, size_bytes: int) -> None:
        """What still stands after a look over the store."""
        self.orphaned_uploads.set(uploads)
        self.orphaned_bytes.set(size_bytes)

    async def scrape(self) -> bytes:
        """The exposition text; per-stream series of ended streams are dropped after it.

        Of thousands of streams it takes long to write: a thread does it.
        """
        if self._look is not None:
            self._set(await self._look())
        self.streams.forget_unscraped()
        ended = list(self.streams.ended)  # what ends meanwhile, the text may not tell of
        text = await asyncio.to_thread(generate_latest, self.registry)
        for stream_id in ended:
            self.streams.forget(stream_id)
        return text

    def _set(self, figures: Figures) -> None:
        self.unsent_bytes.set(figures.unsent_bytes)
        self.at_risk_seconds.set(figures.at_risk_seconds)
        self.at_risk.set(figures.at_risk)
        for status in STATUSES:
            self.by_status.labels(status).set(figures.statuses.get(status, 0))


class LoopCollector(Collector):
    """How long single iterations of the event loop took."""

    def __init__(self, blocked: Callable[[], int], longest: Callable[[], float]) -> None:
        self._blocked, self._longest = blocked, longest

    def collect(self) -> Iterator[Metric]:
        """See prometheus_client: what a scrape is told."""
        yield CounterMetricFamily(
            "cefmp4_event_loop_blocked",
            "Iterations of the event loop that took longer than 50 ms: nothing else was done.",
            value=self._blocked(),
        )
        yield GaugeMetricFamily(
            "cefmp4_event_loop_longest_block_seconds",
            "The longest iteration of the event loop in the last one to two minutes, seconds.",
            value=self._longest(),
        )
