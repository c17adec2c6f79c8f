"""The log of a real daemon through good times and bad: what is worth a line, once."""

import asyncio
import json
import os
import re
from collections import Counter
from typing import Any, Never
from urllib.parse import urlsplit

import pytest

from faults.relay import relay
from servers import S3Server
from story.daemon import Daemon, recorder, whole_lines
from waiting import wait_until


def lines(daemon: Daemon) -> list[dict[str, Any]]:
    return [json.loads(line) for line in whole_lines(daemon.log) if line[:1] == "{"]


def the_same(told: list[dict[str, Any]]) -> Counter[tuple[str, ...]]:
    """How often the same was said: but for the numbers in it, and the time."""
    return Counter(
        (
            str(line["event"]),
            str(line.get("file_path")),
            str(line.get("part")),
            re.sub(r"\d+", "", str(line.get("error"))),
        )
        for line in told
    )


@pytest.mark.timeout(180)
async def test_nothing_is_said_on_every_tick(daemon: Daemon, s3_server: S3Server) -> None:
    """While recordings grow and wait, and while the store is away, few lines come; when it
    is back each stream says once that it goes on. No secret is in any of them.

    Seen failing with a line for every failure.
    """
    store = urlsplit(s3_server.endpoint_url)
    async with relay(lambda: asyncio.open_connection(store.hostname, store.port)) as wire:
        daemon.environment |= {
            "S3_ENDPOINT_URL": f"http://127.0.0.1:{wire.port}",
            "APP_ENV": "production",
            "LOG_LEVEL": "INFO",
            "CLAIM_LEASE_SECONDS": "3",
            "SCAN_INTERVAL_SECONDS": "0.5",
            "STREAM_TIMEOUT_SECONDS": "1",
        }
        paused, there = daemon.path("paused.mp4"), wire.connect
        with open(paused, "wb") as still_open, recorder(daemon.path("a.mp4"), seconds=60.0):
            still_open.write(os.urandom(100))
            still_open.flush()
            daemon.start()
            await wait_until(lambda: said(daemon, "part sent"), timeout_seconds=30)
            wire.connect = refused
            await wire.close()
            before = len(lines(daemon))
            await wait_until(lambda: len(said(daemon, "failed")) >= 3, timeout_seconds=60)
            outage = lines(daemon)[before:]
            wire.connect = there
            await wait_until(lambda: said(daemon, "recovered"), timeout_seconds=60)
            about_paused = [line for line in lines(daemon) if line.get("file_path") == paused]
            assert daemon.terminate() == 0
    assert [line["failures"] for line in outage if line["event"] == "failed"] == [1, 2, 4]
    assert len(outage) <= 8, outage
    often = {what: times for what, times in the_same(lines(daemon)).items() if times > 2}
    assert not {what for what in often if what[0] != "failed"}
    (line,) = said(daemon, "recovered")
    assert line["failures"] >= 4
    assert [line["event"] for line in about_paused] == ["begun"]
    assert s3_server.secret_access_key not in daemon.log


async def refused() -> Never:
    raise ConnectionRefusedError


def said(daemon: Daemon, event: str) -> list[dict[str, Any]]:
    return [line for line in lines(daemon) if line["event"] == event]


@pytest.mark.timeout(120)
async def test_every_line_about_a_recording_names_it(daemon: Daemon) -> None:
    """With its path, its stream once it has begun, and the reason of what is done."""
    daemon.environment |= {"APP_ENV": "production", "LOG_LEVEL": "INFO"}
    daemon.start()
    with recorder(daemon.path("a.mp4"), seconds=3.0) as recording:
        await wait_until(lambda: said(daemon, "part sent"), timeout_seconds=30)
        await wait_until(lambda: recording.poll() is not None, timeout_seconds=30)
    await wait_until(lambda: said(daemon, "finished"), timeout_seconds=30)
    about = [line for line in lines(daemon) if line["logger_name"] == "cefmp4.telling"]
    assert [line["event"] for line in about][-3:] == ["stored", "described", "finished"]
    for line in about:
        assert line["file_path"] == daemon.path("a.mp4")
        assert line["why"], line
        assert line["stream_id"]
    assert {line["stream_id"] for line in about} == {about[0]["stream_id"]}
