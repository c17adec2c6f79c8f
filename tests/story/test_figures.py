"""The figures of a real daemon: true after a kill, and fit for Prometheus."""

import re
import shutil
import subprocess

import pytest

from cefmp4.demo.recorder import Kind, record
from story.bucket import Bucket
from story.daemon import Daemon, recorder
from waiting import wait_until

PROMTOOL = shutil.which("promtool")
SEED = ("video_", "active_streams_gauge", "streams_")
"""Names that were promised before they could be chosen well."""


def value_of(text: str, name: str) -> float:
    """Of a series without labels, or with these very ones."""
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    assert found, f"no {name}"
    return float(found[1])


def make_mp4(path: str) -> None:
    record(path, Kind.ORDINARY, seconds=0.5, bits_per_second=60_000_000, realtime=False)


async def test_figures_are_true_after_a_kill(daemon: Daemon, store: Bucket) -> None:
    """Killed in the middle and started again: the gauge counts what is there, nothing is
    negative, what was done before is not counted again, and no ended stream has a series.

    Seen failing with a gauge that is counted up where a stream begins.
    """
    daemon.start()
    make_mp4(daemon.path("ended.mp4"))
    (key,) = await store.wait_for_videos(1)
    ended = key.split("/")[1]
    await wait_until(lambda: "finished" in daemon.log)
    with recorder(daemon.path("growing.mp4"), seconds=40.0):
        await wait_until(lambda: daemon.log.count("part sent") >= 3, timeout_seconds=30)
        text = daemon.metrics()
        assert value_of(text, "active_streams_gauge") == 1
        assert value_of(text, 'cefmp4_streams{status="active"}') == 1
        sent = sum(
            value_of(text, f"video_bytes_uploaded_total{labels}") for labels in series(text)
        )
        assert sent > 0
        daemon.kill()
        lines = daemon.log.count("part sent")
        daemon.start()
        await wait_until(lambda: daemon.log.count("part sent") > lines, timeout_seconds=30)
        text = daemon.metrics()
    assert value_of(text, "active_streams_gauge") == 1
    assert value_of(text, "streams_completed_total") == 0
    assert value_of(text, "cefmp4_unsent_bytes") > 0
    assert value_of(text, "cefmp4_last_progress_timestamp_seconds") > 1e9
    assert ended not in text
    parts = value_of(text, f"video_chunks_uploaded_total{series(text)[0]}")
    assert parts <= daemon.log.count("part sent") - lines
    samples = re.findall(r"^[a-z]\S* (\S+)$", text, re.MULTILINE)
    assert samples
    assert all(float(value) >= 0 for value in samples)


def series(text: str) -> list[str]:
    """The labels of every stream that something was sent of."""
    return re.findall(r"^video_bytes_uploaded_total(\{.*?\}) ", text, re.MULTILINE)


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed")
async def test_promtool_has_nothing_to_say_of_our_own_names(
    daemon: Daemon, store: Bucket
) -> None:
    """Units, types and help are as Prometheus would have them.

    Seen failing with a counter named without `_total`, and with an empty help.
    """
    daemon.start()
    make_mp4(daemon.path("a.mp4"))
    await store.wait_for_videos(1)
    await wait_until(lambda: "finished" in daemon.log)
    text = daemon.metrics()
    told = subprocess.run(
        [PROMTOOL or "", "check", "metrics"],
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    about = (told.stdout + told.stderr).splitlines()
    assert not [line for line in about if line and not line.startswith(SEED)], about
    helps = dict(re.findall(r"^# HELP (\S+) (.*)$", text, re.MULTILINE))
    for name, what in helps.items():
        if name.endswith("_seconds"):
            assert "seconds" in what, name
        if name.endswith("_bytes"):
            assert "bytes" in what.lower(), name
