"""The real servers of a test session, and an S3 client that is not ours to look with.

They are the ones of `--embedded`, started once and shared; what a test may rely on is
a bucket of its own and an empty database, never an empty server.
"""

import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from redis import Redis
from types_aiobotocore_s3 import S3Client

from cefmp4.adapters.embedded import seaweedfs


@dataclass(frozen=True, slots=True)
class S3Server:
    """Where a running SeaweedFS answers, and with which keys."""

    endpoint_url: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    region: str = "us-east-1"


@contextmanager
def running_s3(directory: str) -> Iterator[S3Server]:
    """A SeaweedFS on `directory` with keys made up for it."""
    access_key, secret_key = secrets.token_hex(10), secrets.token_hex(20)
    with seaweedfs(directory, "session", access_key, secret_key) as server:
        yield S3Server(server.endpoint_url, access_key, secret_key)


@asynccontextmanager
async def s3_client(server: S3Server) -> AsyncIterator[S3Client]:
    """A plain client that asks once and never retries, so that failures are seen."""
    async with get_session().create_client(
        "s3",
        endpoint_url=server.endpoint_url,
        region_name=server.region,
        aws_access_key_id=server.access_key_id,
        aws_secret_access_key=server.secret_access_key,
        config=AioConfig(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
    ) as client:
        yield client


async def make_bucket(server: S3Server) -> str:
    """A bucket nobody used before; the server makes none by itself."""
    name = f"test-{secrets.token_hex(6)}"
    async with s3_client(server) as client:
        await client.create_bucket(Bucket=name)
    return name


@contextmanager
def locked_out(redis_url: str) -> Iterator[None]:
    """Nobody gets into this state server, and who was in is put out."""
    with Redis.from_url(redis_url) as client:
        client.config_set("requirepass", "secret")
        try:
            client.client_kill_filter(_type="normal", skipme=True)
            yield
        finally:
            client.config_set("requirepass", "")
