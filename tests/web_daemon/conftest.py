"""The page of a real daemon, in a real browser."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from servers import S3Server
from story.daemon import Daemon, settings_of
from web.conftest import browser, context, page, watch

__all__ = ["browser", "context", "page", "watch"]

TOKEN = "let-me-steer"
SECONDS = 60.0


@pytest.fixture
def daemon(tmp_path: Path, s3_server: S3Server, redis_url: str) -> Iterator[Daemon]:
    """Not started yet; it makes its bucket itself, as no event loop runs here to do it."""
    settings = settings_of(str(tmp_path), s3_server, f"page-{uuid4()}", redis_url)
    os.mkdir(settings["WATCH_DIR"])
    process = Daemon(settings["WATCH_DIR"], str(tmp_path / "daemon.log"), settings)
    yield process
    process.end()
    print(process.log)  # noqa: T201 - shown by pytest when the test failed


@pytest.fixture
def site(daemon: Daemon) -> str:
    """A daemon that is under way, with a token."""
    daemon.environment |= {"WEB_TOKEN": TOKEN, "STREAM_TIMEOUT_SECONDS": "2"}
    daemon.start()
    until(daemon.is_ready)
    return daemon.address


def until(true: Callable[[], object]) -> None:
    """As `wait_until`, where no event loop runs: the browser has its own."""
    deadline = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.05)
