"""The connection: one server or a cluster, behind three plain questions.

Which of the two it is, is found by asking at the first use, so that a server that is
away when the daemon starts is an outage like any other. The number of connections is
bounded, and so is every wait for one and on one.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis, RedisCluster
from redis.asyncio.connection import SSLConnection, UnixDomainSocketConnection, parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, ResponseError

from cefmp4.adapters.checkpoints.outages import redacted, translated
from cefmp4.adapters.checkpoints.scripts import Command, Script
from cefmp4.errors import RedisOperationError

CONNECTIONS = 16
TIMEOUT_SECONDS = 5.0


class Server:
    """Runs scripts and reads. Raises RedisOperationError."""

    def __init__(
        self,
        redis_url: str,
        any_key: bytes,
        ca_bundle: str | None,
        failed: Callable[[str, str], None],
    ) -> None:
        self._failed = failed
        self._options = _understood(redis_url, ca_bundle)
        self._any_key = any_key
        """A key of the instance; on a cluster it tells which node holds them all."""
        self._name = redacted(redis_url)
        self._client: Redis | RedisCluster | None = None
        self._opening = asyncio.Lock()
        self._slots = asyncio.Semaphore(CONNECTIONS)

    async def run(
        self, operation: str, script: Script, keys: Sequence[bytes], argv: Sequence[bytes]
    ) -> list[Any]:
        """One script, atomically: its answer."""
        async with self._connected(operation) as client:
            rest: tuple[bytes | int, ...] = (len(keys), *keys, *argv)
            answer: list[Any]
            try:
                answer = await client.execute_command("EVALSHA", script.sha, *rest)
            except NoScriptError:  # new to this server, or it was restarted
                answer = await client.execute_command("EVAL", script.source, *rest)
            return answer

    async def read(self, operation: str, commands: Sequence[Command]) -> list[Any]:
        """Several reads in one round trip: their answers."""
        async with (
            self._connected(operation) as client,
            client.pipeline(transaction=False) as pipeline,
        ):
            for name, *rest in commands:
                pipeline.execute_command(name.decode(), *rest)
            return await pipeline.execute()

    async def tell(self, operation: str, *command: str) -> Any:
        """A question about the server itself; None when it does not want to answer."""
        async with self._connected(operation) as client:
            return await self._tell(client, *command)

    async def _tell(self, client: Any, *command: str) -> Any:
        try:
            if isinstance(client, RedisCluster):
                await client.initialize()
                node = client.get_node_from_key(self._any_key.decode())
                return await client.execute_command(*command, target_nodes=node)
            return await client.execute_command(*command)
        except ResponseError:  # hosted servers forbid CONFIG, and more
            return None

    @asynccontextmanager
    async def _connected(self, operation: str) -> AsyncIterator[Redis | RedisCluster]:
        with (
            heeding_cancellation(),
            self._counting(operation),
            translated(self._name, is_new=self._client is None),
        ):
            # The cluster client has no blocking pool: it raises at its limit.
            async with asyncio.timeout(TIMEOUT_SECONDS):
                await self._slots.acquire()
            try:
                yield self._client or await self._open()
            finally:
                self._slots.release()

    @contextmanager
    def _counting(self, operation: str) -> Iterator[None]:
        try:
            yield
        except RedisOperationError as error:
            self._failed(operation, error.code)
            raise

    async def _open(self) -> Redis | RedisCluster:
        async with self._opening:
            if self._client is None:
                single = Redis.from_pool(_pool(self._options))
                try:
                    about = await self._tell(single, "INFO", "cluster")
                except BaseException:
                    await single.aclose()
                    raise
                if about and about.get("cluster_enabled"):
                    await single.aclose()
                    self._client = _cluster(self._options)
                else:
                    self._client = single
            return self._client

    async def close(self) -> None:
        """Close every connection."""
        if self._client is not None:
            await self._client.aclose()


@contextmanager
def heeding_cancellation() -> Iterator[None]:
    """See to it that a cancellation which arrives in here is raised.

    redis-py sends within `asyncio.wait_for`, which before Python 3.12 swallows one that
    comes when the sending is just done. One that is older is left alone, so that a claim
    can still be given back while a cancelled task tidies up.
    """
    task = asyncio.current_task()
    before = task.cancelling() if task else 0
    try:
        yield
    finally:
        if task and task.cancelling() > before:
            raise asyncio.CancelledError


def _understood(redis_url: str, ca_bundle: str | None) -> dict[str, Any]:
    """What redis-py is told. Raises RedisOperationError, not transient."""
    try:
        options = _options(redis_url, ca_bundle)
        pool: Any = _pool(options)
        pool.make_connection()  # connects to nothing, but knows which options there are
    except (ValueError, TypeError):
        # The message of the cause can quote a piece of the password.
        raise RedisOperationError(
            "REDIS_URL cannot be understood",
            hint="redis://user:password@host:6379/0, rediss://… or unix:///path; characters "
            "such as / # ? @ in a password must be percent-encoded",
            transient=False,
        ) from None
    return options


def _options(redis_url: str, ca_bundle: str | None) -> dict[str, Any]:
    told: dict[str, Any] = dict(parse_url(redis_url))
    is_path = told.get("connection_class") is UnixDomainSocketConnection
    if "@" in redis_url and not is_path and not told.keys() & {"username", "password"}:
        raise ValueError("the password was cut off at a character with a meaning of its own")
    if ca_bundle and told.get("connection_class") is SSLConnection:
        told["ssl_ca_certs"] = ca_bundle
    return {
        "socket_timeout": TIMEOUT_SECONDS,
        "socket_connect_timeout": TIMEOUT_SECONDS,
        # Once more, for a connection that the server closed while it lay idle. Every
        # script may be repeated. The long outages are the business of our callers.
        "retry": Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
        # The older protocol is what every server speaks, and it has no pushed messages.
        "protocol": 2,
        **told,
        "decode_responses": False,
        # Where PING is refused, as by a server that wants a password, the check reconnects
        # and checks again without end (redis-py issue 3745, seen with 8.1).
        "health_check_interval": 0,
    }


def _pool(options: dict[str, Any]) -> BlockingConnectionPool:
    bounds = {"max_connections": CONNECTIONS, "timeout": TIMEOUT_SECONDS}
    return BlockingConnectionPool(**{**bounds, **options})


def _cluster(options: dict[str, Any]) -> RedisCluster:
    told = {"max_connections": CONNECTIONS, **options}
    told["ssl"] = told.pop("connection_class", None) is SSLConnection
    return RedisCluster(**told)
