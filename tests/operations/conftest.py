"""promtool, where it is there, and what a real daemon exports."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Callable

import pytest
from redis import Redis

from servers import S3Server, make_bucket
from story.daemon import Daemon, settings_of
from story.test_recordings import make_mp4
from waiting import wait_until

Promtool = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def promtool() -> Promtool:
    """Runs promtool with these arguments, and `stdin`."""
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not installed (Debian: the package prometheus)")

    def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [program, *arguments], input=stdin, capture_output=True, text=True, check=False
        )

    return run


@pytest.fixture(scope="session")
def scrape(
    tmp_path_factory: pytest.TempPathFactory, s3_server: S3Server, valkey_url: str
) -> str:
    """The exposition text of a daemon that has stored one recording."""
    folder = str(tmp_path_factory.mktemp("scraped"))
    try:
        return asyncio.run(_scraped(folder, s3_server, valkey_url))
    finally:
        with Redis.from_url(valkey_url) as client:
            client.flushall()


async def _scraped(folder: str, server: S3Server, valkey_url: str) -> str:
    environment = settings_of(folder, server, await make_bucket(server), valkey_url)
    os.mkdir(environment["WATCH_DIR"])
    daemon = Daemon(environment["WATCH_DIR"], os.path.join(folder, "log"), environment)
    make_mp4(daemon.path("a.mp4"))

    def stored() -> str:
        text = daemon.metrics()
        return text if "\nstreams_completed_total 1.0\n" in text else ""

    try:
        daemon.start()
        await wait_until(daemon.is_ready, timeout_seconds=30)
        return await wait_until(stored, timeout_seconds=60, every_seconds=0.2)
    finally:
        daemon.end()
