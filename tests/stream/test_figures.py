"""What is counted of streams: right after failures and ends, bounded, and never negative."""

import asyncio
import re
from collections.abc import Sequence
from math import isnan

import pytest
from prometheus_client import CollectorRegistry

from cefmp4.assembly_telling import figures
from cefmp4.core.model import Status, Wish
from cefmp4.counted import CountedStore
from cefmp4.errors import PartsRefused, RedisOperationError, S3OperationError, UploadGone
from cefmp4.lookout import Lookout
from cefmp4.metrics import Figures, Metrics
from cefmp4.metrics_streams import MAX_UNSCRAPED, UNSCRAPED_SECONDS
from cefmp4.metrics_work import Work
from cefmp4.persistence import Persistence
from cefmp4.problems import Problems
from cefmp4.slots import Slots
from stream.faults import CLOSED_MP4, growing, on, outage, recorded
from stream.test_supervisor import quick, scan, supervised
from stream.twins import PATH, Twins
from waiting import wait_until


async def value(metrics: Metrics, series: str) -> float | None:
    """Of a series with these very labels; None when there is none."""
    text = (await metrics.scrape()).decode()
    found = re.search(rf"^{re.escape(series)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else None


async def of_work(twins: Twins, series: str) -> float | None:
    return await value(twins.world.metrics, series)


async def test_a_part_that_changed_on_the_disk_is_counted() -> None:
    """As a mismatch, as one that is sent again, and why.

    Seen failing with the mismatch counted where it is sent.
    """
    twins = Twins()
    stream = await growing(twins)
    twins.disk.patch(PATH, 0, b"changed!")
    twins.disk.close_writer(PATH)
    await twins.finish(stream)
    assert twins.content() in twins.videos.values()
    assert await of_work(twins, "cefmp4_compare_mismatches_total") == 1
    changed = 'cefmp4_parts_resent_total{reason="changed_on_disk"}'
    assert await of_work(twins, changed) == 1
    assert await of_work(twins, 'cefmp4_parts_resent_total{reason="refused"}') == 0
    assert await of_work(twins, "cefmp4_part_upload_seconds_count") == 5


async def test_a_part_whose_record_failed_is_counted_once() -> None:
    """It is in the store, is written down later, and is not sent again.

    Seen failing with what is told only after the record.
    """
    twins = Twins()
    stream = await growing(twins)
    twins.checkpoints.before = on("save", RedisOperationError("no answer"))
    twins.disk.write(PATH, bytes(8))
    await stream.turn()
    twins.clock.advance(60.0)
    await twins.rest(stream)
    sent = f'video_chunks_uploaded_total{{stream_id="{stream.stream_id}"}}'
    assert await of_work(twins, sent) == 4
    assert stream.checkpoint is not None
    assert len(stream.checkpoint.parts) == 4


async def test_parts_that_were_refused_or_lost_are_counted() -> None:
    """By why they are sent again."""
    twins = Twins()
    stream = await recorded(twins)
    refused = PartsRefused("CompleteMultipartUpload", "InvalidPart", "not mine")
    twins.store.before = on("complete", refused)
    await twins.finish(stream)
    assert await of_work(twins, 'cefmp4_parts_resent_total{reason="refused"}') == 3

    twins = Twins()
    stream = await growing(twins)
    twins.store.uploads.clear()
    twins.disk.write(PATH, bytes(30))
    twins.disk.close_writer(PATH)
    await twins.finish(stream)
    assert await of_work(twins, 'cefmp4_parts_resent_total{reason="upload_lost"}') == 3


@pytest.mark.parametrize(
    ("error", "ambiguous"),
    [
        (S3OperationError("CompleteMultipartUpload", "SlowDown", "later", unclear=True), 1),
        (S3OperationError("CompleteMultipartUpload", "AccessDenied", "no"), 0),
        (UploadGone("CompleteMultipartUpload", "NoSuchUpload", "which?"), 1),
    ],
    ids=["no answer", "refused", "gone"],
)
async def test_a_complete_without_a_clear_answer_is_counted(
    error: S3OperationError, ambiguous: int
) -> None:
    """One that says that nothing was done is none, and is a failure like others."""
    twins = Twins()
    stream = await recorded(twins)
    twins.store.after = on("complete", error)
    await twins.finish(stream)
    assert await of_work(twins, "cefmp4_ambiguous_completes_total") == ambiguous


async def test_attempts_after_failures_are_counted() -> None:
    """So many as there were, and of the stream what failed."""
    twins = Twins()
    stream = await recorded(twins)
    twins.store.before = on("upload_part", outage("UploadPart"), times=3)
    await twins.finish(stream)
    failures = f'{{operation_type="s3_upload_part",stream_id="{stream.stream_id}"}}'
    assert await of_work(twins, f"video_failed_operations_total{failures}") in (2, 3)
    assert (await of_work(twins, "cefmp4_retries_total") or 0) >= 2


async def test_the_time_from_the_last_write_to_the_object() -> None:
    """By the clock that only goes forward where the write was seen; else by the file's own
    time, and never below zero when that is ahead.

    Seen failing with the time of the first look.
    """
    twins = Twins()
    stream = await growing(twins)
    twins.clock.advance(100.0)
    twins.disk.write(PATH, bytes(range(7)))
    await twins.rest(stream)
    twins.clock.advance(5.0)
    twins.disk.close_writer(PATH)
    await twins.finish(stream)
    told = await of_work(twins, "cefmp4_close_to_stored_seconds_sum")
    assert told is not None
    assert 5.0 <= told < 100.0

    ahead = Twins()
    stream = await recorded(ahead)
    ahead.clock.now = lambda: 0.0  # type: ignore[method-assign]
    await ahead.finish(stream)
    assert await of_work(ahead, "cefmp4_close_to_stored_seconds_sum") == 0.0
    assert await of_work(ahead, "cefmp4_close_to_stored_seconds_count") == 1


async def test_every_error_of_the_store_is_counted_by_a_bounded_code() -> None:
    """A store that makes up codes makes no series.

    Seen failing with the code as it was told.
    """
    metrics, twins = Metrics(), Twins()
    store = CountedStore(twins.store, metrics.work.store_failed)
    for code in ("SlowDown", "503", "made-up-1", "made-up-2", "99999", "５００"):
        twins.store.before = on("head", S3OperationError("HeadObject", code, "no"))
        with pytest.raises(S3OperationError):
            await store.head("key")
    with pytest.raises(UploadGone):
        await store.list_parts("key", "an upload that is gone: asked for, and no error")
    counted = 'cefmp4_store_errors_total{code="%s",operation="HeadObject"}'
    assert await value(metrics, counted % "SlowDown") == 1
    assert await value(metrics, counted % "5xx") == 1
    assert await value(metrics, counted % "other") == 4
    metrics.work.store_failed("MadeUp", "SlowDown")
    text = (await metrics.scrape()).decode()
    assert text.count("\ncefmp4_store_errors_total{") == 4
    for state_code in ("ReadOnlyError", "MadeUpError", "AnotherError", ""):
        metrics.work.state_failed("save", state_code)
    failed = 'cefmp4_state_errors_total{code="%s",operation="save"}'
    assert await value(metrics, failed % "ReadOnlyError") == 1
    assert await value(metrics, failed % "other") == 3


async def test_a_scrape_sees_the_streams_as_they_are() -> None:
    """Those under way and those that wait for a person, by status, with what is unsent."""
    twins = quick(reject_non_mp4=True)
    supervisor = await supervised(twins)
    twins.disk.write("/w/refused.mp4", b"no video here at all")
    twins.disk.open_writer(PATH)
    twins.disk.write(PATH, bytes(range(21)))
    twins.disk.files[PATH].boxes = CLOSED_MP4
    metrics = twins.world.metrics
    lookout = Lookout(lambda: supervisor.roster, twins.clock, 300.0)
    metrics.watch_streams(figures(lookout, supervisor))
    metrics.watch_active(supervisor.active_streams)
    await supervisor.handle_scan(scan(twins))
    await wait_until(lambda: supervisor.past.not_stored()["failed"])
    await wait_until(lambda: supervisor.active_streams() == 1)
    assert await value(metrics, 'cefmp4_streams{status="failed"}') == 1
    assert await value(metrics, 'cefmp4_streams{status="active"}') == 1
    assert await value(metrics, 'cefmp4_streams{status="aborted"}') == 0
    assert (await value(metrics, "cefmp4_unsent_bytes") or 0) > 0
    assert await value(metrics, "active_streams_gauge") == 1
    await supervisor.hear({supervisor.streams[PATH].stream_id: Wish.ABORT})
    await wait_until(lambda: supervisor.active_streams() == 0)
    fresh = Lookout(lambda: supervisor.roster, twins.clock, 300.0)
    metrics.watch_streams(figures(fresh, supervisor))
    assert await value(metrics, 'cefmp4_streams{status="active"}') == 0
    assert await value(metrics, 'cefmp4_streams{status="aborted"}') == 1
    await supervisor.stop(1.0)


async def test_series_go_when_nobody_scrapes() -> None:
    """After a quarter of an hour, and the oldest when there are too many.

    Seen failing with series that wait for a scrape.
    """
    now = [0.0]
    metrics = Metrics(lambda: now[0])
    metrics.streams.part_sent("old", 1)
    metrics.stream_ended("old", 1.0, Status.COMPLETED)
    now[0] = UNSCRAPED_SECONDS
    metrics.stream_ended("new", 1.0, Status.FAILED)
    assert list(metrics.streams.ended) == ["new"]
    for number in range(MAX_UNSCRAPED):
        metrics.stream_ended(str(number), 1.0, Status.COMPLETED)
    assert len(metrics.streams.ended) == MAX_UNSCRAPED
    text = (await metrics.scrape()).decode()
    assert 'stream_id="new"' not in text
    assert 'stream_id="999"' in text
    assert "stream_id" not in (await metrics.scrape()).decode()


async def test_statuses_that_nobody_has_are_told_as_none() -> None:
    """An alarm on a series that is not there never rings; one that stands still never ends.

    Seen failing with only those set that there are.
    """
    metrics, statuses = Metrics(), {"stalled": 2, "active": 1}

    async def look() -> Figures:
        return Figures(statuses, 10, 3.5, 2)

    metrics.watch_streams(look)
    assert await value(metrics, 'cefmp4_streams{status="stalled"}') == 2
    assert await value(metrics, 'cefmp4_streams{status="failed_finalization"}') == 0
    assert await value(metrics, "cefmp4_at_risk_seconds") == 3.5
    del statuses["stalled"]
    assert await value(metrics, 'cefmp4_streams{status="stalled"}') == 0


async def test_nobody_waits_for_slots_that_are_closed() -> None:
    """Never less than nobody, also when somebody gives up just then.

    Seen failing with -1.
    """
    slots = Slots(1)
    async with slots.hold(0):
        waiting = asyncio.create_task(_hold(slots))
        await asyncio.sleep(0)
        assert slots.waiting == 1
        waiting.cancel()
        slots.close()
        await asyncio.gather(waiting, return_exceptions=True)
    assert slots.waiting == 0


async def _hold(slots: Slots) -> None:
    async with slots.hold(0):
        pass


async def test_a_state_server_that_may_forget_is_a_figure() -> None:
    """Set anew at every question."""

    class Server:
        weak: Sequence[tuple[str, str]] = [("keeps nothing on disk", "set appendonly")]

        async def weaknesses(self) -> Sequence[tuple[str, str]]:
            return self.weak

    server, registry, problems = Server(), CollectorRegistry(), Problems(lambda: 5.0)
    asked = Persistence(server, Work(registry), problems)
    await asked.ask()
    assert registry.get_sample_value("cefmp4_state_persistence_weak") == 1
    [problem] = problems.look()
    assert (problem.why, problem.hint) == ("keeps nothing on disk", "set appendonly")
    server.weak = []
    await asked.ask()
    assert registry.get_sample_value("cefmp4_state_persistence_weak") == 0
    assert not problems.look()


async def test_what_nobody_has_looked_at_is_not_known() -> None:
    """It is no 0, which says that all is well. Seen failing with gauges as they are made."""
    metrics = Metrics()
    told = "cefmp4_unsent_bytes", "cefmp4_at_risk_seconds", "cefmp4_streams_at_risk"
    assert all([isnan(await value(metrics, series) or 0) for series in told])

    async def look() -> Figures:
        return Figures({}, 0, 0.0, 0)

    metrics.watch_streams(look)
    assert [await value(metrics, series) for series in told] == [0, 0, 0]
