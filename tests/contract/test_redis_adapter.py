"""Checkpoints on a real Valkey: what is on the wire, in the keys, and in the errors."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import fields, replace
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given, settings
from redis import Redis

from cefmp4.adapters.checkpoints import RedisCheckpoints, open_checkpoints
from cefmp4.adapters.checkpoints.codec import FIELDS, pack_meta, pack_part, unpack
from cefmp4.adapters.checkpoints.keys import Keyspace
from cefmp4.core.model import SET_ASIDE, Checkpoint, Status
from cefmp4.errors import Fenced, RedisOperationError, StateLost
from contract.checkpoint_values import active, checkpoints, part, sealed, stored

KEYS = Keyspace("suite")


@pytest.fixture
async def subject(redis_url: str) -> AsyncIterator[RedisCheckpoints]:
    """A process that holds the claim of the instance `suite`."""
    async with open_checkpoints(redis_url, "suite") as checkpoints:
        await checkpoints.claim()
        yield checkpoints


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    """A plain client, to look with."""
    with Redis.from_url(redis_url) as client:
        yield client


# --- form -------------------------------------------------------------------------


@given(checkpoint=checkpoints)
@settings(max_examples=200, deadline=None)
def test_a_checkpoint_survives_its_packing(checkpoint: Checkpoint) -> None:
    """Any names, huge numbers and floats come back exactly."""
    parts = {b"%d" % number: pack_part(part) for number, part in checkpoint.parts.items()}
    assert unpack(checkpoint.stream_id, pack_meta(checkpoint), parts) == checkpoint


def test_every_field_has_its_place() -> None:
    """A field that is added to the checkpoint cannot be left out of what is stored."""
    kept = {field.attribute for field in FIELDS} | {"stream_id", "parts"}
    assert kept == {field.name for field in fields(Checkpoint)}


async def test_a_person_can_read_it(subject: RedisCheckpoints, redis: Redis) -> None:
    """The fields carry the names of the documentation, times are ISO 8601 in UTC."""
    begun = active("/watch/caf\udce9.mp4").with_upload("the-upload")
    grown = begun.with_part(part(1)).with_part(part(2))
    await subject.save(None, grown)
    meta = redis.hgetall(f"cefmp4:{{suite}}:stream:{begun.stream_id}:meta")
    expected = {
        b"original_path": b"/watch/caf\xe9.mp4",
        b"s3_bucket": b"bucket",
        b"s3_key": begun.key.encode(),
        b"s3_upload_id": b"the-upload",
        b"status": b"active",
        b"started_at_utc": b"2023-11-14T22:13:20.123456+00:00",
        b"last_activity_at_utc": b"2023-11-14T22:13:22.100000+00:00",
        b"total_bytes_sent": b"200",
        b"next_part_number": b"3",
    }
    assert {name: meta[name] for name in expected} == expected
    assert set(redis.hgetall(f"cefmp4:{{suite}}:stream:{begun.stream_id}:parts")) == {
        b"1",
        b"2",
    }


async def test_a_stream_is_in_one_index_at_a_time(
    subject: RedisCheckpoints, redis: Redis
) -> None:
    """Wherever it goes next, and however it is written, it is where its status says."""
    homes = {Status.ACTIVE: "active", Status.PENDING_COMPLETION: "pending_completion"}
    homes |= {Status.S3_COMPLETED: "pending_completion"}
    homes |= dict.fromkeys(SET_ASIDE, "failed")
    last: Checkpoint | None = None
    begun = active()
    for status in [*Status, *reversed(Status)]:
        after = replace(begun, status=status, ended_at=5.0)
        await subject.save(last, after)
        found = {
            name: redis.zrange(f"cefmp4:{{suite}}:streams:{name}", 0, -1)
            if name == "completed"
            else list(redis.smembers(f"cefmp4:{{suite}}:streams:{name}"))
            for name in ("active", "pending_completion", "failed", "completed")
        }
        home = homes.get(status, "completed")
        expected = {name: [begun.stream_id.encode()] if name == home else [] for name in found}
        assert found == expected
        last = after


async def test_an_instance_may_have_any_name(redis_url: str, redis: Redis) -> None:
    """Braces and spaces in an INSTANCE_ID neither end the hash tag nor mix instances."""
    for name in ("}{ a/b", "%7D", "caf\udce9"):
        async with open_checkpoints(redis_url, name) as checkpoints:
            await checkpoints.claim()
            await checkpoints.save(None, active())
            assert len(await checkpoints.all_streams()) == 1
    keys = [bytes(key) for key in redis.scan_iter()]
    assert all(key.count(b"{") == key.count(b"}") == 1 for key in keys)
    assert len({key[: key.index(b"}")] for key in keys}) == 3


# --- round trips ------------------------------------------------------------------


class Monitor:
    """The commands that clients send, without those that scripts issue."""

    def __init__(self, lines: asyncio.StreamReader) -> None:
        self._lines = lines

    async def up_to_now(self, redis: Redis) -> list[str]:
        """Every command since the last time."""
        redis.echo("that is all")
        seen: list[str] = []
        while seen[-1:] != ["ECHO"]:
            line = await asyncio.wait_for(self._lines.readline(), 10)
            if b" lua] " not in line and b'"' in line:
                seen.append(line.split(b'"')[1].decode().upper())
        return seen[:-1]


@asynccontextmanager
async def monitoring(url: str) -> AsyncIterator[Monitor]:
    """Ask the server to tell every command it gets."""
    path = unquote(urlsplit(url).path)
    reader, writer = await asyncio.open_unix_connection(path, limit=2**20)
    try:
        writer.write(b"MONITOR\r\n")
        assert await reader.readline() == b"+OK\r\n"
        yield Monitor(reader)
    finally:
        writer.close()
        await writer.wait_closed()


async def test_a_part_costs_one_round_trip(
    subject: RedisCheckpoints, redis: Redis, redis_url: str
) -> None:
    """Part, bytes sent, next part and last activity go in one command; so does the end."""
    redis.ping()  # its greeting is not to be counted
    checkpoint = active()
    await subject.save(None, checkpoint)
    async with monitoring(redis_url) as monitor:
        for number in range(1, 6):
            after = checkpoint.with_part(part(number))
            await subject.save(checkpoint, after)
            checkpoint = after
        assert await monitor.up_to_now(redis) == ["EVALSHA"] * 5
        ending = sealed(checkpoint)
        await subject.save(checkpoint, ending)
        await subject.save(ending, stored(ending))
        assert await monitor.up_to_now(redis) == ["EVALSHA"] * 2
    assert await subject.load(checkpoint.stream_id) == stored(ending)


async def test_the_scripts_are_sent_again_when_the_server_forgot_them(
    subject: RedisCheckpoints, redis: Redis
) -> None:
    """A restarted server knows no script, and nobody notices."""
    redis.script_flush()
    begun = active()
    await subject.save(None, begun)
    redis.script_flush()
    await subject.renew()
    assert await subject.load(begun.stream_id) == begun


async def test_ten_thousand_streams_cost_few_round_trips(
    subject: RedisCheckpoints, redis: Redis
) -> None:
    """Starting with many unfinished streams does not ask for each by itself."""
    begun = active()
    meta: dict[Any, Any] = dict(pack_meta(begun))
    with redis.pipeline(transaction=False) as pipeline:
        for n in range(10_000):
            path = b"/watch/%d.mp4" % n
            pipeline.hset(KEYS.meta(str(n)), mapping={**meta, b"original_path": path})
            pipeline.hset(KEYS.paths, path, str(n))
        pipeline.execute()
    reads = redis.info("stats")["total_reads_processed"]
    assert len(await subject.load_unfinished()) == 10_000
    # Pipelined requests are read in pieces, so this is above the number of round trips.
    assert redis.info("stats")["total_reads_processed"] - reads < 200


async def test_many_writers_share_few_connections(
    subject: RedisCheckpoints, redis: Redis
) -> None:
    """A thousand streams that write at once wait for a connection instead of failing."""
    streams = [active(f"/{n}") for n in range(1_000)]
    await asyncio.gather(*(subject.save(None, begun) for begun in streams))
    assert len(await subject.load_unfinished()) == 1_000
    assert redis.info("clients")["connected_clients"] <= 20


# --- looking ----------------------------------------------------------------------


async def test_streams_are_found_by_the_beginning_of_their_id(
    subject: RedisCheckpoints,
) -> None:
    """A whole id finds one; a prefix all that begin so."""
    first = replace(active("/1"), stream_id="aaaa-1")
    longer = replace(active("/2"), stream_id="aaaa-12")
    other = replace(active("/3").ended(Status.ABORTED, 5.0, "asked"), stream_id="b*")
    for checkpoint in (first, longer, other):
        await subject.save(None, checkpoint)
    assert await subject.find("aaaa-1") == [first]
    assert await subject.find("aaaa") == [first, longer]
    assert await subject.find("aaaa", limit=1) == [first]
    assert await subject.find("b") == [other]
    assert await subject.find("*") == []


async def test_an_unreadable_checkpoint_spoils_no_other(
    subject: RedisCheckpoints, redis: Redis
) -> None:
    """It is left out of lists, and asked for by itself it is an error with a hint."""
    broken, sound = active("/broken"), active("/sound")
    await subject.save(None, broken)
    await subject.save(None, sound)
    redis.hset(KEYS.meta(broken.stream_id), "seal", "not JSON")
    redis.hset(KEYS.stored, "/elsewhere", "not JSON")
    assert await subject.load_unfinished() == [sound]
    assert await subject.all_streams() == [sound]
    assert await subject.fingerprints() == {}
    with pytest.raises(RedisOperationError, match=broken.stream_id) as raised:
        await subject.load(broken.stream_id)
    assert raised.value.hint
    assert not raised.value.transient


@pytest.mark.parametrize("taken_since", [False, True])
async def test_data_of_an_earlier_day_are_no_other_process(
    redis_url: str, redis: Redis, taken_since: bool
) -> None:
    """A server that came back with an older snapshot is told again what we know.

    Unless somebody has claimed the instance there since: then we are the late ones. Seen
    failing with any other epoch taken for that of a successor (the code as it was).
    """
    async with open_checkpoints(redis_url, "suite") as earlier:
        await earlier.claim()
        await earlier.release()
    snapshot = {key: redis.dump(key) or b"" for key in redis.scan_iter()}
    async with (
        open_checkpoints(redis_url, "suite") as ours,
        open_checkpoints(redis_url, "suite") as other,
    ):
        await ours.claim()
        begun = active()
        await ours.save(None, begun)
        redis.flushall()
        for key, value in snapshot.items():
            redis.restore(key, 0, value)
        if taken_since:
            await other.claim()
        with pytest.raises(Fenced if taken_since else StateLost):
            await ours.save(begun, begun.with_part(part(1)))
        if not taken_since:
            await ours.save(None, begun)
            await ours.renew()
            assert await ours.load(begun.stream_id) == begun
