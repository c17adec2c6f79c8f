"""Who may work next: ended recordings first, the rest in turn, nobody left waiting."""

import asyncio

import pytest

from cefmp4.errors import Stopping
from cefmp4.slots import Slots, Urgency


async def worker(slots: Slots, urgency: Urgency, name: str, order: list[str]) -> None:
    async with slots.hold(urgency):
        order.append(name)
        await asyncio.sleep(0)


async def test_ended_recordings_go_first_and_the_rest_in_turn() -> None:
    """However late an ended recording comes, and in the order the others came."""
    slots, order = Slots(1), list[str]()
    async with slots.hold(Urgency.GROWING):
        growing = [
            asyncio.create_task(worker(slots, Urgency.GROWING, name, order)) for name in "abc"
        ]
        await asyncio.sleep(0)
        ended = asyncio.create_task(worker(slots, Urgency.ENDED, "ended", order))
        await asyncio.sleep(0)
    await asyncio.gather(*growing, ended)
    assert order == ["ended", "a", "b", "c"]
    assert slots.used == 0


async def test_never_more_than_the_limit_at_once() -> None:
    """Also when many come and go."""
    slots, most = Slots(3), 0

    async def work() -> None:
        nonlocal most
        async with slots.hold(Urgency.GROWING):
            most = max(most, slots.used)
            await asyncio.sleep(0)

    await asyncio.gather(*(work() for _ in range(50)))
    assert most == 3
    assert slots.used == 0


async def test_a_waiter_that_is_cancelled_loses_no_slot() -> None:
    """Whether it is cancelled while it waits or just as it is handed the slot."""
    slots, order = Slots(1), list[str]()
    async with slots.hold(Urgency.GROWING):
        waiting = [
            asyncio.create_task(worker(slots, Urgency.GROWING, name, order)) for name in "abc"
        ]
        await asyncio.sleep(0)
        waiting[1].cancel()
    waiting[0].cancel()  # the slot was handed to it a moment ago
    await asyncio.gather(*waiting, return_exceptions=True)
    assert order == ["c"]
    assert slots.used == 0


async def test_closing_sends_away_those_who_wait_and_lets_the_others_finish() -> None:
    """What is in flight lands; nothing new begins."""
    slots, order = Slots(1), list[str]()
    async with slots.hold(Urgency.GROWING):
        late = asyncio.create_task(worker(slots, Urgency.ENDED, "late", order))
        await asyncio.sleep(0)
        slots.close()
        with pytest.raises(Stopping):
            await late
        with pytest.raises(Stopping):
            await worker(slots, Urgency.ENDED, "later", order)
        assert slots.used == 1
    assert (slots.used, order) == (0, [])
