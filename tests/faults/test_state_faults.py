"""The state server breaks in every way it can, under a daemon that goes on recording."""

import asyncio
import signal
from collections.abc import Callable
from dataclasses import dataclass

from faults.state_bench import PATIENCE_SECONDS, Growing, StateBench, StateServer
from waiting import wait_until

pytest_plugins = ["faults.state_fixtures"]

Change = Callable[[StateServer], object]


@dataclass(frozen=True)
class Outage:
    """What happens to the server, how it ends, and what a person is told meanwhile."""

    begins: Change
    ends: Change
    hint: str


def cut_off(state: StateServer) -> None:
    """End every connection but ours."""
    state.redis.client_kill_filter(_type="normal", skipme=True)


def demand_a_password(state: StateServer) -> None:
    state.redis.config_set("requirepass", "correct")
    cut_off(state)


def let_nobody_in(state: StateServer) -> None:
    state.redis.config_set("maxclients", 1)
    cut_off(state)


OUTAGES = {
    "stopped": Outage(StateServer.stop, StateServer.start, "check that the server runs"),
    "killed": Outage(StateServer.kill, StateServer.start, "check that the server runs"),
    "a replica": Outage(
        lambda state: state.redis.replicaof("127.0.0.1", 1),
        lambda state: state.redis.replicaof("no", "one"),
        "point it at the primary",
    ),
    "full": Outage(
        lambda state: state.redis.config_set("maxmemory", 1),
        lambda state: state.redis.config_set("maxmemory", 0),
        "raise its maxmemory",
    ),
    "another password": Outage(
        demand_a_password,
        lambda state: state.redis.config_set("requirepass", ""),
        "put it into REDIS_URL",
    ),
    "too many clients": Outage(
        let_nobody_in,
        lambda state: state.redis.config_set("maxclients", 1000),
        "maxclients",
    ),
    "stalled": Outage(
        lambda state: state.signal(signal.SIGSTOP),
        lambda state: state.signal(signal.SIGCONT),
        "the server is slow, stopped",
    ),
}
"""In this order, one after the other."""

MOST_LINES = 12
"""Of one outage; each wait is longer than the one before, and not every one is logged."""


async def test_a_recording_lives_through_every_outage_of_the_state_server(
    state_bench: StateBench,
) -> None:
    """It grows on, no part is sent twice, and the log says what is wrong and when it is over.

    After FLUSHALL all is written again, also of what was stored before: a restart begins
    nothing anew. Seen failing with a full server, or a replica, taken for one that will
    never do; with a ledger that forgets what it could not write; without the fingerprints.
    """
    bench = state_bench
    earlier, recording = (Growing(bench.daemon.path(name)) for name in ("b.mp4", "a.mp4"))
    earlier.grow(0.1)
    earlier.close()
    bench.daemon.start()
    await bench.stored_as(earlier)
    recording.grow()
    await bench.wait_for_parts(2)
    for what, outage in OUTAGES.items():
        await live_through(bench, outage, recording, what)
    await forgets_everything(bench)
    recording.grow(0.5)
    recording.close()
    await bench.stored_as(recording)
    assert bench.parts_sent() == len(OUTAGES) + 2, "a part was sent again"
    assert not bench.said("parked")
    before = len(bench.daemon.log)
    assert await asyncio.to_thread(bench.daemon.terminate) == 0
    bench.daemon.start("--once")
    assert await asyncio.to_thread(bench.daemon.wait) == 0
    assert not bench.said("begun", before), "what was stored is stored again"


async def live_through(
    bench: StateBench, outage: Outage, recording: Growing, what: str
) -> None:
    """One outage in which the recording grows by a part, told once, and its end."""
    before, parts = len(bench.daemon.log), bench.state.parts()
    outage.begins(bench.state)
    recording.grow()

    def told() -> bool:
        hints = {line["event"]: line.get("hint", "") for line in bench.lines(before)}
        of_both = (hints.get("failed", ""), hints.get("the claim could not be renewed", ""))
        return all(outage.hint in hint for hint in of_both)

    await wait_until(told, timeout_seconds=PATIENCE_SECONDS)
    outage.ends(bench.state)
    await bench.wait_for_parts(parts + 1)
    await bench.wait_for("recovered", before)
    await bench.wait_for("the claim is renewed again", before)
    assert len(bench.lines(before)) <= MOST_LINES, what


async def forgets_everything(bench: StateBench) -> None:
    """FLUSHALL while nothing happens to the recording: all of it is written again."""
    before, parts = len(bench.daemon.log), bench.state.parts()
    bench.state.redis.flushall()
    await bench.wait_for("the state server had lost its data: it is written again", before)
    await bench.wait_for_parts(parts - 1)  # those of the stream that has ended are no more
