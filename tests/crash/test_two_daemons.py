"""Two daemons under one INSTANCE_ID: one works, the other leaves, and nothing is harmed.

The first one is stopped (SIGSTOP) while a request of it is on its way: held on a wire
between it and the store, so that it can also arrive late. The second reaches the store
directly, takes the claim over after one lease, and ends what it finds. Then the request
is let go, and the first one is woken.
"""

import asyncio
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from faults.state_bench import PATIENCE_SECONDS, Growing, StateBench
from servers import S3Server
from story.daemon import Daemon
from waiting import wait_until

pytest_plugins = ["faults.state_fixtures"]

FAILED, CLAIMED = 1, 3


@pytest.fixture
def second(state_bench: StateBench, s3_server: S3Server) -> Iterator[Daemon]:
    """Another daemon with the same settings, not started yet; its store is not held up."""
    first = state_bench.daemon
    environment = first.environment | {"S3_ENDPOINT_URL": s3_server.endpoint_url}
    log_path = os.path.join(os.path.dirname(first.log_path), "second.log")
    daemon = replace(first, log_path=log_path, environment=environment, process=None)
    yield daemon
    daemon.end()
    print(daemon.log)  # noqa: T201 - shown by pytest when the test failed


async def left_as_claimed(daemon: Daemon) -> None:
    """It has ended with 3, and one line that says so."""
    assert await asyncio.to_thread(daemon.wait, PATIENCE_SECONDS) == CLAIMED
    assert daemon.log.count('this instance is claimed"') == 1
    assert "Traceback" not in daemon.log


async def test_a_second_daemon_leaves_and_does_no_harm(
    state_bench: StateBench, second: Daemon
) -> None:
    """Exit 3 with one line that names the first, which goes on; nothing is sent twice.
    With all its settings, the port of the metrics too, it is told to look for the first.

    Seen failing with a newcomer that takes the claim without waiting.
    """
    bench = state_bench
    bench.daemon.start()
    recording = Growing(bench.daemon.path("a.mp4"))
    recording.grow()
    await bench.wait_for_parts(1)
    second.start()
    recording.grow()
    await left_as_claimed(second)
    assert f"process {bench.daemon.pid} on" in second.log
    recording.grow(0.5)
    recording.close()
    await bench.stored_as(recording)
    assert bench.parts_sent() == 3
    second.environment["PROM_PORT"] = bench.daemon.address.rpartition(":")[2]
    assert await asyncio.to_thread(second.start().wait) == FAILED
    assert "does cefmp4 run here already?" in second.log
    assert bench.daemon.terminate() == 0


@dataclass(frozen=True)
class Request:
    """What the first daemon is stopped in."""

    pattern: bytes
    parts: float
    """How much is recorded before it, in parts."""
    ended: bool
    """The recording was closed by then; it is opened again."""
    chunk_mib: int = 5


REQUESTS = {
    "part": Request(rb"PUT \S*\.mp4\?\S*partNumber=2", 2.2, ended=False),
    "complete": Request(rb"POST \S*\.mp4\?uploadId=", 2.2, ended=True),
    "put": Request(rb"PUT \S*\.mp4 ", 2.2, ended=True, chunk_mib=32),
}


@pytest.mark.parametrize(
    ("request_in_flight", "midway"),
    [
        ("part", False),
        ("part", True),
        ("complete", False),
        ("put", False),
        pytest.param("complete", True, marks=pytest.mark.soak),
        pytest.param("put", True, marks=pytest.mark.soak),
    ],
)
async def test_a_daemon_that_wakes_up_after_its_claim_was_taken_leaves(
    request_in_flight: str, midway: bool, state_bench: StateBench, second: Daemon
) -> None:
    """Whatever it had on its way, also when the recording has grown since, or grows still.

    Seen failing with a renewal that is not fenced, and with a body that is sent to its end
    whoever has the claim.
    """
    bench, request = state_bench, REQUESTS[request_in_flight]
    for daemon in (bench.daemon, second):
        daemon.environment["CHUNK_SIZE_BYTES"] = str(request.chunk_mib * 1024**2)
    held = bench.wire.hold(request.pattern)
    recording = Growing(bench.daemon.path("a.mp4"))
    recording.grow(request.parts)
    if request.ended:
        recording.close()
    bench.daemon.start()
    await asyncio.wait_for(held.reached.wait(), PATIENCE_SECONDS)
    bench.daemon.signal(signal.SIGSTOP)
    second.start()
    await wait_until(lambda: "resuming" in second.log, timeout_seconds=PATIENCE_SECONDS)
    recording.reopen()
    recording.grow(2)
    if not midway:
        recording.close()
        await bench.stored_as(recording)
    held.let_go.set()
    bench.daemon.signal(signal.SIGCONT)
    await left_as_claimed(bench.daemon)
    recording.close()
    await bench.stored_as(recording)
    assert len(await bench.bucket.videos()) == 1
    assert "begun" not in second.log, "it is another stream"
