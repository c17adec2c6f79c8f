"""Fixtures for what breaks around the state server, as a plugin of its test modules."""

import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from faults.relay import relay, to_address
from faults.state_bench import LEASE_SECONDS, StateBench, StateServer
from servers import S3Server, s3_client
from story.bucket import Bucket
from story.daemon import Daemon, settings_of


@pytest.fixture
def state_server(tmp_path: Path) -> Iterator[StateServer]:
    """A state server of the test's own, running."""
    server = StateServer(str(tmp_path / "state"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def state_bench(
    tmp_path: Path, s3_server: S3Server, bucket: str, state_server: StateServer
) -> AsyncIterator[StateBench]:
    """The daemon is not started yet."""
    async with (
        relay(to_address(s3_server.endpoint_url)) as wire,
        s3_client(s3_server) as client,
    ):
        counted = replace(s3_server, endpoint_url=f"http://127.0.0.1:{wire.port}")
        environment = settings_of(str(tmp_path), counted, bucket, state_server.url)
        environment |= {
            "APP_ENV": "production",
            "LOG_LEVEL": "INFO",
            "CLAIM_LEASE_SECONDS": str(LEASE_SECONDS),
        }
        os.mkdir(environment["WATCH_DIR"])
        daemon = Daemon(environment["WATCH_DIR"], str(tmp_path / "daemon.log"), environment)
        yield StateBench(daemon, state_server, wire, Bucket(client, bucket))
        daemon.end()
        print(daemon.log)  # noqa: T201 - shown by pytest when the test failed
