"""One row of each stream: whether it is safe, why, and since when."""

from collections.abc import Callable

from cefmp4.core.model import Status
from cefmp4.core.safety import Safety
from cefmp4.errors import S3OperationError
from cefmp4.rows import STALLED, Moment, Row, row_at_the_end, row_of
from cefmp4.stream import Stream
from stream.faults import CLOSED_MP4
from stream.twins import PATH, Twins

BEGAN = 1_700_000_000.0


def row(twins: Twins, stream: Stream) -> Row:
    return row_of(stream, Moment(twins.clock.monotonic(), BEGAN), 300.0)


def written(twins: Twins, size: int) -> None:
    """More of a recording, its change time as on a real disk."""
    twins.disk.write(PATH, bytes(size))
    twins.disk.files[PATH].ctime_ns = int(twins.clock.now() * 1e9)


async def growing(size: int = 12) -> tuple[Twins, Stream]:
    """Parts of 8 bytes; whole ones are sent."""
    twins = Twins()
    await twins.start()
    written(twins, size)
    stream = twins.stream()
    await twins.rest(stream)
    return twins, stream


async def test_a_growing_recording_is_on_its_way() -> None:
    """What is sent, what is not, and since when the rest has been there."""
    twins, stream = await growing()
    told = row(twins, stream)
    assert (told.status, told.verdict) == ("active", Safety.ON_ITS_WAY)
    assert (told.disk_bytes, told.sent_bytes, told.unsent_bytes) == (12, 8, 4)
    assert told.at_risk_since == twins.clock.now()
    assert told.can == ("abort",)
    twins.clock.advance(5.0)
    assert row(twins, stream) == told  # nothing new to show


async def test_a_recording_grows_since_it_began_not_since_its_last_part() -> None:
    """Whole parts fall due again and again; that is no other state."""
    twins, stream = await growing()
    began = row(twins, stream)
    assert (began.why, began.since) == ("growing", began.started_at)
    twins.clock.advance(30.0)
    written(twins, 12)
    stream.glance()
    due = row(twins, stream)
    assert stream.progress.why == "whole parts are due"
    assert (due.why, due.since) == ("growing", began.since)


async def test_a_recording_that_has_not_begun_is_at_risk_from_its_first_byte() -> None:
    """Before anything is written down of it, its row is there."""
    twins = Twins()
    await twins.start()
    written(twins, 3)
    stream = twins.stream()
    stream.glance()
    told = row(twins, stream)
    assert told.stream_id == stream.stream_id
    assert (told.unsent_bytes, told.started_at, told.can) == (3, None, ())
    assert told.at_risk_since == twins.clock.now()


async def test_trouble_is_told_with_its_cause_and_its_beginning() -> None:
    """An outage puts a recording at risk, and says since when; when it is over, it is over."""
    twins, stream = await growing()

    def away(operation: str) -> None:
        raise S3OperationError("UploadPart", "ServiceUnavailable", "away", hint="wait")

    twins.store.before = away
    written(twins, 8)
    began = twins.clock.now()
    await stream.turn()
    twins.clock.advance(10.0)
    await stream.turn()
    told = row(twins, stream)
    assert told.verdict is Safety.AT_RISK
    assert told.trouble is not None
    assert "ServiceUnavailable" in told.why
    assert (told.since, told.hint, told.failures) == (began, "wait", 2)
    twins.clock.advance(300.0)
    assert row(twins, stream).status == STALLED
    twins.store.before = None
    written(twins, 1)
    await twins.rest(stream)
    told = row(twins, stream)
    assert (told.status, told.verdict, told.trouble) == ("active", Safety.ON_ITS_WAY, None)


async def test_a_part_on_its_way_is_progress() -> None:
    """A long part is not called stalled while it is being sent."""
    twins, stream = await growing()
    written(twins, 8)
    stream.glance()
    twins.clock.advance(400.0)
    assert row(twins, stream).status == STALLED
    stream.sight.in_flight.add(2)
    assert row(twins, stream).status == "active"


async def completing(
    complete: Callable[[Twins, Stream], None],
) -> tuple[Twins, Stream]:
    """A closed recording, every byte of which is sent and compared; `complete` is called
    whenever the store is asked to complete it, which it does not."""
    twins, stream = await growing(21)
    twins.disk.files[PATH].boxes = CLOSED_MP4

    async def refused(*_: object) -> None:
        complete(twins, stream)
        raise S3OperationError("CompleteMultipartUpload", "InternalError", "no", unclear=True)

    twins.store.complete = refused  # type: ignore[method-assign,assignment]
    return twins, stream


async def test_a_store_that_puts_it_together_for_minutes_is_not_stuck() -> None:
    """Every byte is there, and Complete of thousands of parts takes its time.

    Seen failing with a recording that is at risk after a minute, and stalled after five.
    """
    seen = list[Row]()

    def slowly(twins: Twins, stream: Stream) -> None:
        row(twins, stream)  # as somebody always looks
        twins.clock.advance(400.0)
        seen.append(row(twins, stream))

    twins, stream = await completing(slowly)
    while not seen:
        twins.clock.advance(await twins.rest(stream) or 0.0)
    assert (seen[0].status, seen[0].verdict) == ("pending_completion", Safety.ON_ITS_WAY)


async def test_what_the_store_never_completes_is_stalled() -> None:
    """However often it is asked: what is written down for that is no progress.

    Seen failing with each attempt taken for a step, so that no alarm ever came.
    """
    asked = list[float]()
    twins, stream = await completing(lambda twins, _: asked.append(twins.clock.now()))
    while not asked or twins.clock.now() - asked[0] < 400.0:
        twins.clock.advance(await twins.rest(stream) or 0.0)
    assert len(asked) > 5
    told = row(twins, stream)
    assert (told.status, told.verdict) == (STALLED, Safety.AT_RISK)


async def test_a_slow_line_is_told_as_such() -> None:
    """More than two parts wait for longer than a minute, although nothing fails."""
    twins, stream = await growing()
    written(twins, 30)
    stream.glance()
    stream.sight.in_flight.add(2)
    twins.clock.advance(100.0)
    stream.sight.reread += 1  # something came of it meanwhile
    told = row(twins, stream)
    assert (told.verdict, told.since) == (Safety.AT_RISK, told.at_risk_since)
    assert "more slowly" in told.why


async def test_a_store_that_takes_nothing_is_not_called_slow() -> None:
    """Parts are on their way, and none has landed for over a minute."""
    twins, stream = await growing()
    written(twins, 30)
    stream.glance()
    began = twins.clock.now()
    stream.sight.in_flight.add(2)
    twins.clock.advance(100.0)
    told = row(twins, stream)
    assert (told.verdict, told.since) == (Safety.AT_RISK, began)
    assert "no part of it gets through" in told.why
    assert "the store" in told.hint


async def test_what_is_being_put_whole_is_not_sent_before_the_store_says_so() -> None:
    """Its part is written down first, for a crash to be resolved: it stands nowhere yet."""
    twins = Twins()
    await twins.start()
    written(twins, 5)
    stream = twins.stream()
    seen: list[Row] = []

    def asked(operation: str) -> None:
        if operation == "put":
            seen.append(row(twins, stream))

    twins.store.before = asked
    began = twins.clock.now()
    ended = await twins.finish(stream)
    assert [(r.sent_bytes, r.unsent_bytes, r.parts) for r in seen] == [(0, 5, 0)]
    assert seen[0].at_risk_since == began
    assert row_at_the_end(ended).sent_bytes == 5


async def test_of_an_aborted_recording_nothing_is_called_sent() -> None:
    """Its upload is gone, and the parts with it."""
    _, stream = await growing()
    checkpoint = stream.checkpoint
    assert checkpoint is not None
    assert checkpoint.bytes_sent == 8
    told = row_at_the_end(checkpoint.ended(Status.ABORTED, 1.0, "by a person").without_upload())
    assert (told.sent_bytes, told.parts) == (0, 0)
    kept = row_at_the_end(checkpoint.ended(Status.FAILED_FINALIZATION, 1.0, "refused"))
    assert (kept.sent_bytes, kept.parts) == (8, 1)


async def test_a_recording_out_of_sight_is_at_risk() -> None:
    """While the whole directory is away, nobody can say that it is safe."""
    twins, stream = await growing()
    twins.disk.files.clear()
    twins.world.horizon.away = True
    stream.glance()
    told = row(twins, stream)
    assert (told.verdict, told.disk_bytes) == (Safety.AT_RISK, None)
    assert "away" in told.why
    assert "mount it again" in told.hint


async def test_a_restart_does_not_make_bytes_young() -> None:
    """What was unsent when the process was killed is as old afterwards."""
    twins, stream = await growing()
    began = twins.clock.now()
    twins.clock.advance(50.0)
    written(twins, 2)
    [stream] = await twins.restart()
    stream.glance()
    assert row(twins, stream).at_risk_since == began


async def test_what_the_store_has_lost_is_as_old_as_the_recording() -> None:
    """An upload that is gone leaves hours on the disk alone: nobody is told of some seconds.

    Seen failing with the age of the last growth, here and after a restart.
    """
    twins, stream = await growing()
    began = twins.clock.now()
    for _ in range(3):
        twins.clock.advance(50.0)
        written(twins, 8)
        await twins.rest(stream)
    twins.store.uploads.clear()
    written(twins, 8)
    await stream.turn()
    assert stream.ledger.current.upload_id is None
    told = row(twins, stream)
    assert (told.sent_bytes, told.at_risk_since, told.verdict) == (0, began, Safety.AT_RISK)
    [stream] = await twins.restart()
    stream.glance()
    assert row(twins, stream).at_risk_since == began
    await twins.rest(stream)
    assert row(twins, stream).verdict is Safety.ON_ITS_WAY
