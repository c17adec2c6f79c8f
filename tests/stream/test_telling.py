"""What a stream says of itself: each effect once, with its reason; nothing on every tick."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from cefmp4.core.model import AfterUpload, Status
from cefmp4.errors import RedisOperationError
from cefmp4.turns import Turns
from stream.conftest import Logs
from stream.faults import CLOSED_MP4, growing, on, outage, recorded
from stream.twins import PATH, Twins, with_policy
from waiting import wait_until

HOUR_SECONDS = 3600.0


@dataclass
class Spans:
    """Takes what is told, as a collector would."""

    effects: list[tuple[str, Mapping[str, object]]] = field(default_factory=list)
    roots: list[tuple[float, float, Mapping[str, object]]] = field(default_factory=list)

    def effect(
        self, stream_id: str, what: str, began: float, ended: float, facts: Mapping[str, object]
    ) -> None:
        assert stream_id
        assert began <= ended
        self.effects.append((what, facts))

    def whole(
        self, stream_id: str, began: float, ended: float, facts: Mapping[str, object]
    ) -> None:
        assert stream_id
        self.roots.append((began, ended, facts))

    def close(self) -> None:
        """Nothing is kept back."""


def events(logs: Logs) -> list[str]:
    return [line["event"] for line in logs if line["log_level"] != "debug"]


def of(logs: Logs, event: str) -> Logs:
    return [line for line in logs if line["event"] == event]


async def test_every_effect_has_one_line_and_one_span(logs: Logs) -> None:
    """With the stream, the path and the reason of the decision.

    Seen failing with the reason left out, and with spans only for what has a duration.
    """
    twins = with_policy(after_upload=AfterUpload.DELETE)
    spans = Spans()
    twins.world = replace(twins.world, tracer=spans)
    stream = await recorded(twins)
    await twins.finish(stream)
    said = events(logs)
    assert said == [
        *("begun", "upload created", "part sent", "part sent"),
        *("sealed", "part sent"),
        *("completed", "stored", "described", "recording disposed of"),
    ]
    traced = [what for what, _ in spans.effects]
    assert [what for what in traced if what != "compared"] == said
    for line in logs:
        assert line["file_path"] == PATH
        assert line["why"]
        if line["event"] != "decided":
            assert line["stream_id"] == stream.stream_id
    assert [(line["part"], line["bytes"]) for line in of(logs, "part sent")] == [
        *((1, 8), (2, 8), (3, 5)),
    ]
    assert all("seconds" in line for line in of(logs, "part sent"))


async def test_a_small_recording_is_put_with_a_line(logs: Logs) -> None:
    """Its one request is an effect like others."""
    twins = Twins()
    stream = await recorded(twins, size=5)
    await twins.finish(stream)
    (line,) = of(logs, "put whole")
    assert (line["bytes"], bool(line["why"])) == (5, True)


async def test_an_end_is_told_once_whatever_it_is(logs: Logs) -> None:
    """With status, bytes and seconds, and of the whole of it a span since its beginning."""
    twins, spans = Twins(), Spans()
    twins.world = replace(twins.world, tracer=spans)
    stream = await recorded(twins)
    checkpoint = await twins.finish(stream)
    stream.telling.ended(checkpoint)
    stream.telling.ended(replace(checkpoint, status=Status.FAILED, reason="too large"))
    stream.telling.ended(replace(checkpoint, status=Status.FAILED, reason="replaced"))
    told = [line for line in logs if "status" in line]
    levels = [(line["event"], line["log_level"]) for line in told]
    assert levels == [("finished", "info"), ("parked", "error"), ("ended", "info")]
    assert told[0]["bytes"] == 21
    began, ended, facts = spans.roots[0]
    assert (began, ended) == (checkpoint.started_at, checkpoint.ended_at)
    assert (facts["status"], facts["key"]) == ("completed_with_meta", checkpoint.key)
    assert "error" not in facts
    assert spans.roots[1][2]["error"] == "too large"


async def test_of_failures_in_a_row_few_are_told(logs: Logs) -> None:
    """The 1st, 2nd, 4th, 8th …, and then once that it goes on, with their number.

    Seen failing with a line for each.
    """
    twins = Twins()
    stream = await growing(twins)
    twins.store.before = on("upload_part", outage("UploadPart"), times=100)
    twins.disk.write(PATH, bytes(8))
    while of(logs, "recovered") == []:
        twins.clock.advance(await stream.turn() or 0.0)
    assert [line["failures"] for line in of(logs, "failed")] == [1, 2, 4, 8, 16, 32, 64]
    (line,) = of(logs, "recovered")
    assert line["failures"] == 100
    assert all(line["error"] for line in of(logs, "failed"))


async def test_a_recording_that_ends_in_an_outage_recovers_once(logs: Logs) -> None:
    """That it was sealed says nothing of the store: it still does not take parts.

    Seen failing while a seal counted as success.
    """
    twins = Twins()
    stream = await growing(twins)
    twins.store.before = on("upload_part", outage("UploadPart"), times=20)
    twins.disk.write(PATH, bytes(8))
    while not stream.failures:
        twins.clock.advance(await stream.turn() or 0.0)
    twins.disk.close_writer(PATH)
    twins.disk.files[PATH].boxes = CLOSED_MP4
    await twins.finish(stream)
    assert len(of(logs, "recovered")) == 1


async def test_an_hour_of_waiting_says_nothing(logs: Logs) -> None:
    """Nor does an hour of looking, four times a second, at what neither grows nor ends.

    Seen failing with a line for every decision.
    """
    twins = with_policy(open_writer_timeout_seconds=2 * HOUR_SECONDS)
    stream = await growing(twins)
    logs.clear()
    for _ in range(4 * int(HOUR_SECONDS)):
        twins.clock.advance(0.25)
        if stream.glance().actions:
            await twins.rest(stream)
    assert events(logs) == []
    assert len(logs) <= 5, Counter(line["why"] for line in logs)


async def test_an_hour_of_growing_says_one_line_for_each_part(logs: Logs) -> None:
    """And of what is decided meanwhile not more than two."""
    twins = Twins()
    stream = await growing(twins)
    logs.clear()
    for _ in range(int(HOUR_SECONDS)):
        twins.clock.advance(1.0)
        twins.disk.write(PATH, b"x")
        await twins.rest(stream)
    assert set(events(logs)) == {"part sent"}
    parts = len(events(logs))
    assert parts == int(HOUR_SECONDS) // 8
    assert len(logs) <= 3 * parts + 2


async def test_an_hour_without_the_state_server_says_few_lines(logs: Logs) -> None:
    """As one without the store does."""
    twins = Twins()
    stream = await growing(twins)
    logs.clear()
    twins.checkpoints.before = on("save", RedisOperationError("no answer"), times=100_000)
    twins.disk.write(PATH, bytes(16))
    until = twins.clock.monotonic() + HOUR_SECONDS
    while twins.clock.monotonic() < until:
        twins.clock.advance(await stream.turn() or 1.0)
    said = Counter(events(logs))
    assert said.keys() == {"failed", "part sent"}
    assert said["part sent"] == 2, "what is in the store was sent again"
    assert len(logs) <= 14


async def test_a_bug_that_is_met_again_and_again_is_told_now_and_then(logs: Logs) -> None:
    """With its traceback, but not once a minute for ever.

    Seen failing with a line at every turn.
    """
    twins = Twins()
    stream = await growing(twins)
    twins.disk.write(PATH, bytes(8))
    twins.store.before = on("upload_part", ZeroDivisionError("a bug"), times=100)
    turns = Turns(lambda _: True)
    for _ in range(8):
        turns._look(stream)
        await wait_until(lambda: not turns._running)
    await turns.stop(0.0)
    told = of(logs, "turn failed")
    assert [line["failures"] for line in told] == [1, 2, 4, 8]
    assert all(isinstance(line["exc_info"], ZeroDivisionError) for line in told)
