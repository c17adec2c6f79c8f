"""What the daemon counts, under the names its operators were promised.

One `Metrics` per daemon, with a registry of its own. Series that carry a `stream_id`
are removed once the stream has ended and a scrape has seen its last figures, so that
their number follows the streams in flight, not the streams ever seen. The gauge is set
from what is true, never counted up and down, so it cannot drift or go negative.
"""

import asyncio
from collections.abc import Callable, Iterator

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from cefmp4 import __version__
from cefmp4.core.model import PARKED, STORED, Status

DURATION_BUCKETS = (10, 30, 60, 300, 600, 1800, 3600, 7200, 14400, 43200)
MAX_UNSCRAPED = 1_000
"""Ended streams whose series are kept while nobody scrapes."""
PROCESSING_BUCKETS = (0.5, 1, 2, 5, 10, 30, 60, 300, 1800, 7200, 43200)


# The `_created` series would double their number, and answer no question.
disable_created_metrics()  # type: ignore[no-untyped-call]


class Metrics:
    """The daemon's metrics; durations in seconds, sizes in bytes."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        r = self.registry
        ProcessCollector(registry=r)
        Info("cefmp4_build", "Version of the daemon.", registry=r).info(
            {"version": __version__}
        )
        self._of_each_stream(r)
        self._of_the_instance(r)
        self._of_the_uploads(r)
        self.sent_bytes = 0
        """All bytes that have landed in the store, over all streams."""
        self._ended: dict[str, None] = {}  # in the order they ended
        self._operations: dict[str, set[str]] = {}

    def _of_each_stream(self, r: CollectorRegistry) -> None:
        self.chunks_uploaded = Counter(
            "video_chunks_uploaded_total",
            "Parts the store has confirmed, those sent again included.",
            ["stream_id"],
            registry=r,
        )
        self.bytes_uploaded = Counter(
            "video_bytes_uploaded_total",
            "Bytes in the parts the store has confirmed.",
            ["stream_id"],
            registry=r,
        )
        self.stream_duration = Histogram(
            "video_stream_duration_seconds",
            "Play time of a stored recording, in seconds, as probed.",
            ["stream_id"],
            buckets=DURATION_BUCKETS,
            registry=r,
        )
        self.processing_time = Histogram(
            "video_processing_time_seconds",
            "Seconds from the first look at a recording to its final status.",
            ["stream_id"],
            buckets=PROCESSING_BUCKETS,
            registry=r,
        )
        self.failed_operations = Counter(
            "video_failed_operations_total",
            "Operations that failed; most are tried again.",
            ["stream_id", "operation_type"],
            registry=r,
        )

    def _of_the_instance(self, r: CollectorRegistry) -> None:
        self.active_streams = Gauge(
            "active_streams_gauge", "Streams not yet at their end.", registry=r
        )
        self.streams_completed = Counter(
            "streams_completed_total", "Streams whose object stands, verified.", registry=r
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
            "cefmp4_orphaned_bytes", "Bytes the store keeps for them.", registry=r
        )
        self.orphans_aborted = Counter(
            "cefmp4_orphaned_uploads_aborted_total",
            "Such uploads that were aborted.",
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
            "cefmp4_upload_slots_used", "Parts that are on their way.", registry=r
        )
        self.rate_limit = Gauge(
            "cefmp4_upload_rate_limit_bytes_per_second",
            "The limit of the upload rate that is in force; 0 is none.",
            registry=r,
        )

    def watch_uploads(
        self,
        *,
        limit: Callable[[], float],
        used: Callable[[], float],
        bytes_per_second: Callable[[], float],
    ) -> None:
        """Read these gauges from what hands out slots and paces, at every scrape."""
        self.slots_limit.set_function(limit)
        self.slots_used.set_function(used)
        self.rate_limit.set_function(bytes_per_second)

    def watch_loop(self, blocked: Callable[[], int], longest: Callable[[], float]) -> None:
        """Tell of the event loop, as read from its watchdog at every scrape."""
        self.registry.register(LoopCollector(blocked, longest))

    def watch_active(self, count: Callable[[], int]) -> None:
        """Read the gauge from the supervisor at every scrape."""
        self.active_streams.set_function(count)

    def part_sent(self, stream_id: str, size_bytes: int) -> None:
        self.chunks_uploaded.labels(stream_id).inc()
        self.bytes_uploaded.labels(stream_id).inc(size_bytes)
        self.sent_bytes += size_bytes

    def operation_failed(self, stream_id: str, operation_type: str) -> None:
        self.failed_operations.labels(stream_id, operation_type).inc()
        self._operations.setdefault(stream_id, set()).add(operation_type)

    def stream_probed(self, stream_id: str, duration_seconds: float) -> None:
        self.stream_duration.labels(stream_id).observe(duration_seconds)

    def stream_ended(self, stream_id: str, processing_seconds: float, status: Status) -> None:
        """The stream has its final status: its series go after the next scrape."""
        if status in STORED:
            self.streams_completed.inc()
        elif status in PARKED:
            self.streams_failed.inc()
        self.processing_time.labels(stream_id).observe(processing_seconds)
        self._ended[stream_id] = None
        if len(self._ended) > MAX_UNSCRAPED:
            oldest = next(iter(self._ended))
            del self._ended[oldest]
            self._forget(oldest)

    def orphans_left(self, uploads: int, size_bytes: int) -> None:
        """What still stands after a look over the store."""
        self.orphaned_uploads.set(uploads)
        self.orphaned_bytes.set(size_bytes)

    async def scrape(self) -> bytes:
        """The exposition text; per-stream series of ended streams are dropped after it.

        Of thousands of streams it takes long to write: a thread does it.
        """
        ended = list(self._ended)  # what ends meanwhile, the text may not tell of
        text = await asyncio.to_thread(generate_latest, self.registry)
        for stream_id in ended:
            if stream_id in self._ended:  # no other scrape was faster
                del self._ended[stream_id]
                self._forget(stream_id)
        return text

    def _forget(self, stream_id: str) -> None:
        for series in (
            self.chunks_uploaded,
            self.bytes_uploaded,
            self.stream_duration,
            self.processing_time,
        ):
            series.remove(stream_id)  # by all labels: by some of them it searches all series
        for operation_type in self._operations.pop(stream_id, ()):
            self.failed_operations.remove(stream_id, operation_type)


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
            "The longest iteration of the event loop in the last one to two minutes.",
            value=self._longest(),
        )
