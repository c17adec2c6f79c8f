"""The metrics, as a page: what a daemon would export, and which alerts ask for it.

Everything is read from what the daemon's own `Metrics` tell when they are scraped; what has
labels that nobody knows beforehand is counted once here, so that there is a sample.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml
from prometheus_client.core import Metric

from cefmp4.core.happenings import Sink
from cefmp4.metrics import Metrics
from cefmp4.metrics_of_events import EventCounts
from cefmp4.metrics_streams import MAX_UNSCRAPED, UNSCRAPED_SECONDS
from cefmp4.problems import Problems
from cefmp4.readiness import Readiness, ReadyCollector

ALERTS = Path(__file__).parents[2] / "deploy" / "observability" / "alerts.yml"
SUFFIXES = {"counter": "_total", "info": "_info"}
PER_STREAM = "stream_id"
SAMPLE = "3f2a1c00"
"""Stands for what a label may hold that nobody knows beforehand."""

PAGE_HEAD = f"""\
# Metrics

<!-- Made from `src/cefmp4/metrics*.py` and the alerts by `make reference`: do not edit. -->

`/metrics` on `PROM_HOST:PROM_PORT`, for Prometheus. What is normal, how it is scraped and what
the alerts mean: [observability](../observability.md). Counters begin at 0 with each start of
the daemon. Sizes are in bytes, times in seconds. A histogram has three series, its name with
`_bucket` (and the label `le`), `_sum` and `_count`.

## Of every stream

These have a `stream_id`. They go away once the stream has ended and a scrape has seen its last
figures; while nobody scrapes, {UNSCRAPED_SECONDS / 60:.0f} minutes after its end, or when
{MAX_UNSCRAPED:,} more have ended. So their number follows the streams in flight, not the
streams ever seen.
"""
OF_ALL = """
## Of the daemon

"""
PAGE_FOOT = """
Besides these, the `process_` metrics of the Prometheus client: CPU time, memory, open files,
start time.
"""


@dataclass(frozen=True, slots=True)
class Described:
    """What is told of one metric."""

    name: str
    kind: str
    help: str
    labels: dict[str, list[str]]
    """What each was seen with; for one that may hold anything, only SAMPLE."""
    buckets: list[str]


def metrics_page() -> str:
    """docs/reference/metrics.md."""
    alerts, told = alerts_by_metric(), described()
    of_streams = [_row(one, alerts) for one in told if PER_STREAM in one.labels]
    others = [_row(one, alerts) for one in told if PER_STREAM not in one.labels]
    head = ["| metric | what it tells | labels | alerts |", "|---|---|---|---|"]
    tables = "\n".join([*head, *of_streams]), "\n".join([*head, *others])
    return f"{PAGE_HEAD}\n{tables[0]}\n{OF_ALL}{tables[1]}\n{PAGE_FOOT}"


def described() -> list[Described]:
    """All metrics, by name, but for those of the process that the client adds."""
    found = [_described(metric) for metric in _counted_once().registry.collect()]
    return sorted(
        (one for one in found if not one.name.startswith("process_")), key=lambda one: one.name
    )


def alerts_by_metric() -> dict[str, list[tuple[str, str]]]:
    """The alerts that ask for each metric: name and runbook, once each."""
    found: dict[str, list[tuple[str, str]]] = {}
    for alert, runbook, expression in _alerts():
        for name in dict.fromkeys(re.findall(r"[a-z][a-z0-9_]+", expression)):
            if (alert, runbook) not in found.setdefault(name, []):
                found[name].append((alert, runbook))
    return found


def _alerts() -> Iterator[tuple[str, str, str]]:
    for group in yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]:
        for rule in group["rules"]:
            yield rule["alert"], rule["annotations"]["runbook_url"], rule["expr"]


def _counted_once() -> Metrics:
    """What a daemon that tells all it can tell has counted."""
    metrics = Metrics()
    metrics.registry.register(ReadyCollector(Readiness(Problems(lambda: 0.0))))
    metrics.watch_loop(lambda: 0, lambda: 0.0)
    metrics.watch_events([EventCounts(sink) for sink in Sink])
    streams, work = metrics.streams, metrics.work
    streams.part_sent(SAMPLE, 1)
    streams.operation_failed(SAMPLE, SAMPLE)
    streams.stream_duration.labels(SAMPLE).observe(1)
    streams.processing_time.labels(SAMPLE).observe(1)
    work.store_failed("UploadPart", "SlowDown")
    work.state_failed("save", "TimeoutError")
    return metrics


def _described(metric: Metric) -> Described:
    """Raises ValueError for one without a sample: nobody could tell its labels."""
    name = metric.name + SUFFIXES.get(metric.type, "")
    if not metric.samples:
        raise ValueError(f"{name} is counted nowhere in {__name__}")
    labels: dict[str, list[str]] = {}
    for sample in metric.samples:
        for label, value in sample.labels.items():
            if value not in labels.setdefault(label, []):
                labels[label].append(value)
    return Described(name, metric.type, metric.documentation, labels, labels.pop("le", []))


def _row(one: Described, alerts: dict[str, list[tuple[str, str]]]) -> str:
    labels = ", ".join(_label(label, values) for label, values in one.labels.items())
    asked = dict.fromkeys(
        alert
        for series in (one.name, f"{one.name}_bucket", f"{one.name}_sum", f"{one.name}_count")
        for alert in alerts.get(series, [])
    )
    links = ", ".join(f"[`{alert}`](../{book.removeprefix('docs/')})" for alert, book in asked)
    bounds = ", ".join(_bucket(le) for le in one.buckets)
    buckets = f" Buckets: {bounds}." if bounds else ""
    name = f'<a id="{one.name}"></a>`{one.name}`'
    return f"| {name}, {one.kind} | {one.help}{buckets} | {labels} | {links} |"


def _label(name: str, values: list[str]) -> str:
    if len(values) < 2:
        return f"`{name}`"
    return f"`{name}` ({', '.join(values)})"


def _bucket(le: str) -> str:
    return "∞" if le == "+Inf" else f"{float(le):g}"
