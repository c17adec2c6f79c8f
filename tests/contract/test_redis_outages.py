"""Checkpoints when the state server is away, full, locked, stalled, killed or forgetful."""

import asyncio
import os
import signal
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

import pytest
from redis import Redis
from redis.exceptions import RedisError

from cefmp4.adapters.checkpoints import RedisCheckpoints, open_checkpoints
from cefmp4.adapters.embedded import valkey
from cefmp4.errors import RedisOperationError
from contract.checkpoint_values import active, part
from contract.state_servers import cluster_node, free_port
from waiting import wait_until

pytest_plugins = ["contract.state_fixtures"]


@pytest.fixture
def server_url(tmp_path: object) -> Iterator[str]:
    """A Valkey for one test, that may be broken."""
    with valkey(str(tmp_path), append_only=False) as server:
        yield server.url


@contextmanager
def looking_at(url: str) -> Iterator[Redis]:
    """A plain client, to break things with."""
    with Redis.from_url(url) as client:
        yield client


async def failure(url: str) -> RedisOperationError:
    """What a claim and a first save at this URL end with."""

    async def work() -> None:
        async with open_checkpoints(url, "suite") as checkpoints:
            await checkpoints.claim()
            await checkpoints.save(None, active())

    with pytest.raises(RedisOperationError) as raised:
        await work()
    assert raised.value.transient
    return raised.value


def everything_told(error: BaseException) -> str:
    """All that a log could show of an error, its causes too."""
    return "".join(traceback.format_exception(error)) + str(getattr(error, "hint", ""))


async def test_an_unreachable_server_is_an_outage() -> None:
    """Nobody listens: the error says where it looked, and keeps the password to itself."""
    error = await failure(f"redis://me:hunter2@127.0.0.1:{free_port()}/0?client_name=hunter3")
    assert "127.0.0.1" in str(error)
    assert "REDIS_URL" in error.hint
    assert "hunter" not in everything_told(error)


async def test_every_failed_question_is_told_with_its_kind(server_url: str) -> None:
    """What was asked and why it was not answered, in words that are few.

    Seen failing with the questions that went well told, too.
    """
    told: list[tuple[str, str]] = []

    def failed(operation: str, code: str) -> None:
        told.append((operation, code))

    nowhere = f"redis://127.0.0.1:{free_port()}/0"
    for url in (server_url, nowhere):
        async with open_checkpoints(url, "suite", failed=failed) as checkpoints:
            with suppress(RedisOperationError):
                await checkpoints.claim()
                with looking_at(server_url) as redis:
                    redis.replicaof("127.0.0.1", free_port())
                await checkpoints.save(None, active())
    assert told == [("save", "ReadOnlyError"), ("claim", "ConnectionError")]


async def test_a_missing_socket_is_an_outage(tmp_path: object) -> None:
    """A server on a unix socket that is not up yet may come up."""
    error = await failure(f"unix://{tmp_path}/none.sock")
    assert "REDIS_URL" in error.hint


@pytest.mark.parametrize("credentials", ["", "me:hunter2@", ":hunter2@"])
async def test_a_wrong_password_is_an_outage(server_url: str, credentials: str) -> None:
    """A person can mend it meanwhile; the hint says where, and nothing shows the password."""
    with looking_at(server_url) as redis:
        redis.config_set("requirepass", "correct")
        error = await failure(server_url.replace("unix://", f"unix://{credentials}"))
        assert "password" in error.hint
        assert "hunter" not in everything_told(error)
        redis.config_set("requirepass", "")


@pytest.mark.parametrize(
    "url",
    [
        "redis://:hun/ter2@host",
        "redis://me:hun#ter2@host",
        "redis://me:12?hunter2@host",
        "redis://:hunter2@host/0?no_such_option=1",
        "http://:hunter2@host",
        "hunter2",
    ],
)
async def test_a_url_that_makes_no_sense_is_wrong_for_good(url: str) -> None:
    """It is refused before anything is sent, without quoting a piece of the password."""
    with pytest.raises(RedisOperationError) as raised:
        async with open_checkpoints(url, "suite"):
            pass
    assert not raised.value.transient
    assert "percent-encoded" in raised.value.hint
    assert "hun" not in f"{raised.value!r} {raised.value.hint}"
    assert raised.value.__suppress_context__


async def test_a_read_only_replica_is_named(server_url: str) -> None:
    """Writing to a replica cannot work; the hint points at the primary."""
    with looking_at(server_url) as redis:
        redis.config_set("replica-serve-stale-data", "yes")
        redis.replicaof("127.0.0.1", free_port())
        assert "primary" in (await failure(server_url)).hint


async def test_a_full_server_is_named(server_url: str) -> None:
    """Out of memory nothing is written, and the hint names the setting."""
    with looking_at(server_url) as redis:
        redis.config_set("maxmemory", 1)
        assert "maxmemory" in (await failure(server_url)).hint


async def test_a_server_that_cannot_save_is_named(server_url: str, tmp_path: object) -> None:
    """A server whose disk refuses its snapshots refuses writes; the hint says so."""
    os.mkdir(f"{tmp_path}/dump.rdb")
    with looking_at(server_url) as redis:
        redis.config_set("save", "3600 1")
        redis.bgsave()
        await wait_until(lambda: redis.info("persistence")["rdb_last_bgsave_status"] == "err")
        assert "disk" in (await failure(server_url)).hint
        redis.config_set("save", "")  # else it tries again, for long, when it is stopped


async def test_a_user_without_permission_is_named(server_url: str) -> None:
    """An ACL that is too narrow is told as such."""
    with looking_at(server_url) as redis:
        redis.acl_setuser(
            "me", enabled=True, passwords=["+hunter2"], keys=["*"], commands=["+info"]
        )
        error = await failure(server_url.replace("unix://", "unix://me:hunter2@"))
        assert "ACL" in error.hint


async def test_a_write_that_arrives_late_does_no_harm(
    server_url: str, tmp_path: object
) -> None:
    """A save that timed out may land after all; what is saved next wins entirely."""
    begun = active()
    late = begun.ended(begun.status, 1.0, "late").with_part(part(7))
    after = begun.with_part(part(1))
    async with open_checkpoints(f"{server_url}?socket_timeout=0.3", "suite") as checkpoints:
        await checkpoints.claim()
        await checkpoints.save(None, begun)
        with looking_at(server_url) as redis:
            pid = redis.info("server")["process_id"]
        os.kill(pid, signal.SIGSTOP)
        try:
            with pytest.raises(RedisOperationError) as raised:
                await checkpoints.save(begun, late)
        finally:
            os.kill(pid, signal.SIGCONT)
        assert "slow, stopped" in raised.value.hint
        assert await checkpoints.load(begun.stream_id) in (late, begun)
        await checkpoints.save(begun, after)
        assert await checkpoints.load(begun.stream_id) == after


async def test_a_delta_on_top_of_another_value_becomes_a_whole_write(server_url: str) -> None:
    """If the server turns out to hold something else, nothing of that shines through."""
    begun = active()
    async with open_checkpoints(server_url, "suite") as checkpoints:
        await checkpoints.claim()
        await checkpoints.save(None, begun)
        async with open_checkpoints(server_url, "suite") as other:
            # The same process in a former life: its write, delayed until now.
            other._claim = checkpoints._claim
            elsewhere = replace(begun, path="/elsewhere.mp4", hint="old").with_part(part(9))
            await other.save(begun, elsewhere)
        after = begun.with_part(part(1))
        await checkpoints.save(begun, after)
        assert await checkpoints.load(begun.stream_id) == after
        assert await checkpoints.load_unfinished() == [after]


async def test_kill_nine_of_the_server_loses_nothing(tmp_path: object) -> None:
    """With an append-only file every answered write survives, and the client comes back."""
    checkpoint = active()
    with valkey(str(tmp_path)) as server:
        opening = open_checkpoints(server.url, "suite")
        checkpoints = await opening.__aenter__()
        await checkpoints.claim()
        await checkpoints.save(None, checkpoint)
        for number in range(1, 51):
            after = checkpoint.with_part(part(number))
            await checkpoints.save(checkpoint, after)
            checkpoint = after
        os.kill(server.pid, signal.SIGKILL)
        with pytest.raises(RedisOperationError) as raised:
            await checkpoints.save(checkpoint, checkpoint.with_part(part(51)))
        assert raised.value.transient
    with valkey(str(tmp_path)) as again:
        assert again.url == server.url
        assert await checkpoints.load_unfinished() == [checkpoint]
        await checkpoints.renew()
        await checkpoints.save(checkpoint, checkpoint.with_part(part(51)))
        await opening.__aexit__(None, None, None)


async def test_a_server_that_forgets_is_warned_of(tmp_path: object) -> None:
    """No append-only file and no save points, or eviction: what is wrong and how to mend it."""
    with valkey(str(tmp_path)) as server, looking_at(server.url) as redis:
        async with open_checkpoints(server.url, "suite") as checkpoints:
            assert await checkpoints.weaknesses() == []
            redis.config_set("appendonly", "no")
            warning = str(await checkpoints.weaknesses())
            assert "appendonly yes" in warning
            redis.config_set("save", "3600 1")
            assert await checkpoints.weaknesses() == []
            redis.config_set("maxmemory", "100mb")
            assert await checkpoints.weaknesses() == []
            redis.config_set("maxmemory-policy", "allkeys-lru")
            assert "noeviction" in str(await checkpoints.weaknesses())


async def test_a_server_that_tells_nothing_of_itself_is_not_accused(server_url: str) -> None:
    """Hosted servers forbid CONFIG and even INFO; work goes on without the warning."""
    with looking_at(server_url) as redis:
        redis.acl_setuser(
            "me",
            enabled=True,
            passwords=["+secret"],
            keys=["*"],
            categories=["+@all"],
            commands=["-config", "-info", "-cluster"],
        )
    async with open_checkpoints(server_url.replace("//", "//me:secret@", 1), "suite") as some:
        assert await some.weaknesses() == []
        await some.claim()
        await some.save(None, active())


async def test_a_cluster_tells_of_itself_too(cluster_nodes: list[Redis]) -> None:
    """The node that holds the instance is asked, whichever was named in the URL."""
    for node in cluster_nodes:
        port = node.connection_pool.connection_kwargs["port"]
        async with open_checkpoints(f"redis://127.0.0.1:{port}", "suite") as checkpoints:
            assert "appendonly yes" in str(await checkpoints.weaknesses())


async def test_a_cluster_without_slots_is_an_outage(tmp_path: object) -> None:
    """A cluster that is being set up, or has lost a node, is waited for."""
    with cluster_node(f"{tmp_path}/alone") as port:
        with Redis(port=port) as redis:
            await wait_until(lambda: answers(redis))
        assert "CLUSTER INFO" in (await failure(f"redis://127.0.0.1:{port}")).hint


def answers(redis: Redis) -> bool:
    with suppress(RedisError):
        return bool(redis.ping())
    return False


async def test_a_cancellation_is_never_swallowed(redis_url: str) -> None:
    """Whenever it comes; redis-py loses it while it sends, before Python 3.12."""

    async def ask_on_and_on(checkpoints: RedisCheckpoints) -> None:
        while True:
            await checkpoints.purge(1000.0)
            await asyncio.sleep(3600)

    async with open_checkpoints(redis_url, "suite") as checkpoints:
        await checkpoints.claim()
        for moment in range(200):
            asking = asyncio.create_task(ask_on_and_on(checkpoints))
            for _ in range(moment % 20):
                await asyncio.sleep(0)
            asking.cancel()
            done, _ = await asyncio.wait({asking}, timeout=5)
            assert done, f"the cancellation after {moment % 20} steps was lost"
