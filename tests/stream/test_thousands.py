"""Thousands of recordings at once on the twins: all are stored, with no more than the slots."""

import pytest

from cefmp4.core.model import Status
from cefmp4.metrics import Metrics
from stream.test_supervisor import finished, quick, scan, supervised
from waiting import wait_until


@pytest.mark.timeout(300)
@pytest.mark.parametrize("recordings", [3_000, pytest.param(10_000, marks=pytest.mark.soak)])
async def test_thousands_on_the_twins(recordings: int) -> None:
    """No more work at once than there are slots, and at rest not one task is left.

    Seen failing with slots that let everybody in.
    """
    twins = quick(write_metadata=False)
    supervisor = await supervised(twins)
    for number in range(recordings):
        finished(twins, f"/w/{number}.mp4", size=5)
    parts_at_once = 0

    def count(_: str) -> None:
        nonlocal parts_at_once
        parts_at_once = max(parts_at_once, twins.world.parts.used)

    twins.store.before = count
    await supervisor.handle_scan(scan(twins))
    await wait_until(supervisor.all_done.is_set, timeout_seconds=280, every_seconds=0.5)
    await supervisor.stop(1.0)
    assert len(twins.videos) == recordings
    assert 0 < parts_at_once <= twins.world.parts.limit
    assert len(supervisor.turns) == 0
    assert supervisor.streams == {}


@pytest.mark.timeout(20)
async def test_forgetting_the_series_of_streams_does_not_search_all_others() -> None:
    """Where thousands are under way a scrape would stand still for a minute.

    Seen failing, by its time limit, with `remove_by_labels`.
    """
    metrics = Metrics()
    for number in range(20_000):
        metrics.streams.part_sent(str(number), 1)
    for number in range(1_000):
        metrics.stream_ended(str(number), 1.0, Status.COMPLETED)
    await metrics.scrape()
    assert b'stream_id="999"' not in await metrics.scrape()
