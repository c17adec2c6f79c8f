"""Every story has a daemon, a bucket and a directory of its own."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from servers import S3Server, s3_client
from story.bucket import Bucket
from story.daemon import Daemon, settings_of


@pytest.fixture
def daemon(
    tmp_path: Path, s3_server: S3Server, bucket: str, redis_url: str
) -> Iterator[Daemon]:
    """Not started yet, so that a story can say what was there before."""
    environment = settings_of(str(tmp_path), s3_server, bucket, redis_url)
    os.mkdir(environment["WATCH_DIR"])
    process = Daemon(environment["WATCH_DIR"], str(tmp_path / "daemon.log"), environment)
    yield process
    process.end()
    print(process.log)  # noqa: T201 - shown by pytest when the story failed


@pytest.fixture
async def store(s3_server: S3Server, bucket: str) -> AsyncIterator[Bucket]:
    """The daemon's bucket."""
    async with s3_client(s3_server) as client:
        yield Bucket(client, bucket)


@pytest.fixture
def environment(redis_url: str) -> dict[str, str]:
    """What is known at another host: where the state server is."""
    known = {name: os.environ[name] for name in ("PATH", "PYTHONPATH")}
    return {**known, "REDIS_URL": redis_url}
