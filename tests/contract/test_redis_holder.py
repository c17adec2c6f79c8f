"""Who holds an INSTANCE_ID: real processes that live, die, and are mistaken for others."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from redis import Redis

from cefmp4.adapters.checkpoints import Holder, open_checkpoints
from cefmp4.adapters.checkpoints.keys import Keyspace
from cefmp4.errors import InstanceClaimed
from contract.state_servers import sleeping_child

CLAIM_AND_LIVE = """
import asyncio, sys
from cefmp4.adapters.checkpoints import open_checkpoints

async def main():
    async with open_checkpoints(sys.argv[1], "suite", lease_seconds=60) as checkpoints:
        await checkpoints.claim()
        print("claimed", flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""

ASK_AS_NOBODY = """
import os, sys
from cefmp4.adapters.checkpoints import Holder

os.setgroups([])
os.setgid(65534)
os.setuid(65534)
try:
    os.kill(int(sys.argv[1]), 0)
except PermissionError:
    sys.exit(Holder.of(int(sys.argv[1])).is_dead_here(Holder.of(os.getpid())))
sys.exit("it may be signalled")
"""


@contextmanager
def claiming_daemon(url: str) -> Iterator[subprocess.Popen[bytes]]:
    """A real process that has claimed `suite` and lives on."""
    command = [sys.executable, "-c", CLAIM_AND_LIVE, url]
    daemon = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        assert daemon.stdout is not None
        with daemon.stdout:
            assert daemon.stdout.readline() == b"claimed\n"
        yield daemon
    finally:
        daemon.kill()
        daemon.wait()


async def test_a_killed_daemon_is_replaced_at_once(redis_url: str) -> None:
    """Its claim would last a minute, but everybody can see that it is dead, buried or not."""
    with claiming_daemon(redis_url) as daemon:
        daemon.kill()
        # Not waited for yet: it is a zombie, as under a busy parent.
        async with open_checkpoints(redis_url, "suite") as successor, asyncio.timeout(5):
            await successor.claim()
            await successor.renew()


def test_a_living_process_is_not_dead() -> None:
    """Neither we ourselves nor a neighbour."""
    here = Holder.of(os.getpid())
    assert all((here.host, here.boot_id, here.pid_namespace, here.started))
    assert not here.is_dead_here(here)
    with sleeping_child() as child:
        neighbour = Holder.of(child.pid)
        assert not neighbour.is_dead_here(here)
    assert neighbour.is_dead_here(here)


def test_a_recycled_pid_is_not_taken_for_its_former_owner() -> None:
    """The same number, another start: the holder is dead, whoever runs there now."""
    here = Holder.of(os.getpid())
    assert replace(here, started="1").is_dead_here(here)


@pytest.mark.parametrize("field", ["host", "boot_id", "pid_namespace"])
@pytest.mark.parametrize("value", ["elsewhere", ""])
def test_nothing_is_known_of_a_process_elsewhere(field: str, value: str) -> None:
    """Another host, boot or pid namespace, or one that is not told: it may live."""
    here = Holder.of(os.getpid())
    with sleeping_child() as child:
        gone = Holder.of(child.pid)
    there = replace(gone, **{field: value})  # type: ignore[arg-type]
    from_there = replace(here, **{field: value})  # type: ignore[arg-type]
    assert gone.is_dead_here(here)
    assert not there.is_dead_here(here)
    assert there.is_dead_here(from_there) == bool(value)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_a_process_of_another_user_is_seen() -> None:
    """That we may not signal it proves that it lives."""
    with sleeping_child() as child:
        command = [sys.executable, "-c", ASK_AS_NOBODY, str(child.pid)]
        assert subprocess.run(command, timeout=30, check=False).returncode == 0


async def test_a_claim_nobody_can_read_is_respected(redis_url: str) -> None:
    """A token of another make that never lapses is not overrun, only reported."""
    with Redis.from_url(redis_url) as redis:
        redis.set(Keyspace("suite").claim, b"\xff not JSON")
    async with open_checkpoints(redis_url, "suite", lease_seconds=0.3) as newcomer:
        with pytest.raises(InstanceClaimed, match="an unknown host"):
            await newcomer.claim()


async def test_the_holder_is_named(redis_url: str) -> None:
    """One line says which process on which host is in the way."""
    holder = replace(Holder.of(os.getpid()), host="camera-box", pid=4711)
    async with (
        open_checkpoints(redis_url, "suite", lease_seconds=30, holder=holder) as first,
        open_checkpoints(redis_url, "suite", lease_seconds=0.3) as second,
    ):
        await first.claim()
        claiming = asyncio.create_task(second.claim())
        await asyncio.sleep(0.1)
        await first.renew()
        with pytest.raises(InstanceClaimed) as raised:
            await claiming
    assert "process 4711 on camera-box" in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("jump_seconds", [-86_400.0, 86_400.0])
async def test_a_wall_clock_that_jumps_changes_nothing(
    redis_url: str, monkeypatch: pytest.MonkeyPatch, jump_seconds: float
) -> None:
    """Within the lease nobody is asked, after it the server is, whatever the time of day.

    Seen failing with a lease that is counted by the wall clock.
    """
    with Redis.from_url(redis_url) as redis:

        def scripts_run() -> int:
            told = redis.info("commandstats")
            return sum(told.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in SCRIPTS)

        async with open_checkpoints(redis_url, "suite", lease_seconds=2.0) as checkpoints:
            await checkpoints.claim()
            wall_clock = time.time
            monkeypatch.setattr(time, "time", lambda: wall_clock() + jump_seconds)
            before = scripts_run()
            await checkpoints.assure()
            assert scripts_run() == before
            await asyncio.sleep(2.1)
            await checkpoints.assure()
            assert scripts_run() > before


SCRIPTS = ("eval", "evalsha")
