"""Every case has a daemon, a bucket and a directory of its own; recordings are muxed once."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from contract.media import ORDINARY
from crash.life import Lives
from crash.recordings import Muxed, muxed
from servers import S3Server, s3_client
from story.bucket import Bucket
from story.daemon import settings_of


@pytest.fixture(scope="session")
def ordinary(tmp_path_factory: pytest.TempPathFactory) -> Muxed:
    """Three parts; the first is patched at the close."""
    return muxed(tmp_path_factory.mktemp("muxed"), ORDINARY, frames=6000)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Muxed:
    """Less than one part."""
    return muxed(tmp_path_factory.mktemp("muxed"), ORDINARY, frames=50)


@pytest.fixture
def lives(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    s3_server: S3Server,
    bucket: str,
    redis_url: str,
) -> Iterator[Lives]:
    """Not started yet; its log is shown when the case failed."""
    environment = settings_of(str(tmp_path), s3_server, bucket, redis_url)
    environment["CLOSE_SETTLE_SECONDS"] = "0.1"
    os.mkdir(environment["WATCH_DIR"])
    daemon, failed_before = Lives(str(tmp_path), environment), request.session.testsfailed
    yield daemon
    daemon.end()
    if request.session.testsfailed > failed_before:
        print(daemon.log)  # noqa: T201


@pytest.fixture
async def store(s3_server: S3Server, bucket: str) -> AsyncIterator[Bucket]:
    """The daemon's bucket."""
    async with s3_client(s3_server) as client:
        yield Bucket(client, bucket)
