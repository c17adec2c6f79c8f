"""What is said of a state server that does not serve: why, in plain words, and what to do."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme
from redis import Redis
from redis.exceptions import AuthenticationError, RedisClusterException, ResponseError
from redis.exceptions import ConnectionError as RedisConnectionError

from cefmp4.adapters.checkpoints import open_checkpoints
from cefmp4.adapters.checkpoints.outages import translated
from cefmp4.adapters.embedded import valkey
from cefmp4.errors import RedisOperationError
from contract.state_servers import free_port

CLIENT = "?socket_timeout=0.2&socket_connect_timeout=0.2"


async def failing(url: str, ca_bundle: str | None = None) -> RedisOperationError:
    """How the first claim at this URL ends."""
    with pytest.raises(RedisOperationError) as raised:
        async with open_checkpoints(url, "suite", ca_bundle=ca_bundle) as checkpoints:
            await checkpoints.claim()
    return raised.value


@asynccontextmanager
async def speaking(
    answer: bytes | None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[str]:
    """A server that says this to the first question, and no more; of None, nothing at all."""
    over = asyncio.Event()

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        if answer is None:
            await over.wait()
        else:
            writer.write(answer)
            writer.write_eof()
            await reader.read()
        writer.close()

    server = await asyncio.start_server(speak, "127.0.0.1", 0, ssl=tls)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
    finally:
        over.set()
        server.close()


async def test_why_a_state_server_cannot_be_reached() -> None:
    """Where and why, and neither a class, a number nor a password of ours.

    Seen failing with the words of the client library.
    """
    where = f"127.0.0.1:{free_port()}/0"
    error = await failing(f"redis://me:hush@{where}")
    assert str(error) == f"cannot connect to redis://{where}: connection refused"
    assert "REDIS_URL" in error.hint
    error = await failing("redis://:hush@state.invalid:6379/0")
    told = "cannot connect to redis://state.invalid:6379/0: "
    assert str(error) in (f"{told}name not found", f"{told}no name server answers")


@pytest.mark.parametrize(
    ("scheme", "answer", "told", "hint"),
    [
        ("redis", None, "{}: no answer in time", "packets"),
        (
            "rediss",
            None,
            "cannot connect to {}: no answer in time",
            "packets; or it speaks no TLS there: redis:// instead of rediss://?",
        ),
        (
            "redis",
            b"",
            "{}: the connection was closed",
            "(maxclients); or it wants TLS: rediss:// instead of redis://?",
        ),
        (
            "redis",
            b"\x15\x03\x01\0\x02\x02F",
            "{}: what answers there is no Redis",
            "host and port; or it wants TLS: rediss:// instead of redis://?",
        ),
        (
            "rediss",
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
            "cannot connect to {}: no TLS with it: wrong version number",
            "use redis://",
        ),
        ("redis", b"HTTP/1.1 400\r\n", "{}: what answers there is no Redis", "host and port"),
        (
            "redis",
            b"-LOADING Redis is loading the dataset in memory\r\n",
            "{}: it is reading its data back in",
            "will answer soon",
        ),
        (
            "redis",
            b"-ERR max number of clients reached\r\n",
            "{}: it has too many clients",
            "raise its maxclients",
        ),
    ],
)
async def test_what_answers_and_does_not_serve(
    scheme: str, answer: bytes | None, told: str, hint: str
) -> None:
    """TLS on one side only is asked after, for no side says so.

    Seen failing with the words of the client, and without the question.
    """
    async with speaking(answer) as where:
        error = await failing(f"{scheme}://{where}{CLIENT}")
    assert str(error) == told.format(f"{scheme}://{where}")
    assert error.hint.endswith(hint)


async def test_a_certificate_that_is_not_trusted_names_the_setting() -> None:
    """Its own reason, and which setting names the CA."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(tls)
    async with speaking(None, tls) as where:
        error = await failing(f"rediss://{where}{CLIENT}")
    assert ": its certificate is not trusted: unable to get local issuer" in str(error)
    assert "REDIS_CA_BUNDLE" in error.hint


def password(redis: Redis) -> None:
    redis.config_set("requirepass", "correct")


def replica(redis: Redis) -> None:
    redis.replicaof("127.0.0.1", 1)


def full(redis: Redis) -> None:
    redis.config_set("maxmemory", 1)


async def test_what_the_server_itself_refuses(tmp_path: Path) -> None:
    """A real one; of the URL only what holds no secret. Seen failing with its own words."""
    with (
        valkey(str(tmp_path), append_only=False) as server,
        Redis.from_url(server.url) as redis,
    ):
        for broken, user, told in (
            (full, "", "it is full and takes no writes"),
            (replica, "", "it is a replica and takes no writes"),
            (password, "", "it wants a password"),
            (password, ":hush@", "the user or the password is wrong"),
        ):
            broken(redis)
            error = await failing(server.url.replace("//", f"//{user}", 1))
            assert str(error) == f"{server.url}: {told}"
            assert error.hint


def test_what_nobody_has_words_for_is_said_as_it_came() -> None:
    """Without a secret in it; and what has no message, by its kind."""
    for error, told in (
        (ResponseError("odd redis://:hush@h/0"), "redis://h/0: odd redis://(hidden)@h/0"),
        (ResponseError("replica-serve-stale-data"), "a replica that has lost its primary"),
        (AuthenticationError(), "redis://h/0: AuthenticationError"),
        (
            RedisClusterException("All slots are not covered"),
            "cluster does not serve every slot",
        ),
        (RedisConnectionError("No connection available."), "no connection to it came free"),
    ):
        with pytest.raises(RedisOperationError) as raised, translated("redis://h/0"):
            raise error
        assert told in str(raised.value)
        assert raised.value.code == type(error).__name__
