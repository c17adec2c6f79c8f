"""Which event is next: one of each stream at a time, and no stream waits for another.

The outbox is gone through from its beginning, and of every stream only the first event is
taken along; of the others it is kept where the first of them lies, and once the stream's lane
is free, the outbox is gone through again from there. So the memory this takes depends on the
number of lanes, not on what has piled up.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from cefmp4.ports import Event, Place
from cefmp4.ports.outboxes import START

MOST = 256
"""Streams whose event is under way or waits for another try."""


@dataclass(slots=True, eq=False)
class Lane:
    """One stream's oldest event, until it was delivered and dropped."""

    event: Event
    next_place: Place | None = None
    """Where the stream's next event lies, as far as seen."""
    due_at: float = 0.0
    """When it is to be tried, by a clock that no one sets."""
    failures: int = 0
    failing_since: float = 0.0
    unanswered: bool = False
    """At the last try nobody was there."""
    under_way: bool = False
    over: bool = False
    """Delivered or given up: to be dropped."""


class Lanes:
    """All of them, by stream."""

    def __init__(self) -> None:
        self._by_stream: dict[str, Lane] = {}
        self.since: Place = START
        """From where on the outbox is to be read."""

    def look_from_the_start(self) -> None:
        """Go through all of it again: what is known stays as it is."""
        self.since = START

    def take_in(self, events: Iterable[Event]) -> bool:
        """Take along what lies at `since`; False when there is no room for more."""
        for event in events:
            lane = self._by_stream.get(event.stream_id)
            if lane is None:
                if len(self._by_stream) >= MOST:
                    return False
                self._by_stream[event.stream_id] = Lane(event)
            elif event.place > lane.event.place and lane.next_place is None:
                lane.next_place = event.place
            milliseconds, sequence = event.place
            self.since = (milliseconds, sequence + 1)
        return True

    def over(self) -> list[Lane]:
        return [lane for lane in self._by_stream.values() if lane.over]

    def free(self, lanes: Iterable[Lane]) -> None:
        """Their events were dropped."""
        for lane in lanes:
            del self._by_stream[lane.event.stream_id]
            if lane.next_place is not None:
                self.since = min(self.since, lane.next_place)

    def waiting(self) -> list[Lane]:
        """What is to be tried, the first that is due first."""
        idle = (lane for lane in self._by_stream.values() if not (lane.under_way or lane.over))
        return sorted(idle, key=lambda lane: lane.due_at)

    def somebody_is_there(self) -> None:
        """What met nobody need not wait any longer."""
        for lane in self._by_stream.values():
            if lane.unanswered:
                lane.due_at, lane.unanswered = 0.0, False
