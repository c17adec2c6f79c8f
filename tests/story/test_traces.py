"""Traces: one per recording, also over a kill, and never in the way."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from uuid import UUID

import pytest

from cefmp4.demo.recorder import Kind, record
from story.bucket import Bucket
from story.collector import Collector, collecting
from story.daemon import Daemon, recorder, stopped
from waiting import wait_until

SECRET = "a-key-of-the-collector"


@pytest.fixture
def collector() -> Iterator[Collector]:
    """It listens."""
    with collecting() as collector:
        yield collector


def with_traces(daemon: Daemon, url: str) -> None:
    daemon.environment |= {
        "OTEL_TRACES": "true",
        "OTEL_EXPORTER_OTLP_ENDPOINT": url,
        "OTEL_EXPORTER_OTLP_HEADERS": f"api-key={SECRET}",
        "OTEL_BSP_SCHEDULE_DELAY": "200",
    }


@pytest.mark.timeout(180)
async def test_one_trace_per_recording_also_over_a_kill(
    daemon: Daemon, store: Bucket, collector: Collector
) -> None:
    """Parts, Complete and the metadata JSON lie in one span, whose trace is the stream's id;
    what is done after a SIGKILL joins them. No secret is among what is told.

    Seen failing with ids that are random, and with a root that begins at the restart.
    """
    with_traces(daemon, collector.url)
    daemon.start()
    with recorder(daemon.path("ä b.mp4"), Kind.ORDINARY, seconds=300.0) as recording:
        await wait_until(lambda: collector.named("part sent"), timeout_seconds=40)
        daemon.kill()
        before = len(collector.named("part sent"))
        daemon.start()
        await wait_until(lambda: len(collector.named("part sent")) > before, timeout_seconds=40)
        await stopped(recording)
        (key,) = await store.wait_for_videos(1)
    await wait_until(lambda: collector.named("stream"), timeout_seconds=40)
    stream_id = key.split("/")[1]
    (root,) = collector.named("stream")
    assert {span.trace for span in collector.spans} == {UUID(stream_id).hex}
    assert (root.parent, root.service) == ("", "cefmp4")
    children = [span for span in collector.spans if span is not root]
    assert {span.parent for span in children} == {root.span}
    assert len({span.span for span in collector.spans}) == len(collector.spans)
    parts = collector.named("part sent")
    assert len(parts) > before
    assert {span.facts["bytes"] for span in parts} >= {5 * 1024**2}
    assert all(span.facts["why"] and span.facts["part"] for span in parts)
    assert root.began <= min(span.began for span in parts) + 1.0
    assert root.facts["status"] == "completed_with_meta"
    assert root.facts["file_path"].endswith("ä b.mp4")
    for name in ("begun", "upload created", "sealed", "completed", "stored", "described"):
        assert collector.named(name), name
    assert not [span for span in collector.spans if span.failed]
    told = str(collector.spans)
    assert daemon.environment["S3_SECRET_ACCESS_KEY"] not in told
    assert collector.headers[0] == SECRET
    assert SECRET not in told + daemon.log


@pytest.mark.timeout(120)
async def test_a_collector_that_is_away_is_in_nobodys_way(
    daemon: Daemon, store: Bucket
) -> None:
    """Recordings are stored all the same, a line or two tell of it, and stopping takes no
    longer than two seconds more.

    Seen failing with the shutdown of the SDK waited for.
    """
    with socket.socket() as silent:  # takes connections, and answers nothing
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with_traces(daemon, f"http://127.0.0.1:{silent.getsockname()[1]}")
        daemon.environment |= {"OTEL_EXPORTER_OTLP_TIMEOUT": "10", "APP_ENV": "production"}
        daemon.start()
        for number in range(3):
            record(
                daemon.path(f"{number}.mp4"),
                Kind.ORDINARY,
                seconds=0.5,
                bits_per_second=8_000_000,
                realtime=False,
            )
        await store.wait_for_videos(3)
        await wait_until(lambda: daemon.log.count('"finished"') == 3, timeout_seconds=30)
        await wait_until(lambda: "opentelemetry" in daemon.log, timeout_seconds=60)
        began = time.monotonic()
        assert daemon.terminate() == 0
    assert time.monotonic() - began < 8, "it waited for the collector"
    lines = [line for line in daemon.log.splitlines() if '"opentelemetry' in line]
    assert len(lines) <= 3, lines


def test_traces_without_the_extra_are_told_in_one_line(daemon: Daemon) -> None:
    """One line that says what to install; exit code 2."""
    without = "import sys; sys.modules['opentelemetry'] = None\n"
    told = subprocess.run(
        [sys.executable, "-c", f"{without}from cefmp4.cli import main; main()", "run"],
        env=daemon.environment | {"OTEL_TRACES": "true"},
        cwd=os.path.dirname(daemon.log_path),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert told.returncode == 2, told.stderr
    (line,) = told.stderr.splitlines()
    assert line.startswith("cefmp4: OTEL_TRACES=true: needs the extra otel: pip install"), line


def test_without_traces_nothing_of_opentelemetry_is_imported() -> None:
    """It costs memory and time that nobody asked for."""
    told = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, cefmp4.cli; print('opentelemetry.exporter' in sys.modules)",
        ],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert told.stdout == "False\n"


def test_a_wrong_variable_of_the_exporter_is_told_in_one_line(daemon: Daemon) -> None:
    """Not with a traceback; exit code 2."""
    with_traces(daemon, "http://127.0.0.1:9")
    daemon.environment["OTEL_BSP_MAX_QUEUE_SIZE"] = "-1"
    told = daemon.command("run")
    assert told.returncode == 2, told.stderr
    first, line = told.stderr.splitlines()
    assert " starting " in first
    assert line.startswith("cefmp4: OTEL_*: cannot be understood: max_queue_size"), line
