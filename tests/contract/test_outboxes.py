"""The contract of the outboxes: written with the checkpoints, in order, by the holder only."""

import asyncio
import json
from collections.abc import Callable

import pytest
from redis import Redis, RedisCluster

from cefmp4.adapters.checkpoints import open_checkpoints
from cefmp4.adapters.memory.checkpoints import MemoryCheckpoints
from cefmp4.core.happenings import Sink, stalled
from cefmp4.core.model import Checkpoint, Status
from cefmp4.errors import Fenced, RedisOperationError, StateLost
from cefmp4.ports import Event
from contract.checkpoint_values import active, part, sealed, stored
from contract.state_servers import Subject, World

pytest_plugins = ["contract.state_fixtures"]


async def whole_life(subject: Subject, path: str = "/watch/a.mp4") -> Checkpoint:
    """Every write from the beginning of a stream to its end; what it ended as."""
    begun = active(path)
    await subject.save(None, begun)
    before, after = begun, begun.with_upload("u").with_part(part(1))
    for change in (sealed, stored, lambda cp: cp.ended(Status.COMPLETED, 5.0, "done")):
        await subject.save(before, after)
        before, after = after, change(after)
    await subject.save(before, after)
    return after


async def waiting(subject: Subject, sink: Sink = Sink.WEBHOOK) -> list[Event]:
    return list((await subject.outboxes.untold(sink, limit=1_000)).events)


def types(events: list[Event]) -> list[str]:
    return [event.type for event in events]


async def test_what_happens_waits_in_every_outbox(subject: Subject) -> None:
    """From the write that makes it happen, in order; parts and seals are told to nobody.

    Seen failing with the events of a write of the whole value forgotten.
    """
    done = await whole_life(subject)
    for sink in Sink:
        events = await waiting(subject, sink)
        assert types(events) == ["stream.started", "stream.stored"]
        for event in events:
            told = json.loads(event.body)
            assert (told["id"], told["type"]) == (event.id, event.type)
            assert told["subject"] == event.stream_id == done.stream_id
    other = active("/watch/b.mp4")
    await subject.save(None, other)
    await subject.save(other, other.ended(Status.FAILED, 5.0, "no"))
    assert types(await waiting(subject))[2:] == ["stream.started", "stream.failed"]


async def test_what_no_checkpoint_says_can_be_told(subject: Subject) -> None:
    """A stalled stream is told of in its place among what happened."""
    begun = active()
    await subject.save(None, begun)
    await subject.tell(stalled(begun, 5.0, "the store is away", "look at it"))
    assert types(await waiting(subject)) == ["stream.started", "stream.stalled"]


async def test_a_write_that_is_repeated_tells_the_same_again(subject: Subject) -> None:
    """Under the same id; a value that is written again after a loss tells no new end."""
    begun = active()
    await subject.save(None, begun)
    await subject.save(None, begun)
    first, second = await waiting(subject)
    assert (first.id, first.body) == (second.id, second.body)
    await subject.save(None, stored(sealed(begun)))
    await subject.save(None, stored(sealed(begun)).ended(Status.COMPLETED, 5.0, "done"))
    assert len(await waiting(subject)) == 2


async def test_an_outbox_is_read_from_any_place_on(subject: Subject) -> None:
    """Some at a time, without missing one; and how many wait in all."""
    for number in range(7):
        await subject.save(None, active(f"/{number}"))
    whole = await waiting(subject)
    first = await subject.outboxes.untold(Sink.REDIS, limit=3)
    assert first.pending == 7
    assert [event.id for event in first.events] == [event.id for event in whole[:3]]
    milliseconds, sequence = first.events[-1].place
    rest = await subject.outboxes.untold(Sink.REDIS, (milliseconds, sequence + 1))
    assert [event.id for event in rest.events] == [event.id for event in whole[3:]]


async def test_what_was_delivered_is_dropped(world: World, subject: Subject) -> None:
    """From the one outbox, by the holder of the claim; another is fenced, and drops nothing.

    Seen failing with drops that carry no claim.
    """
    await whole_life(subject)
    first, second = await waiting(subject)
    await subject.outboxes.drop(Sink.WEBHOOK, [first.place])
    await subject.outboxes.drop(Sink.WEBHOOK, [first.place])
    await subject.outboxes.drop(Sink.WEBHOOK, [])
    assert await waiting(subject) == [second]
    assert len(await waiting(subject, Sink.REDIS)) == 2
    await subject.release()
    successor = await world.process()
    await successor.claim()
    assert await waiting(successor) == [second]
    with pytest.raises(Fenced):
        await subject.outboxes.drop(Sink.WEBHOOK, [second.place])
    with pytest.raises(Fenced):
        await subject.outboxes.publish([second])
    with pytest.raises(Fenced):
        await subject.outboxes.assure()
    with pytest.raises(Fenced):
        await subject.tell(stalled(active(), 5.0, "", ""))
    assert await waiting(successor) == [second]
    await successor.outboxes.drop(Sink.WEBHOOK, [second.place])
    assert await waiting(successor) == []


async def test_news_are_heard_once(subject: Subject) -> None:
    """Whoever waits is woken by a write that tells something, and by no other."""
    begun = active()
    await subject.save(None, begun)
    async with asyncio.timeout(5):
        await subject.outboxes.news(Sink.WEBHOOK)
    news = asyncio.ensure_future(subject.outboxes.news(Sink.WEBHOOK))
    grown = begun.with_part(part(1))
    await subject.save(begun, grown)
    assert not news.done()
    await subject.save(grown, grown.ended(Status.FAILED, 5.0, "no"))
    async with asyncio.timeout(5):
        await news


async def test_a_server_that_lost_its_data_is_told_nothing_false(
    world: World, subject: Subject
) -> None:
    """What waited is lost with it; streams that are written again have started, no more."""
    await whole_life(subject)
    growing = active("/growing")
    await subject.save(None, growing)
    (*_, told) = await waiting(subject)
    await world.lose_everything()
    with pytest.raises(StateLost):
        await subject.save(growing, growing.with_part(part(1)))
    assert await waiting(subject) == []
    await subject.save(None, growing)
    (again,) = await waiting(subject)
    assert (again.id, again.type) == (told.id, "stream.started")


async def test_what_cannot_be_told_is_not_written(redis_url: str) -> None:
    """Where the server refuses the event, the checkpoint waits with it; both come later.

    Seen failing with events as the last commands of a write.
    """
    begun = active()
    async with open_checkpoints(redis_url, "suite", sinks=[Sink.REDIS]) as checkpoints:
        await checkpoints.claim()
        with Redis.from_url(redis_url) as client:
            client.set("cefmp4:{suite}:outbox:redis", "in the way")
            with pytest.raises(RedisOperationError):
                await checkpoints.save(None, begun)
            assert await checkpoints.load(begun.stream_id) is None
            client.delete("cefmp4:{suite}:outbox:redis")
        await checkpoints.save(None, begun)
        growing = begun.with_part(part(1))
        await checkpoints.save(begun, growing)
        told = await checkpoints.outboxes.untold(Sink.REDIS)
        assert types(list(told.events)) == ["stream.started"]
        assert (await checkpoints.outboxes.untold(Sink.WEBHOOK)).pending == 0


async def test_what_waits_for_a_sink_that_was_turned_off_goes_in_time(redis_url: str) -> None:
    """A week after a start without it; not at all when it is turned on again before.

    Seen failing with a hundred thousand events kept for a receiver that nobody names any more.
    """
    outbox = "cefmp4:{suite}:outbox:webhook"
    with Redis.from_url(redis_url) as client:
        lasts: list[int] = []
        for sinks in ([Sink.WEBHOOK], [Sink.REDIS], [], [Sink.WEBHOOK]):
            async with open_checkpoints(redis_url, "suite", sinks=sinks) as checkpoints:
                await checkpoints.claim()
                if not lasts:
                    await checkpoints.save(None, active())
                lasts.append(client.ttl(outbox))
                if len(lasts) == 2:
                    client.expire(outbox, 1000)  # six days later
                await checkpoints.release()
        assert lasts[0] == lasts[3] == -1
        assert lasts[1] == pytest.approx(7 * 86_400, abs=60)
        assert lasts[2] == pytest.approx(1000, abs=60)
        assert client.xlen(outbox) == 1


async def test_the_stream_of_events_is_trimmed(redis_url: str) -> None:
    """To about as many as it is to keep."""
    opening = open_checkpoints(redis_url, "suite", sinks=[Sink.REDIS], events_kept=100)
    async with opening as checkpoints:
        await checkpoints.claim()
        await checkpoints.save(None, active())
        (event,) = (await checkpoints.outboxes.untold(Sink.REDIS)).events
        for _ in range(10):
            await checkpoints.outboxes.publish([event] * 100)
    with Redis.from_url(redis_url) as client:
        assert 100 <= client.xlen("cefmp4:events") < 300


async def test_events_are_published_in_order(
    subject: Subject, published: Callable[[], list[tuple[str, bytes]]]
) -> None:
    """Many at once, each with its id and the whole event."""
    await whole_life(subject)
    events = await waiting(subject, Sink.REDIS)
    await subject.outboxes.publish([])
    await subject.outboxes.publish(events)
    await subject.outboxes.publish(events * 100)
    expected = [(event.id, event.body) for event in events]
    assert published() == expected * 101


@pytest.fixture
def published(
    request: pytest.FixtureRequest, subject: Subject
) -> Callable[[], list[tuple[str, bytes]]]:
    """What stands in `cefmp4:events`: id and event."""
    if isinstance(subject, MemoryCheckpoints):
        return lambda: [(event.id, event.body) for event in subject.published]

    url = request.getfixturevalue("world").url

    def read() -> list[tuple[str, bytes]]:
        kind = RedisCluster if url.startswith("redis://") else Redis
        with kind.from_url(url) as client:
            return [
                (fields[b"id"].decode(), fields[b"event"])
                for _, fields in client.xrange("cefmp4:events")
            ]

    return read
