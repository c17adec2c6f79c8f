"""Reading `cefmp4:events`, as `tail` does; the entries are everybody's."""

import json
from collections.abc import AsyncIterator

import pytest
from redis import Redis, RedisCluster

from cefmp4.adapters.checkpoints import RedisCheckpoints, open_checkpoints
from contract.state_servers import RedisWorld, World

pytest_plugins = ["contract.state_fixtures"]
pytestmark = pytest.mark.parametrize("world", ["valkey", "cluster"], indirect=True)


class Told:
    """A server on which others tell things."""

    def __init__(self, subject: RedisCheckpoints, client: "Redis | RedisCluster") -> None:
        self.subject, self._client = subject, client

    def tell(self, instance: str, *numbers: int) -> None:
        for number in numbers:
            text = json.dumps({"id": str(number)})
            self._client.xadd("cefmp4:events", {"event": text, "instance": instance})


@pytest.fixture
async def told(world: World) -> AsyncIterator[Told]:
    assert isinstance(world, RedisWorld)
    client: Redis | RedisCluster = Redis.from_url(world.url)
    if client.info("cluster")["cluster_enabled"]:
        client.close()
        client = RedisCluster.from_url(world.url)
    async with open_checkpoints(world.url, "ours") as subject:
        yield Told(subject, client)
    client.close()


async def test_where_nothing_was_told_there_is_nothing(told: Told) -> None:
    """No stream yet is no error."""
    assert await told.subject.last_event() == "0"
    assert await told.subject.latest_events(10, "0", everybody=True) == []
    assert await told.subject.events_after("0") == []


async def test_the_latest_of_an_instance_are_found_among_those_of_others(told: Told) -> None:
    """However many others there are, the latest last.

    Seen failing with one page of answers.
    """
    told.tell("ours", 1, 2, 3)
    told.tell("theirs", *range(100, 600))
    told.tell("ours", 4)
    last = await told.subject.last_event()
    latest = await told.subject.latest_events(3, last, everybody=False)
    assert [json.loads(event.text)["id"] for event in latest] == ["2", "3", "4"]
    everybody = await told.subject.latest_events(2, last, everybody=True)
    assert [event.instance for event in everybody] == ["theirs", "ours"]
    assert len(await told.subject.latest_events(10_000, last, everybody=True)) == 504


async def test_none_is_told_twice_and_none_left_out(told: Told) -> None:
    """Whatever is told between two questions.

    Seen failing with an id that is asked for again.
    """
    told.tell("ours", 1)
    last = await told.subject.last_event()
    told.tell("ours", *range(2, 500))
    heard: list[str] = []
    while events := await told.subject.events_after(last):
        heard += [json.loads(event.text)["id"] for event in events]
        last = events[-1].entry_id
    assert heard == [str(number) for number in range(2, 500)]


async def test_entries_of_any_kind_are_read(told: Told) -> None:
    """Also those without an event, or with bytes that are no text."""
    told._client.xadd("cefmp4:events", {b"else": b"1"})
    told._client.xadd("cefmp4:events", {b"event": b"\xff{", b"instance": b"\xff"})
    first, second = await told.subject.events_after("0")
    assert (first.text, first.instance) == ("", "")
    assert (second.text, second.instance) == ("\ufffd{", "\udcff")
