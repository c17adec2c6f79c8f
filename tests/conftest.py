"""Real servers, started once per session, and a watch over what tests leave behind."""

import asyncio
import inspect
import os
import sys
from collections.abc import AsyncIterator, Iterator

import pytest
from hypothesis import settings
from redis import Redis

from cefmp4.adapters.embedded import valkey
from servers import S3Server, make_bucket, running_s3

os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
"""The child processes of tests import what the tests import."""

settings.register_profile("patient", settings(), deadline=None)
settings.load_profile("patient")
"""That an example took long on a machine that has much else to do is no failure."""


@pytest.fixture(scope="session")
def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Valkey on a unix socket, shared by the session: use `redis_url` for an empty one."""
    with valkey(str(tmp_path_factory.mktemp("valkey")), append_only=False) as server:
        yield server.url


@pytest.fixture
def redis_url(valkey_url: str) -> Iterator[str]:
    """The session's Valkey, empty at the beginning and emptied at the end."""
    yield valkey_url
    with Redis.from_url(valkey_url) as client:
        client.flushall()


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A SeaweedFS shared by the session."""
    with running_s3(str(tmp_path_factory.mktemp("seaweedfs"))) as server:
        yield server


@pytest.fixture
async def bucket(s3_server: S3Server) -> str:
    """A fresh, empty bucket on the session's SeaweedFS."""
    return await make_bucket(s3_server)


@pytest.fixture
async def no_task_is_left() -> AsyncIterator[None]:
    """Whatever a test starts on the event loop has ended when the test has."""
    yield
    left = asyncio.all_tasks() - {asyncio.current_task()}
    assert not left, f"tasks left behind: {[task.get_coro() for task in left]}"


@pytest.fixture(autouse=True)
def watch_over_tasks(request: pytest.FixtureRequest) -> None:
    """Async tests only: a plain test gets no event loop."""
    if inspect.iscoroutinefunction(getattr(request, "function", None)):
        request.getfixturevalue("no_task_is_left")
