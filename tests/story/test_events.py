"""Events: what happened to a recording is told, at least once, and in order."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import pytest
from redis import Redis

from cefmp4.relaying import event_schema
from receiving import Post, Receiver, receiving
from story.bucket import Bucket
from story.daemon import Daemon
from story.test_recordings import make_mp4
from waiting import wait_until

SECRET = "whsec_dGhlIHNlY3JldCBvZiB0aGlzIHRlc3Q="
STORY = ["stream.started", "stream.stored"]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as listening:
        yield listening


@pytest.fixture
def telling(daemon: Daemon, receiver: Receiver) -> Daemon:
    """A daemon that tells the receiver."""
    daemon.environment |= {"WEBHOOK_URL": receiver.url, "WEBHOOK_SECRET": SECRET}
    return daemon


def published(redis_url: str) -> list[dict[str, Any]]:
    """The events in `cefmp4:events`, in order; each is as the schema has it."""
    with Redis.from_url(redis_url) as client:
        entries = client.xrange("cefmp4:events")
    events = [json.loads(fields[b"event"]) for _, fields in entries]
    for event in events:
        jsonschema.validate(event, event_schema())
    return events


def waiting(redis_url: str, daemon: Daemon) -> dict[str, int]:
    """How many events wait in each outbox."""
    name = f"cefmp4:{{{daemon.environment['INSTANCE_ID']}}}:outbox:"
    with Redis.from_url(redis_url) as client:
        return {sink: client.xlen(name + sink) for sink in ("redis", "webhook")}


def stored_at(posts: list[Post]) -> list[str]:
    """The names of the recordings that were told to be stored."""
    events = [post.event for post in posts if post.event["type"] == "stream.stored"]
    return [event["data"]["original_file_path"].rpartition("/")[2] for event in events]


async def test_a_stored_recording_is_told_to_both(
    telling: Daemon, receiver: Receiver, store: Bucket, redis_url: str
) -> None:
    """Started, then stored with all there is to know: signed by HTTP, and in cefmp4:events.

    Seen failing with `stored` told when the object stands, before its metadata do.
    """
    make_mp4(telling.path("a.mp4"))
    assert telling.start("--once").wait(60) == 0
    events = published(redis_url)
    assert [event["type"] for event in events] == STORY
    assert [post.event for post in receiver.posts] == events
    for post in receiver.posts:
        assert post.headers["content-type"] == "application/cloudevents+json"
        assert post.headers["webhook-id"] == post.event["id"]
        assert post.is_signed_with(SECRET)
        assert not post.is_signed_with("another")
    (key,) = await store.videos()
    document, data = await store.metadata(key), events[1]["data"]
    for name in ("stream_id", "s3_key", "total_size_bytes", "checksum", "duration_seconds"):
        assert data[name] == document[name], name
    assert data["s3_metadata_key"] == f"{key}.metadata.json"
    assert data["video"]["codec"] == document["video"]["codec"]
    assert waiting(redis_url, telling) == {"redis": 0, "webhook": 0}
    assert SECRET not in telling.log


async def test_a_refused_recording_is_told_as_failed(
    telling: Daemon, receiver: Receiver, redis_url: str
) -> None:
    """With its reason and hint, and no beginning.

    Seen failing with what is refused at once told to nobody.
    """
    telling.environment["REJECT_NON_MP4"] = "true"
    Path(telling.path("a.mp4")).write_bytes(b"no MP4" * 100)
    assert telling.start("--once").wait(60) == 1
    (event,) = published(redis_url)
    assert (event["type"], event["data"]["status"]) == ("stream.failed", "failed")
    assert event["data"]["hint"]
    assert [post.event for post in receiver.posts] == [event]


async def test_a_receiver_that_was_away_gets_everything(
    telling: Daemon, store: Bucket, redis_url: str
) -> None:
    """Once it is back, of each stream in order; recordings are stored all the while.

    Seen failing with what nobody took dropped all the same.
    """
    with receiving() as gone:
        telling.environment["WEBHOOK_URL"] = gone.url
    for name in ("a.mp4", "b.mp4", "c.mp4"):
        make_mp4(telling.path(name))
    telling.start()
    await store.wait_for_videos(3)
    await wait_until(lambda: waiting(redis_url, telling) == {"redis": 0, "webhook": 6})
    await wait_until(lambda: "the webhook cannot be reached" in telling.log)
    await wait_until(lambda: 'cefmp4_events_pending{sink="webhook"} 6.0' in telling.metrics())
    port = urlsplit(gone.url).port or 0
    with receiving(port) as receiver:
        await wait_until(lambda: len(receiver.taken) == 6, timeout_seconds=60)
        for stream_id in {post.key[1] for post in receiver.taken}:
            assert receiver.types_of(stream_id) == STORY
        await wait_until(lambda: waiting(redis_url, telling)["webhook"] == 0)
    assert "the webhook can be reached again" in telling.log
    figures = telling.metrics()
    assert 'cefmp4_events_delivered_total{sink="webhook"} 6.0' in figures
    assert 'cefmp4_events_failed_total{sink="webhook"} 0.0' in figures


async def test_a_refused_event_holds_up_no_other_stream(
    telling: Daemon, receiver: Receiver, store: Bucket, redis_url: str
) -> None:
    """Only what comes after it of its own stream waits.

    Seen failing with one lane for all.
    """
    bad: list[str] = []

    def answer(post: Post) -> int:
        if "bad.mp4" in post.event["data"]["original_file_path"]:
            bad.append(post.key[1])
            return 500
        return 204

    receiver.answer = answer
    make_mp4(telling.path("bad.mp4"))
    telling.start()
    await store.wait_for_videos(1)
    await wait_until(lambda: bad, timeout_seconds=30)
    make_mp4(telling.path("good.mp4"))
    await wait_until(lambda: stored_at(receiver.taken) == ["good.mp4"], timeout_seconds=30)
    assert {post.event["type"] for post in receiver.posts if post.key[1] in bad} == {STORY[0]}
    receiver.answer = lambda _: 200
    await wait_until(lambda: receiver.types_of(bad[0]) == STORY, timeout_seconds=60)
    assert len({post.event["id"] for post in receiver.posts}) == 4


async def test_killed_before_an_event_is_handed_over_it_comes_after_all(
    telling: Daemon, receiver: Receiver, store: Bucket, redis_url: str
) -> None:
    """What happened waits in the state server: the next process tells it.

    Seen failing with events kept in memory until they are delivered.
    """
    with Redis.from_url(redis_url) as client:
        client.set("cefmp4:events", "something else")  # so that no event can be handed over
        receiver.answer = lambda _: 503
        make_mp4(telling.path("a.mp4"))
        telling.start()
        await store.wait_for_videos(1)
        await wait_until(lambda: waiting(redis_url, telling) == {"redis": 2, "webhook": 2})
        telling.kill()
        client.delete("cefmp4:events")
    receiver.answer = lambda _: 200
    telling.start()
    await wait_until(lambda: len(published(redis_url)) == 2, timeout_seconds=30)
    await wait_until(lambda: len(receiver.taken) == 2, timeout_seconds=30)
    assert [event["type"] for event in published(redis_url)] == STORY
    assert [post.event for post in receiver.taken] == published(redis_url)


async def test_killed_right_after_a_delivery_it_is_told_again_with_the_same_id(
    telling: Daemon, receiver: Receiver, redis_url: str
) -> None:
    """The receiver has it, the daemon is dead before it knows: it comes once more.

    Seen failing with events dropped before they are delivered.
    """

    def answer(post: Post) -> int | None:
        if post.event["type"] == "stream.started":
            return 200
        telling.kill()
        return None

    receiver.answer = answer
    make_mp4(telling.path("a.mp4"))
    telling.start()
    await wait_until(lambda: telling.process and telling.process.poll(), timeout_seconds=60)
    receiver.answer = lambda _: 200
    telling.start()
    await wait_until(lambda: stored_at(receiver.taken) == ["a.mp4"], timeout_seconds=30)
    first, second = (p for p in receiver.posts if p.event["type"] == "stream.stored")
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert second.is_signed_with(SECRET)


async def test_with_redis_emptied_nothing_false_is_told(
    telling: Daemon, receiver: Receiver, store: Bucket, redis_url: str
) -> None:
    """Under a living daemon and before the next: doubles have the ids they had, that is all.

    Seen failing with ids made up anew each time something is told.
    """
    telling.environment["CLAIM_LEASE_SECONDS"] = "3"
    make_mp4(telling.path("a.mp4"))
    telling.start()
    await wait_until(lambda: len(receiver.taken) == 2, timeout_seconds=60)
    with Redis.from_url(redis_url) as client:
        client.flushall()
    lost = "it is written again from memory"
    await wait_until(lambda: lost in telling.log, timeout_seconds=30)
    make_mp4(telling.path("b.mp4"))
    await wait_until(lambda: len(receiver.taken) == 4, timeout_seconds=60)
    telling.kill()
    with Redis.from_url(redis_url) as client:
        client.flushall()
    telling.start()
    recognised = "recognised in the store"
    await wait_until(lambda: telling.log.count(recognised) == 2, timeout_seconds=60)
    make_mp4(telling.path("c.mp4"))
    await wait_until(lambda: "c.mp4" in stored_at(receiver.taken), timeout_seconds=60)
    await wait_until(lambda: waiting(redis_url, telling) == {"redis": 0, "webhook": 0})
    told = {(post.event["id"], *post.key) for post in receiver.taken}
    assert len(told) == 6, "each stream started and was stored once, by the ids"
    assert len(await store.videos()) == 3


async def test_a_webhook_that_takes_nothing_delays_no_end(
    telling: Daemon, receiver: Receiver, redis_url: str
) -> None:
    """Neither that of --once nor a stop; what is left waits for the next start."""
    receiver.answer = lambda _: (503, {"Retry-After": "120"})
    make_mp4(telling.path("a.mp4"))
    assert telling.start("--once").wait(30) == 0
    assert [event["type"] for event in published(redis_url)] == STORY
    assert waiting(redis_url, telling) == {"redis": 0, "webhook": 2}
    telling.start()
    await wait_until(lambda: len(receiver.posts) >= 2, timeout_seconds=30)
    assert telling.terminate() == 0
    assert waiting(redis_url, telling)["webhook"] == 2
