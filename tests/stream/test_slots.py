"""Who may work next: ended recordings first, the rest in turn, nobody left waiting."""

import asyncio
from dataclasses import dataclass, field

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

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


async def test_every_fourth_slot_goes_to_the_one_that_waits_longest() -> None:
    """Ended recordings that keep coming do not starve one that grows.

    Seen failing with urgency alone.
    """
    slots, order = Slots(1), list[str]()
    async with slots.hold(Urgency.ENDED):
        waiting = [asyncio.create_task(worker(slots, Urgency.GROWING, "growing", order))]
        await asyncio.sleep(0)
        waiting += [
            asyncio.create_task(worker(slots, Urgency.ENDED, f"ended {n}", order))
            for n in range(8)
        ]
        await asyncio.sleep(0)
    await asyncio.gather(*waiting)
    assert order.index("growing") == 3


async def test_the_limit_moves_while_slots_are_used() -> None:
    """Fewer: nobody new until enough have left. More: those who wait come in at once."""
    slots, order = Slots(3), list[str]()
    gates = [asyncio.Event() for _ in range(6)]

    async def work(number: int) -> None:
        async with slots.hold(Urgency.GROWING):
            order.append(str(number))
            await gates[number].wait()

    tasks = [asyncio.create_task(work(number)) for number in range(6)]
    await asyncio.sleep(0)
    assert (slots.used, slots.waiting) == (3, 3)
    slots.resize(1)
    for number in (0, 1):
        gates[number].set()
        await asyncio.sleep(0.01)
        assert order == ["0", "1", "2"]
    assert (slots.used, slots.waiting) == (1, 3)
    slots.resize(3)
    await asyncio.sleep(0)
    assert order == ["0", "1", "2", "3", "4"]
    for gate in gates:
        gate.set()
    await asyncio.gather(*tasks)
    assert (slots.used, slots.waiting) == (0, 0)


class SlotsMachine(RuleBasedStateMachine):
    """Slots, and people who come, leave, give up and change the limit in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.slots = Slots(2)
        self.holding: list[Person] = []
        self.waiting: list[Person] = []
        self.grants = 0

    def teardown(self) -> None:
        self.slots.close()
        self._settle()
        assert not self.waiting, "closing tells all"
        for person in list(self.holding):
            person.done.set()
        self._settle()
        assert (self.slots.used, self.slots.waiting, self.holding) == (0, 0, [])
        self.loop.close()

    @rule(urgency=st.sampled_from(Urgency))
    def come(self, urgency: Urgency) -> None:
        person = Person(before=len(self.waiting), grants=self.grants)
        self.waiting.append(person)
        person.task = self.loop.create_task(self._stay(person, urgency))
        self._settle()

    @precondition(lambda self: self.holding)
    @rule(which=st.integers(0, 99))
    def leave(self, which: int) -> None:
        self.holding[which % len(self.holding)].done.set()
        self._settle()

    @precondition(lambda self: self.waiting)
    @rule(which=st.integers(0, 99))
    def give_up(self, which: int) -> None:
        person = self.waiting[which % len(self.waiting)]
        assert person.task is not None
        person.task.cancel()
        self._settle()
        assert person not in self.waiting

    @rule(limit=st.integers(1, 4))
    def change_the_limit(self, limit: int) -> None:
        self.slots.resize(limit)
        self._settle()

    @invariant()
    def nobody_waits_beside_a_free_slot(self) -> None:
        assert self.slots.used == len(self.holding)
        assert self.slots.waiting == len(self.waiting)
        assert not self.waiting or self.slots.used >= self.slots.limit

    async def _stay(self, person: "Person", urgency: Urgency) -> None:
        try:
            async with self.slots.hold(urgency):
                self.waiting.remove(person)
                # Checked here too: between two steps many may come and go.
                assert self.slots.used <= max(self.slots.limit, len(self.holding) + 1)
                self.grants += 1
                assert self.grants - person.grants <= 4 * (person.before + 1)
                self.holding.append(person)
                await person.done.wait()
                self.holding.remove(person)
        except (Stopping, asyncio.CancelledError):
            self.waiting.remove(person)

    def _settle(self) -> None:
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.run_until_complete(asyncio.sleep(0))


@dataclass(eq=False)
class Person:
    """One who waits for a slot, then holds it."""

    before: int
    """How many waited already when it came."""
    grants: int
    """How many slots had been given by then."""
    done: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None


TestSlots = SlotsMachine.TestCase
TestSlots.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)


async def test_a_steady_supply_of_ended_recordings_starves_nobody() -> None:
    """More of them than slots, each back in the line as soon as it has had one.

    Seen failing with urgency alone.
    """
    slots, over = Slots(2), asyncio.Event()

    async def always_another() -> None:
        while not over.is_set():
            async with slots.hold(Urgency.ENDED):
                await asyncio.sleep(0)

    supply = [asyncio.create_task(always_another()) for _ in range(8)]
    await asyncio.sleep(0.01)
    try:
        async with asyncio.timeout(10), slots.hold(Urgency.GROWING):
            assert slots.waiting > 0
    finally:
        over.set()
        await asyncio.gather(*supply)
