"""The figures of single streams: series that carry a `stream_id`, and how they go again.

They are removed once the stream has ended and a scrape has seen its last figures, or when
nobody has scraped for long, so that their number follows the streams in flight, not the
streams ever seen.
"""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Histogram

DURATION_BUCKETS = (10, 30, 60, 300, 600, 1800, 3600, 7200, 14400, 43200)
PROCESSING_BUCKETS = (0.5, 1, 2, 5, 10, 30, 60, 300, 1800, 7200, 43200)
MAX_UNSCRAPED = 1_000
"""Ended streams whose series are kept while nobody scrapes."""
UNSCRAPED_SECONDS = 900.0
"""For so long."""


class StreamSeries:
    """What is counted of each stream; `now` is a clock that only goes forward."""

    def __init__(self, registry: CollectorRegistry, now: Callable[[], float]) -> None:
        self.chunks_uploaded = Counter(
            "video_chunks_uploaded_total",
            "Parts of the stream that the store has confirmed, those sent again included;"
            " since the start of the daemon.",
            ["stream_id"],
            registry=registry,
        )
        self.bytes_uploaded = Counter(
            "video_bytes_uploaded_total",
            "Bytes in the parts of the stream that the store has confirmed, those sent again"
            " included; since the start of the daemon.",
            ["stream_id"],
            registry=registry,
        )
        self.stream_duration = Histogram(
            "video_stream_duration_seconds",
            "Play time of a stored recording, as probed, in seconds.",
            ["stream_id"],
            buckets=DURATION_BUCKETS,
            registry=registry,
        )
        self.processing_time = Histogram(
            "video_processing_time_seconds",
            "Time from the first look at a recording to its final status, in seconds.",
            ["stream_id"],
            buckets=PROCESSING_BUCKETS,
            registry=registry,
        )
        self.failed_operations = Counter(
            "video_failed_operations_total",
            "Operations of the stream that failed, by what they were; most are tried again.",
            ["stream_id", "operation_type"],
            registry=registry,
        )
        self.ended: dict[str, float] = {}
        """When they ended, in that order: those that no scrape has seen since."""
        self._now = now
        self._operations: dict[str, set[str]] = {}

    def part_sent(self, stream_id: str, size_bytes: int) -> None:
        self.chunks_uploaded.labels(stream_id).inc()
        self.bytes_uploaded.labels(stream_id).inc(size_bytes)

    def operation_failed(self, stream_id: str, operation_type: str) -> None:
        self.failed_operations.labels(stream_id, operation_type).inc()
        self._operations.setdefault(stream_id, set()).add(operation_type)

    def end(self, stream_id: str, processing_seconds: float) -> None:
        """It has its final status."""
        self.processing_time.labels(stream_id).observe(processing_seconds)
        self.ended.pop(stream_id, None)
        self.ended[stream_id] = self._now()
        self.forget_unscraped()

    def forget_unscraped(self) -> None:
        """Nobody has asked for these for long, or they are too many."""
        long_ago = self._now() - UNSCRAPED_SECONDS
        while self.ended:
            stream_id, at = next(iter(self.ended.items()))
            if at > long_ago and len(self.ended) <= MAX_UNSCRAPED:
                return
            self.forget(stream_id)

    def forget(self, stream_id: str) -> None:
        """Its series go, unless another scrape was faster."""
        if self.ended.pop(stream_id, None) is None:
            return
        for series in (
            self.chunks_uploaded,
            self.bytes_uploaded,
            self.stream_duration,
            self.processing_time,
        ):
            series.remove(stream_id)  # by all labels: by some of them it searches all series
        for operation_type in self._operations.pop(stream_id, ()):
            self.failed_operations.remove(stream_id, operation_type)
