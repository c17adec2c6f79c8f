"""What the daemon counts of the events it tells others."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from cefmp4.core.happenings import Sink


@dataclass(slots=True)
class EventCounts:
    """Of one sink."""

    sink: Sink
    pending: int = 0
    """Waiting, at the last look."""
    delivered: int = 0
    failed: int = 0
    """Given up."""


class EventsCollector(Collector):
    """Shows the counts of every sink at each scrape."""

    def __init__(self, counts: Iterable[EventCounts]) -> None:
        self._counts = tuple(counts)

    def collect(self) -> Iterator[Metric]:
        """See prometheus_client: what a scrape is told."""
        pending = GaugeMetricFamily(
            "cefmp4_events_pending", "Events that wait to be delivered.", labels=["sink"]
        )
        delivered = CounterMetricFamily(
            "cefmp4_events_delivered", "Events that were delivered.", labels=["sink"]
        )
        failed = CounterMetricFamily(
            "cefmp4_events_failed",
            "Events that were given up: refused for days, or not wanted (410 Gone).",
            labels=["sink"],
        )
        for of in self._counts:
            pending.add_metric([of.sink], of.pending)
            delivered.add_metric([of.sink], of.delivered)
            failed.add_metric([of.sink], of.failed)
        yield from (pending, delivered, failed)
