"""The embedded servers: private, one run at a time, gone with us, and nothing forgotten."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from types_aiobotocore_s3 import S3Client

from cefmp4.adapters.embedded import (
    EmbeddedServers,
    embedded_servers,
    seaweedfs,
    valkey,
)
from cefmp4.adapters.embedded.child import DIE_WITH_PARENT
from cefmp4.errors import CefMP4Error
from servers import S3Server, s3_client
from waiting import wait_until

BUCKET = "recordings"

RUN_UNTIL_STDIN_CLOSES = """
import json, sys
from cefmp4.adapters.embedded import embedded_servers

with embedded_servers(sys.argv[1], "recordings") as servers:
    told = {
        "redis_url": servers.redis_url,
        "endpoint_url": servers.s3_endpoint_url,
        "access_key_id": servers.access_key_id,
        "secret_access_key": servers.secret_access_key,
        "pids": [process.pid for process in servers.processes],
    }
    print(json.dumps(told), flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServers]:
    """One embedded run, for tests that only look at it."""
    with embedded_servers(str(tmp_path_factory.mktemp("embedded")), BUCKET) as running:
        yield running


@asynccontextmanager
async def client_of(servers: EmbeddedServers) -> AsyncIterator[S3Client]:
    address = S3Server(
        servers.s3_endpoint_url, servers.access_key_id, servers.secret_access_key
    )
    async with s3_client(address) as client:
        yield client


@contextmanager
def another_process(data_dir: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process of its own that runs the servers; it may be killed."""
    with subprocess.Popen(
        [sys.executable, "-c", RUN_UNTIL_STDIN_CLOSES, data_dir],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        try:
            yield process
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(20)


def told_by(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    assert process.stdout is not None
    told: dict[str, Any] = json.loads(process.stdout.readline())
    return told


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def listening_addresses(pid: int) -> set[str]:
    """The IPv4 and IPv6 addresses, as the kernel writes them, on which it listens."""
    links = [str(fd.readlink()) for fd in Path(f"/proc/{pid}/fd").iterdir()]
    own = {link.removeprefix("socket:[").rstrip("]") for link in links}
    rows: list[Sequence[str]] = []
    for table in ("tcp", "tcp6"):
        text = Path(f"/proc/{pid}/net/{table}").read_text()
        rows += [line.split() for line in text.splitlines()[1:]]
    return {row[1].split(":")[0] for row in rows if row[3] == "0A" and row[9] in own}


async def test_ready_means_that_a_put_object_works(tmp_path: Path) -> None:
    """The first PutObject after a start, and after a restart, just works."""
    for attempt in range(2):
        with embedded_servers(str(tmp_path), BUCKET) as running:
            async with client_of(running) as client:
                body = os.urandom(1 << 20)
                await client.put_object(Bucket=BUCKET, Key=f"{attempt}.mp4", Body=body)


async def test_a_restart_finds_keys_and_objects_again(tmp_path: Path) -> None:
    """The same folder gives the same endpoint, credentials, keys and objects."""
    with embedded_servers(str(tmp_path), BUCKET) as first:
        async with client_of(first) as client, Redis.from_url(first.redis_url) as state:
            await client.put_object(Bucket=BUCKET, Key="a.mp4", Body=b"moov")
            await state.set("a", "checkpoint")
    with embedded_servers(str(tmp_path), BUCKET) as second:
        async with client_of(second) as client, Redis.from_url(second.redis_url) as state:
            answer = await client.get_object(Bucket=BUCKET, Key="a.mp4")
            assert await answer["Body"].read() == b"moov"
            assert await state.get("a") == b"checkpoint"
    assert second.s3_endpoint_url == first.s3_endpoint_url
    assert second.secret_access_key == first.secret_access_key


async def test_nothing_is_lost_or_left_when_the_parent_is_killed(tmp_path: Path) -> None:
    """After `kill -9` both servers vanish, and a new run finds all that was answered for."""
    with another_process(str(tmp_path)) as parent:
        told = told_by(parent)
        address = S3Server(
            told["endpoint_url"], told["access_key_id"], told["secret_access_key"]
        )
        async with s3_client(address) as client, Redis.from_url(told["redis_url"]) as state:
            await client.put_object(Bucket=BUCKET, Key="a.mp4", Body=b"moov")
            await state.set("a", "checkpoint")
        assert all(map(is_running, told["pids"]))
        parent.send_signal(signal.SIGKILL)
        with embedded_servers(str(tmp_path), BUCKET) as successor:
            assert not any(map(is_running, told["pids"]))
            async with (
                client_of(successor) as client,
                Redis.from_url(successor.redis_url) as state,
            ):
                head = await client.head_object(Bucket=BUCKET, Key="a.mp4")
                assert head["ContentLength"] == 4
                assert await state.get("a") == b"checkpoint"


async def test_both_servers_end_with_a_normal_stop(tmp_path: Path) -> None:
    """No server is left when the block ends."""
    with embedded_servers(str(tmp_path), BUCKET) as running:
        pids = [process.pid for process in running.processes]
    await wait_until(lambda: not any(map(is_running, pids)), timeout_seconds=1.0)


def test_a_second_run_on_the_same_directory_is_refused(servers: EmbeddedServers) -> None:
    """It says so in one line, with what can be done, and touches nothing."""
    with (
        pytest.raises(CefMP4Error, match="another run uses") as refused,
        embedded_servers(servers.data_dir, BUCKET),
    ):
        pass
    assert "\n" not in str(refused.value)
    assert "EMBEDDED_DATA_DIR" in refused.value.hint
    assert not refused.value.transient


def test_the_secret_is_where_only_we_can_read_it(servers: EmbeddedServers) -> None:
    """It is in a 0600 file in a 0700 directory, on no command line and in no repr."""
    assert stat.S_IMODE(os.stat(servers.credentials_file).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(servers.data_dir).st_mode) == 0o700
    assert servers.secret_access_key in Path(servers.credentials_file).read_text()
    assert servers.secret_access_key not in repr(servers)
    for process in servers.processes:
        assert servers.secret_access_key not in Path(f"/proc/{process.pid}/cmdline").read_text()


def test_only_this_machine_can_reach_the_servers(servers: EmbeddedServers) -> None:
    """SeaweedFS listens on 127.0.0.1 alone, Valkey on no address at all."""
    state, store = servers.processes
    assert listening_addresses(state.pid) == set()
    assert listening_addresses(store.pid) == {"0100007F"}


def test_ports_that_are_taken_are_left_to_their_owner(tmp_path: Path) -> None:
    """When the port of last time is in use, the store moves to others."""
    with seaweedfs(str(tmp_path), BUCKET, "key", "secret") as first:
        pass
    port = int(first.endpoint_url.rpartition(":")[2])
    with (
        socket.create_server(("127.0.0.1", port)),
        seaweedfs(str(tmp_path), BUCKET, "key", "secret") as second,
    ):
        assert second.endpoint_url != first.endpoint_url


def test_two_starts_that_want_the_same_ports_both_succeed(tmp_path: Path) -> None:
    """They take turns, and the second one moves to other ports."""
    ports = {"master": 18001, "volume": 18002, "filer": 18003, "s3": 18004, "admin": 18005}
    with ExitStack() as running:
        processes = []
        for name in ("one", "other"):
            folder = tmp_path / name / "seaweedfs"
            folder.mkdir(parents=True)
            (folder / "ports.json").write_text(json.dumps(ports))
            (tmp_path / name / "lock").touch()  # a directory of ours, from an earlier run
            processes.append(running.enter_context(another_process(str(tmp_path / name))))
        endpoints = {told_by(process)["endpoint_url"] for process in processes}
    assert len(endpoints) == 2


async def test_a_long_directory_name_is_no_obstacle(tmp_path: Path) -> None:
    """Where the path of a unix socket would be too long, the socket is put elsewhere."""
    with valkey(str(tmp_path / ("d" * 120))) as server:
        async with Redis.from_url(server.url) as state:
            assert await state.ping()


def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    """The error carries the server's last words, and where to read more."""
    (tmp_path / "appendonlydir").mkdir()
    (tmp_path / "appendonlydir" / "appendonly.aof.manifest").write_text("nonsense\n")
    with (
        pytest.raises(CefMP4Error, match=r"Valkey ended with 1 .*nonsense") as failed,
        valkey(str(tmp_path)),
    ):
        pass
    assert "valkey.log" in failed.value.hint


def test_a_server_whose_parent_died_too_early_does_not_start() -> None:
    """The parent may end before the kernel was asked to watch it: nothing would end us."""
    somebody_else = str(os.getppid())
    command = [sys.executable, "-I", "-S", "-c", DIE_WITH_PARENT, somebody_else, sys.executable]
    ended = subprocess.run(command, capture_output=True, timeout=10, check=False)
    assert ended.returncode == 1
    assert b"the parent is gone" in ended.stderr
