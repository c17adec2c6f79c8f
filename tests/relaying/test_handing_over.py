"""From the outbox into `cefmp4:events`, and who is told with which settings."""

import asyncio
from pathlib import Path

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from cefmp4.adapters.memory.checkpoints import MemoryCheckpoints
from cefmp4.assembly_telling import make_relaying, sinks
from cefmp4.config import load_settings
from cefmp4.core.happenings import Sink
from cefmp4.errors import RedisOperationError
from cefmp4.relaying import Relaying
from cefmp4.relaying.stream import StreamRelay
from contract.checkpoint_values import active
from relaying.at_work import at_work, stall
from waiting import wait_until


@pytest.fixture
async def checkpoints() -> MemoryCheckpoints:
    process = MemoryCheckpoints()
    await process.claim()
    return process


async def test_an_outage_while_handing_over_is_waited_out(
    checkpoints: MemoryCheckpoints,
) -> None:
    """All of it is handed over, in order, some of it perhaps twice; and one line says so."""
    failing = [3]

    def away(operation: str) -> None:
        if operation == "publish" and failing[0]:
            failing[0] -= 1
            raise RedisOperationError("away")

    checkpoints.after = away
    await stall(checkpoints, active(), 2)
    relay = StreamRelay(checkpoints.outboxes)
    with capture_logs() as logs:
        async with at_work(relay):
            async with asyncio.timeout(20):
                await Relaying(checkpoints.outboxes, [relay]).all_told()
            await wait_until(lambda: logs and logs[-1]["log_level"] == "info")
    assert len({event.id for event in checkpoints.published}) == 2
    assert checkpoints.published == checkpoints.published[:2] * 4
    assert [line["failures"] for line in logs] == [1, 2, 3]


async def test_what_was_published_is_not_published_again_for_a_drop_that_failed(
    checkpoints: MemoryCheckpoints,
) -> None:
    """A server that can be read and takes no writes does not fill the stream with doubles.

    Seen failing with everything that waits published at each try.
    """
    outages = [0]

    def away(operation: str) -> None:
        if operation == "drop" and outages[0] < 3:
            outages[0] += 1
            raise RedisOperationError("away")

    checkpoints.before = away
    await stall(checkpoints, active(), 2)
    relay = StreamRelay(checkpoints.outboxes)
    async with at_work(relay):
        await wait_until(lambda: outages == [3])
        await stall(checkpoints, active("/b"), 1)
        await Relaying(checkpoints.outboxes, [relay]).all_told()
    assert len(checkpoints.published) == len({event.id for event in checkpoints.published}) == 3
    assert relay.counts.delivered == 3


@pytest.mark.parametrize(
    ("url", "secret", "warned"),
    [
        ("https://hooks.example/t0ken", None, True),
        ("https://hooks.example/t0ken", "secret", False),
        ("http://127.0.0.1:8010/t0ken", None, False),
        (None, None, False),
    ],
)
async def test_unsigned_events_are_warned_about(
    checkpoints: MemoryCheckpoints,
    tmp_path: Path,
    url: str | None,
    secret: str | None,
    warned: bool,
) -> None:
    """Once, at the start, and not where they stay on this machine; who is told is set."""
    settings = load_settings(
        needs_store=False,
        env_file=None,
        watch_dir=str(tmp_path),
        webhook_url=SecretStr(url) if url else None,
        webhook_secret=SecretStr(secret) if secret else None,
    )
    with capture_logs() as logs:
        async with make_relaying(settings, checkpoints.outboxes) as telling:
            told = [relay.counts.sink for relay in telling.relays]
    assert told == sinks(settings) == ([Sink.REDIS, Sink.WEBHOOK] if url else [Sink.REDIS])
    assert ["unsigned" in line["event"] for line in logs] == [True] * warned
    assert "t0ken" not in str(logs)
