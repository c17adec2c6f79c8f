"""What others are still to be told, and who tells them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from cefmp4.core.happenings import Sink

Place = tuple[int, int]
"""Where an event lies in its outbox; later ones have a higher place."""

START: Place = (0, 0)


@dataclass(frozen=True, slots=True)
class Event:
    """One event in an outbox, as it is to be delivered."""

    place: Place
    id: str
    type: str
    stream_id: str
    body: bytes
    """The CloudEvent, as JSON."""


class Outbox(NamedTuple):
    """Some of an outbox, the oldest first."""

    pending: int
    """How many events wait in all of it."""
    events: Sequence[Event]


class Outboxes(Protocol):
    """One outbox for each sink, in the state server, written with the checkpoints.

    Reading needs no claim. Errors are those of `Checkpoints`.
    """

    async def untold(self, sink: Sink, since: Place = START, limit: int = 100) -> Outbox:
        """What waits for this sink, from that place on."""
        ...

    async def drop(self, sink: Sink, places: Collection[Place]) -> None:
        """These were delivered, or given up. Carries the claim: raises Fenced."""
        ...

    async def publish(self, events: Sequence[Event]) -> None:
        """Append them to `cefmp4:events`, all or none; the claim is made sure of before."""
        ...

    async def news(self, sink: Sink) -> None:
        """Wait until this process may have written to the outbox since the last call."""
        ...

    async def assure(self) -> None:
        """Right before a delivery: the claim is ours. Raises as `Checkpoints.assure`."""
        ...


class Receiver(Protocol):
    """Who is at the other end of the webhook."""

    async def deliver(self, event: Event) -> None:
        """Returns once the event was taken. Raises DeliveryError."""
        ...
