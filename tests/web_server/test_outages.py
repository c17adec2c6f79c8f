"""What is out is named, with the reason and what to do; and then that it is back."""

import os
import re
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, ClientTimeout

from contract.gate import gate_before
from faults.state_bench import StateServer
from servers import S3Server
from story.bucket import Bucket
from story.daemon import Daemon
from story.test_recordings import make_mp4
from waiting import wait_until
from web_server.serving import Line
from web_server.watching import SECONDS, asked, not_ready, ready, with_a_port

pytestmark = pytest.mark.timeout(180)


async def problem(line: Line, what: str, says: str) -> dict[str, Any]:
    """Wait until the page says this of it, for half a minute; what it says."""
    for _ in range(30):
        summary = await line.next("summary")
        for told in summary["problems"]:
            if told["what"] == what and says in told["why"]:
                found: dict[str, Any] = told
                return found
    raise AssertionError(summary)


async def no_problem(line: Line) -> None:
    while (await line.next("summary"))["problems"]:
        pass


async def test_a_daemon_that_cannot_start_says_why(
    daemon: Daemon, state_server: StateServer, s3_server: S3Server, store: Bucket
) -> None:
    """First its state server is not there, then its store refuses: the page tells, and goes on.

    Seen failing with a server that listens only when all is there, and with figures that were
    0 before anybody had looked.
    """
    state_server.stop()
    url = with_a_port(daemon)
    make_mp4(daemon.path("a.mp4"))
    async with gate_before(s3_server.endpoint_url) as (gate, store_url):
        daemon.environment |= {"REDIS_URL": state_server.url, "S3_ENDPOINT_URL": store_url}
        gate.refuses, gate.status, gate.code = (lambda _: True), 503, "SlowDown"
        daemon.start()
        async with ClientSession(timeout=ClientTimeout(total=None)) as session:
            await wait_until(lambda: asked(f"{url}/healthz")[0] == 200, timeout_seconds=SECONDS)
            line = Line(await session.get(f"{url}/api/live"))
            told = await problem(line, "redis", "claim the instance: ")
            assert told["hint"]
            assert asked(f"{url}/readyz")[1]["redis"]["why"] == told["why"]
            assert asked(f"{url}/api/streams")[0] == 503
            assert asked(f"{url}/")[0] == 200
            assert asked(f"{url}/metrics")[0] == 200
            state_server.start()
            told = await problem(line, "store", "open the store: ")
            assert (await line.next("summary"))["starting"]
            assert_nothing_is_claimed(_metrics(url))
            await wait_until(
                lambda: answering(url) == {"redis", "watch_dir"}, timeout_seconds=SECONDS
            )
            gate.refuses = lambda _: False
            while not (rows := (await line.next("rows"))["rows"]):
                pass
            assert rows[0]["name"] == "a.mp4"
            assert not (await line.next("summary"))["starting"]
            await no_problem(line)
            line.answer.close()
        await store.wait_for_videos(1, timeout_seconds=SECONDS)
        await ready(url)
        assert daemon.terminate() == 0


async def test_a_state_server_that_went_away_is_named(
    daemon: Daemon, state_server: StateServer
) -> None:
    """Without its password, and no other component is."""
    url = with_a_port(daemon)
    daemon.environment["REDIS_URL"] = state_server.url
    daemon.start()
    await ready(url)
    state_server.stop()
    told = await not_ready(url, "redis")
    assert told["why"]
    assert told["hint"]
    assert asked(f"{url}/healthz")[0] == 200
    state_server.start()
    await ready(url)


async def test_a_store_that_refuses_is_named(daemon: Daemon, s3_server: S3Server) -> None:
    """With the store's own word for it."""
    url = with_a_port(daemon)
    async with gate_before(s3_server.endpoint_url) as (gate, store_url):
        daemon.environment["S3_ENDPOINT_URL"] = store_url
        daemon.start()
        await ready(url)
        gate.refuses, gate.status, gate.code = (lambda _: True), 503, "SlowDown"
        told = await not_ready(url, "store")
        assert told["why"]
        gate.refuses = lambda _: False
        await ready(url)


async def test_a_watched_directory_that_is_away_is_named(daemon: Daemon) -> None:
    """It is moved away and comes back."""
    daemon.environment |= {"SCAN_INTERVAL_SECONDS": "0.5", "POLL_INTERVAL_SECONDS": "0.3"}
    url = with_a_port(daemon)
    make_mp4(daemon.path("a.mp4"))
    daemon.start()
    await ready(url)
    aside = f"{daemon.watch_dir}.aside"
    os.rename(daemon.watch_dir, aside)
    told = await not_ready(url, "watch_dir")
    assert told["hint"]
    assert 'cefmp4_ready{component="watch_dir"} 0.0' in _metrics(url)
    os.rename(aside, daemon.watch_dir)
    await ready(url)
    assert Path(daemon.path("a.mp4")).exists()


def assert_nothing_is_claimed(metrics: str) -> None:
    """Of recordings nobody has looked at."""
    for series in (
        "cefmp4_unsent_bytes",
        "cefmp4_at_risk_seconds",
        "cefmp4_streams_at_risk",
        'cefmp4_streams{status="active"}',
        "active_streams_gauge",
    ):
        assert f"\n{series} NaN\n" in metrics
    assert '\ncefmp4_ready{component="store"} 0.0\n' in metrics


def answering(url: str) -> set[str]:
    """The components that answer, as the figures say."""
    return set(re.findall(r'cefmp4_ready{component="(\w+)"} 1\.0', _metrics(url)))


def _metrics(url: str) -> str:
    return str(asked(f"{url}/metrics")[1])
