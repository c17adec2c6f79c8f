"""A person with a browser, and a real daemon: what goes on, why not, and what to do."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, ClientTimeout

from story.bucket import Bucket
from story.daemon import Daemon, recorder
from story.test_recordings import make_mp4
from waiting import wait_until
from web_server.serving import Line
from web_server.watching import SECONDS, TOKEN, asked, rows

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def daemon(daemon: Daemon) -> Daemon:
    """With a token, and impatient."""
    daemon.environment |= {"WEB_TOKEN": TOKEN, "STREAM_TIMEOUT_SECONDS": "2"}
    return daemon


async def started(daemon: Daemon) -> str:
    daemon.start()
    await wait_until(daemon.is_ready, timeout_seconds=SECONDS)
    return daemon.address


async def test_a_growing_recording_is_seen_aborted_and_taken_up_again(
    daemon: Daemon, store: Bucket
) -> None:
    """On the page only: what is stored in the end is what was recorded."""
    url = await started(daemon)
    with recorder(daemon.path("a.mp4"), seconds=300.0):
        await wait_until(store.parts_in_flight, timeout_seconds=SECONDS)
        (row,) = rows(daemon)
        assert (row["status"], row["verdict"], row["can"]) == (
            "active",
            "on_its_way",
            ["abort"],
        )
        stream = f"{url}/api/streams/{row['stream_id']}"

        def parts() -> bool:
            strip: list[Any] = asked(stream)[1]["strip"]
            return strip[0][0] == "stored" and strip[-1][0] in ("growing", "in_flight", "due")

        await wait_until(parts, timeout_seconds=SECONDS)
        assert asked(f"{stream}/abort", "POST", "guessed")[0] == 401
        assert asked(f"{stream}/abort", "POST", TOKEN) == (
            202,
            {"told": "aborted; nothing of it is left in the store"},
        )
        assert await store.uploads() == []
    (row,) = rows(daemon, "?verdict=given_up")
    assert (row["can"], row["disk_bytes"] is None) == (["retry"], False)
    assert asked(f"{stream}/retry", "POST", TOKEN) == (
        202,
        {"told": "begins anew, as a new stream"},
    )
    (key,) = await store.wait_for_videos(1, timeout_seconds=SECONDS)
    assert await store.content(key) == Path(daemon.path("a.mp4")).read_bytes()
    calls = [line for line in daemon.log.splitlines() if "told over HTTP" in line]
    assert ["abort" in calls[0], "retry" in calls[1], len(calls)] == [True, True, 2]
    assert TOKEN not in daemon.log
    assert "/api/streams" not in daemon.log  # no access log


async def test_what_has_ended_is_told_after_a_restart_too(
    daemon: Daemon, store: Bucket
) -> None:
    """The stored with what was verified, the failed with what to do."""
    daemon.environment["REJECT_NON_MP4"] = "true"
    await started(daemon)
    make_mp4(daemon.path("a.mp4"))
    Path(daemon.path("b.mp4")).write_bytes(b"no video at all")
    (key,) = await store.wait_for_videos(1, timeout_seconds=SECONDS)
    await wait_until(lambda: len(rows(daemon, "?verdict=not_stored")) == 1)
    for _ in range(2):
        failed, stored = rows(daemon)
        assert [failed["verdict"], stored["verdict"]] == ["not_stored", "stored"]
        assert (failed["can"], failed["disk_bytes"]) == (["retry", "abort"], 15)
        assert failed["hint"]
        assert stored["key"] == key
        _, told = asked(f"{daemon.address}/api/streams/{stored['stream_id']}")
        assert told["media"]["playable"]
        assert told["row"]["sent_bytes"] == Path(daemon.path("a.mp4")).stat().st_size
        assert told["history"][0]["what"] == "begun"
        assert daemon.terminate() == 0
        Path(daemon.log_path).unlink()
        await started(daemon)
        await wait_until(lambda: len(rows(daemon)) == 2, timeout_seconds=SECONDS)


async def test_the_line_tells_of_a_recording_from_its_first_byte_to_its_end(
    daemon: Daemon, store: Bucket
) -> None:
    """And of the daemon's own end: the line is closed, no browser is waited for."""
    url = await started(daemon)
    async with ClientSession(timeout=ClientTimeout(total=None)) as session:
        answer = await session.get(f"{url}/api/live")
        line = Line(answer)
        assert (await line.next("rows"))["total"] == 0
        make_mp4(daemon.path("a.mp4"))
        verdicts: list[str] = []
        while "stored" not in verdicts:
            verdicts += [row["verdict"] for row in (await line.next("rows"))["rows"]]
        await store.wait_for_videos(1)
        while not (await line.next("summary"))["stored_today"]:
            pass
        async with session.get(f"{url}/api/live") as another:
            points = (await Line(another).next("throughput"))["points"]
        (at, rate) = max(points, key=lambda point: float(point[1]))
        assert (at > 0, rate > 0) == (True, True)
        daemon.signal(signal.SIGTERM)
        with pytest.raises(EOFError):
            await line.next("the end")
        answer.close()
        assert daemon.wait(timeout_seconds=10) == 0


async def test_figures_health_and_readiness(daemon: Daemon) -> None:
    """For machines, without a token."""
    url = await started(daemon)
    assert asked(f"{url}/healthz") == (200, {"status": "ok", "reason": "", "stalled": 0})
    all_is_well = {name: {"ok": True} for name in ("store", "redis", "watch_dir")}
    assert asked(f"{url}/readyz") == (200, {"ready": True, **all_is_well})
    assert 'cefmp4_ready{component="watch_dir"} 1.0' in daemon.metrics()
    status, page = asked(f"{url}/")
    assert (status, "CefMP4" in page) == (200, True)
    assert json.dumps(asked(f"{url}/api/streams")[1])
