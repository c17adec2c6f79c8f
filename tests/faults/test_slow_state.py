"""A state server that is far away, and slow; and one that keeps nothing on its disk."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from faults.relay import Relay, relay, to_address
from faults.state_bench import Growing, StateBench

pytest_plugins = ["faults.state_fixtures"]

MANY = 48
"""Streams at once: three for each connection to the state server."""


@pytest.fixture
async def far_away(state_bench: StateBench) -> AsyncIterator[Relay]:
    """What the daemon has between itself and its state server."""
    async with relay(to_address(state_bench.state.url)) as wire:
        state_bench.daemon.environment["REDIS_URL"] = f"redis://127.0.0.1:{wire.port}/0"
        yield wire


async def test_a_server_that_answers_after_seconds_only_slows_things_down(
    state_bench: StateBench, far_away: Relay
) -> None:
    """Every write waits its time; none fails, and nothing is sent twice.

    Seen failing with a wait for an answer that is shorter than the delay.
    """
    bench = state_bench
    bench.daemon.start()
    recording = Growing(bench.daemon.path("a.mp4"))
    recording.grow()
    await bench.wait_for_parts(1)
    far_away.delay_seconds = 1.2
    recording.grow(1.2)
    recording.close()
    await bench.stored_as(recording)
    assert bench.parts_sent() == 3
    assert not bench.said("failed")
    assert not bench.said("the claim could not be renewed")
    far_away.delay_seconds = 0.0
    assert await asyncio.to_thread(bench.daemon.terminate) == 0


@pytest.mark.soak
async def test_many_streams_share_the_connections_to_a_slow_server(
    state_bench: StateBench, far_away: Relay
) -> None:
    """More than can be served in time: those that wait too long try again, and all end.

    Seen failing with a pool that is at its end for good once it was exhausted.
    """
    bench = state_bench
    bench.daemon.environment["MAX_CONCURRENT_STREAMS"] = str(MANY)
    bench.daemon.start()
    await bench.wait_for("store opened")
    far_away.delay_seconds = 1.5
    recordings = [Growing(bench.daemon.path(f"{number}.mp4")) for number in range(MANY)]
    for recording in recordings:
        recording.grow(1.1)
        recording.close()
    await bench.wait_for("failed")
    far_away.delay_seconds = 0.2
    for recording in recordings:
        await bench.stored_as(recording, alone=False)
    assert await bench.bucket.uploads() == []
    assert bench.parts_sent() == 2 * MANY
    hints = {line.get("hint") for line in bench.lines() if line["event"] == "failed"}
    assert hints == {"the server is slow, stopped, or behind a network that drops packets"}
    assert not bench.said("parked")


async def test_a_server_without_a_disk_is_warned_of_at_the_start(
    state_bench: StateBench,
) -> None:
    """No append-only file and no snapshots: once, with what to set.

    Seen failing with a warning that only a snapshot setting calls forth.
    """
    bench = state_bench
    bench.state.redis.config_set("appendonly", "no")
    bench.daemon.start()
    await bench.wait_for("store opened")
    warnings = [line for line in bench.lines() if "may forget" in line["event"]]
    assert len(warnings) == 1
    assert "appendonly yes" in warnings[0]["hint"]
