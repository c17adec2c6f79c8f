"""The relays, on the twin of the state server and a real receiver."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from cefmp4.adapters.memory.checkpoints import MemoryCheckpoints
from cefmp4.adapters.webhook import open_webhook
from cefmp4.assembly import SystemClock
from cefmp4.core.happenings import Sink
from cefmp4.core.model import Status
from cefmp4.errors import Fenced, RedisOperationError
from cefmp4.ports import Event
from cefmp4.relaying import Relay, Relaying
from cefmp4.relaying.stream import StreamRelay
from cefmp4.relaying.webhook import Patience, WebhookRelay
from contract.checkpoint_values import active
from receiving import Post, Receiver, receiving
from relaying.at_work import at_work, stall
from waiting import wait_until


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as listening:
        yield listening


@pytest.fixture
async def checkpoints() -> MemoryCheckpoints:
    process = MemoryCheckpoints()
    await process.claim()
    return process


@asynccontextmanager
async def telling(
    checkpoints: MemoryCheckpoints, url: str, patience: Patience | None = None
) -> AsyncIterator[WebhookRelay]:
    """A relay at work."""
    async with open_webhook(url, None, SystemClock.now) as webhook:
        relay = WebhookRelay(checkpoints.outboxes, webhook, SystemClock(), patience)
        async with at_work(relay):
            yield relay


async def left(checkpoints: MemoryCheckpoints, sink: Sink = Sink.WEBHOOK) -> int:
    return (await checkpoints.outboxes.untold(sink)).pending


async def test_what_piles_up_of_one_stream_holds_up_no_other(
    checkpoints: MemoryCheckpoints, receiver: Receiver
) -> None:
    """However much of it lies before the others; and it comes in order, once it is taken."""
    stuck, other = active("/stuck"), active("/other")
    receiver.answer = lambda post: 500 if post.key[1] == stuck.stream_id else 200
    await stall(checkpoints, stuck, 350)
    await stall(checkpoints, other, 3)
    async with telling(checkpoints, receiver.url) as relay:
        await wait_until(lambda: len(receiver.taken) == 3)
        receiver.answer = lambda _: 200
        await wait_until(lambda: len(receiver.taken) == 353, timeout_seconds=30)
        since = [
            post.event["data"]["stalled_since_utc"]
            for post in receiver.taken
            if post.key[1] == stuck.stream_id
        ]
        assert since == sorted(since)
        assert len(set(since)) == 350
        await wait_until(lambda: relay.counts.pending == 0)
        assert relay.counts.delivered == 353


async def test_an_event_nobody_wants_is_given_up(
    checkpoints: MemoryCheckpoints, receiver: Receiver
) -> None:
    """410 Gone at once, loudly; what comes after it of the same stream is delivered.

    Seen failing with 410 tried again like everything else.
    """
    stream = active()
    receiver.answer = lambda post: 410 if len(receiver.posts) == 1 else 200
    await stall(checkpoints, stream, 2)
    with capture_logs() as logs:
        async with telling(checkpoints, receiver.url) as relay:
            await wait_until(lambda: len(receiver.taken) == 1)
            await wait_until(lambda: relay.counts.pending == 0)
    assert (relay.counts.failed, relay.counts.delivered) == (1, 1)
    (given_up,) = [line for line in logs if line["event"] == "event given up"]
    assert (given_up["log_level"], given_up["stream_id"]) == ("error", stream.stream_id)


async def test_an_event_that_is_refused_for_days_is_given_up(
    checkpoints: MemoryCheckpoints, receiver: Receiver
) -> None:
    """When it is old, and was tried long enough by this process."""
    receiver.answer = lambda _: 400
    await stall(checkpoints, active(), 1)
    patience = Patience(age_seconds=60, tried_seconds=0.2)
    with capture_logs() as logs:
        async with telling(checkpoints, receiver.url, patience) as relay:
            await wait_until(lambda: relay.counts.failed == 1, timeout_seconds=20)
    assert len(receiver.posts) >= 2
    told = [line["event"] for line in logs]
    assert (told[0], told[-1]) == ("event not taken", "event given up")


class Odd:
    """Fails first in a way that nobody has thought of, and takes what comes after it."""

    def __init__(self) -> None:
        self.taken: list[Event] = []
        self.tried = 0

    async def deliver(self, event: Event) -> None:
        self.tried += 1
        if self.tried == 1:
            raise OverflowError("nobody has thought of it")
        self.taken.append(event)


async def test_what_nobody_has_thought_of_ends_nothing(checkpoints: MemoryCheckpoints) -> None:
    """The event is tried again, as after any failure, and the log says what it was.

    Seen failing with only the known errors caught: the relay ended, and with it the daemon.
    """
    odd = Odd()
    await stall(checkpoints, active(), 1)
    with capture_logs() as logs:
        async with at_work(WebhookRelay(checkpoints.outboxes, odd, SystemClock())):
            await wait_until(lambda: len(odd.taken) == 1)
    told = [line["event"] for line in logs]
    assert told[:2] == ["delivering failed in an unknown way", "event not taken"]


async def test_never_two_of_one_stream_at_once(
    checkpoints: MemoryCheckpoints, receiver: Receiver
) -> None:
    """A few streams at a time, each with one event under way."""
    under_way: list[str] = []
    most, doubles = [0], list[str]()
    together = threading.Barrier(Patience().at_a_time)

    def answer(post: Post) -> int:
        doubles.extend(stream for stream in under_way if stream == post.key[1])
        under_way.append(post.key[1])
        most[0] = max(most[0], len(under_way))
        if len(receiver.posts) <= together.parties:
            together.wait(10)
        under_way.remove(post.key[1])
        return 200

    receiver.answer = answer
    for number in range(20):
        await stall(checkpoints, active(f"/{number}"), 3)
    async with telling(checkpoints, receiver.url):
        await wait_until(lambda: len(receiver.taken) == 60, timeout_seconds=30)
    assert doubles == []
    assert most == [Patience().at_a_time]


async def test_what_was_delivered_is_not_told_again_for_a_drop_that_failed(
    checkpoints: MemoryCheckpoints, receiver: Receiver
) -> None:
    """By this process at least: it drops it when it can, and goes on.

    Seen failing with the event tried anew after its drop failed.
    """
    await stall(checkpoints, active(), 3)
    outages = [0]

    def away(operation: str) -> None:
        if operation == "drop" and outages[0] < 3:
            outages[0] += 1
            raise RedisOperationError("away")

    checkpoints.before = away
    async with telling(checkpoints, receiver.url) as relay:
        await wait_until(lambda: len(receiver.taken) == 3, timeout_seconds=20)
        await wait_until(lambda: relay.counts.pending == 0)
    assert outages == [3]
    assert len(receiver.posts) == 3


@pytest.mark.parametrize("sink", list(Sink))
async def test_a_fenced_relay_stops(
    checkpoints: MemoryCheckpoints, receiver: Receiver, sink: Sink
) -> None:
    """Another process has the claim: it tells what is left, and this one nothing.

    Seen failing with deliveries that do not make sure of the claim.
    """
    await stall(checkpoints, active(), 1)
    checkpoints.fall_silent()
    await checkpoints.successor().claim()
    async with open_webhook(receiver.url, None, SystemClock.now) as webhook:
        relays: dict[Sink, Relay] = {
            Sink.REDIS: StreamRelay(checkpoints.outboxes),
            Sink.WEBHOOK: WebhookRelay(checkpoints.outboxes, webhook, SystemClock()),
        }
        async with at_work(relays[sink]) as task:
            with pytest.raises(Fenced):
                async with asyncio.timeout(10):
                    await task
    assert not receiver.posts
    assert not checkpoints.published
    assert await left(checkpoints, sink) == 1


async def test_in_an_outage_a_line_is_not_said_for_every_try(
    checkpoints: MemoryCheckpoints,
) -> None:
    """Of many streams whose events meet nobody: the 1st, 2nd, 4th … try is told."""
    with receiving() as gone:
        pass
    for number in range(30):
        await stall(checkpoints, active(f"/{number}"), 1)
    with capture_logs() as logs:
        async with telling(checkpoints, gone.url):
            await wait_until(lambda: logs and logs[-1]["failures"] >= 32, timeout_seconds=20)
    assert {line["event"] for line in logs} == {"the webhook cannot be reached"}
    assert [line["failures"] for line in logs] == [2**n for n in range(len(logs))]


async def test_a_failed_end_is_told_after_what_came_before_it(
    checkpoints: MemoryCheckpoints, receiver: Receiver
) -> None:
    """Started, stalled, failed: in the order it happened, whoever wrote it."""
    begun = active()
    await checkpoints.save(None, begun)
    await stall(checkpoints, begun, 1)
    await checkpoints.save(begun, begun.ended(Status.FAILED, 5.0, "no"))
    expected = ["stream.started", "stream.stalled", "stream.failed"]
    async with telling(checkpoints, receiver.url):
        await wait_until(lambda: receiver.types_of(begun.stream_id) == expected)


async def test_the_end_does_not_wait_for_what_is_refused_for_ever(
    checkpoints: MemoryCheckpoints,
) -> None:
    """A user of Redis who may not write `cefmp4:events` keeps no `--once` from ending, and
    nothing of what is left is lost; an outage is waited out.

    Seen failing with a wait that had no end.
    """
    await stall(checkpoints, active("/a"), 2)
    outages = 3

    def refused(operation: str) -> None:
        nonlocal outages
        if operation == "publish":
            raise RedisOperationError("no permissions")
        if operation == "outbox" and outages:
            outages -= 1
            raise RedisOperationError("no answer")

    checkpoints.before = refused
    relay = StreamRelay(checkpoints.outboxes)
    async with at_work(relay):
        with capture_logs() as logs:
            await Relaying(checkpoints.outboxes, [relay], 0.0).all_told()
    assert outages == 0
    assert await left(checkpoints, Sink.REDIS) == 2
    assert "events are left for the next start" in [line["event"] for line in logs]
