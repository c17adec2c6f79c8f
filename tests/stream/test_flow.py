"""How much is on its way: fewer parts when the store strains, and limits of people."""

import asyncio
import time

import pytest

from cefmp4.core.congestion import PART_BYTES_PER_SECOND, Strain
from cefmp4.core.timetable import OFF, Timetable
from cefmp4.errors import RedisOperationError, S3OperationError
from cefmp4.flow import Flow
from cefmp4.pace import Pace
from cefmp4.ports import Clock
from cefmp4.slots import Urgency
from cefmp4.upkeep import listen
from stream.conftest import Logs
from stream.faults import recorded
from stream.twins import HandClock, Twins
from waiting import wait_until

MIB = 1024**2


def told(logs: Logs, event: str) -> Logs:
    return [line for line in logs if line["event"] == event]


def slow_down() -> S3OperationError:
    return S3OperationError("UploadPart", "SlowDown", "on purpose", strain=Strain.REFUSED)


def flowing(setting: Timetable = OFF, parts: int = 8) -> Flow:
    return Flow(parts, Pace(HandClock().monotonic), setting)


def today_at(hour: int, minute: int = 0) -> float:
    """Some Wednesday, by the clock on the wall."""
    return time.mktime((2026, 1, 14, hour, minute, 0, 0, 0, -1))


async def crowd(flow: Flow, sizes: list[int], *, failing: bool = False) -> None:
    """So many parts that want to be on their way together; how many are, is noted."""

    async def part() -> None:
        async with flow.part(Urgency.GROWING):
            sizes.append(flow.parts.used)
            await asyncio.sleep(0)
            if failing:
                raise slow_down()

    await asyncio.gather(*(part() for _ in range(40)), return_exceptions=True)


async def test_fewer_parts_while_the_store_asks_to_slow_down_and_more_again_after(
    logs: Logs,
) -> None:
    """Halved once a flight, down to one; then one more a round; each change is said once."""
    flow, sizes = flowing(), list[int]()
    await crowd(flow, sizes, failing=True)
    assert flow.parts.limit == 1
    assert [line["limit"] for line in told(logs, "parts at a time")] == [4, 2, 1]
    assert {line["log_level"] for line in logs} == {"warning"}
    sizes.clear()
    await crowd(flow, sizes)
    assert flow.parts.limit == 8
    ups = told(logs, "parts at a time")[3:]
    assert [line["limit"] for line in ups] == [2, 3, 4, 5, 6, 7, 8]
    assert {line["why"] for line in ups} == {"it takes them well"}
    assert max(sizes) <= 8


async def test_a_recording_is_stored_by_a_store_that_asks_to_slow_down() -> None:
    """The parts that are refused are sent again, fewer at a time, and none is lost."""
    twins = Twins()
    stream = await recorded(twins, size=200)
    refusals = 6

    def refusing(name: str) -> None:
        nonlocal refusals
        if name == "upload_part" and refusals:
            refusals -= 1
            raise slow_down()

    twins.store.before = refusing
    limits = []
    twins.store.after = lambda name: limits.append(twins.world.parts.limit)
    await twins.finish(stream)
    assert list(twins.videos.values()) == [twins.content()]
    assert min(limits) < 4


async def test_other_failures_change_nothing() -> None:
    """A connection that breaks says nothing about how much the store can take."""
    flow = flowing()
    for error in (S3OperationError("x", "ConnectionClosed", "x"), RedisOperationError("x")):
        with pytest.raises(type(error)):
            async with flow.part(Urgency.GROWING):
                raise error
    assert flow.parts.limit == 8


def test_the_setting_a_person_and_the_setting_again(logs: Logs) -> None:
    """Whatever holds is put in force at its minute, and said once, with who wanted it."""
    flow = flowing(Timetable.parse("08:00,1M 19:00,off"))
    for hour, minute in ((7, 59), (8, 0), (8, 1), (18, 59)):
        flow.keep_time(today_at(hour, minute))
    assert flow.pace.bytes_per_second == MIB
    flow.hear("128K")
    for _ in range(3):
        flow.keep_time(today_at(18, 59))
    assert flow.pace.bytes_per_second == 128 * 1024
    assert flow.parts.limit == 128 * 1024 // PART_BYTES_PER_SECOND
    flow.hear(None)
    flow.keep_time(today_at(19))
    assert (flow.pace.bytes_per_second or 0, flow.parts.limit) == (0, 8)
    said: list[object] = [
        (line["bytes_per_second"], line["why"]) for line in told(logs, "upload rate limit")
    ]
    setting = "UPLOAD_RATE_LIMIT_BYTES_PER_SECOND: 08:00,1M 19:00,off"
    assert said == [
        (MIB, setting),
        (128 * 1024, "set by a person: 128K"),
        (None, setting),
    ]


def test_a_limit_that_is_not_understood_leaves_the_setting_in_force(logs: Logs) -> None:
    """As one of a later version; it is said once, not every second."""
    flow = flowing(Timetable.parse("1M"))
    for _ in range(3):
        flow.hear("8 mebibytes, please")
        flow.keep_time(today_at(12))
    assert flow.pace.bytes_per_second == MIB
    assert len(told(logs, "the limit of a person is not understood")) == 1


async def test_while_a_limit_of_the_rate_binds_more_parts_would_not_help() -> None:
    """So their number stays where the store has put it."""
    flow = flowing()
    await crowd(flow, [], failing=True)
    flow.hear("64M")
    flow.keep_time(today_at(12))
    while not flow.pace.binds:
        flow.pace.reserve(MIB)
    await crowd(flow, [])
    assert flow.parts.limit == 1


async def test_what_few_parts_under_a_limit_of_the_rate_show_is_not_believed_of_more() -> None:
    """When the limit is lifted there are as many as the store took before."""
    flow = flowing(parts=32)
    for _ in range(2):
        with pytest.raises(S3OperationError):
            async with flow.part(Urgency.GROWING):
                raise slow_down()
    assert flow.parts.limit == 8
    flow.hear("128K")
    flow.keep_time(today_at(12))
    assert flow.parts.limit == 2
    await crowd(flow, [])
    flow.hear(None)
    flow.keep_time(today_at(12))
    assert flow.parts.limit == 8


async def test_a_person_is_heard_and_the_table_kept_while_the_daemon_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also while the state server is away: what was heard last holds, by the clock."""
    monkeypatch.setattr("cefmp4.upkeep.LISTEN_INTERVAL_SECONDS", 0.01)
    twins, flow = Twins(), flowing()
    clock = _WallClock(today_at(12))

    async def hear(_: object) -> None:
        raise AssertionError("nothing is asked for")

    heeded: list[bool] = []
    listening = asyncio.create_task(listen(twins.checkpoints, hear, flow, clock, heeded.append))
    try:
        await twins.checkpoints.limit_upload("08:00,1M 19:00,2M")
        await wait_until(lambda: flow.pace.bytes_per_second == MIB)
        await twins.checkpoints.watch()
        await wait_until(lambda: heeded[-1:] == [True])
        twins.checkpoints.before = _away
        clock.wall = today_at(20)
        await wait_until(lambda: flow.pace.bytes_per_second == 2 * MIB)
        twins.checkpoints.before = None
        twins.checkpoints.lose_everything()
        await wait_until(lambda: flow.pace.bytes_per_second is None)
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


class _WallClock(Clock):
    def __init__(self, wall: float) -> None:
        self.wall = wall

    def now(self) -> float:
        return self.wall

    def monotonic(self) -> float:
        return time.monotonic()


def _away(_: str) -> None:
    raise RedisOperationError("away")
