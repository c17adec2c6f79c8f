"""Others are told what happened: at least once, and of each stream in order.

What happened waits in an outbox in the state server, written together with the checkpoint
that made it happen. A relay for each sink takes the oldest, delivers it, and only then drops
it. So an event that was delivered by a process that died before it could drop it comes once
more, under the same id; none is ever lost to a crash or an outage of whoever is told.
"""

import asyncio
import json
import time
from collections.abc import Sequence
from importlib.resources import files
from typing import Any, NoReturn, Protocol

import structlog

from cefmp4.core.happenings import Sink, stalled
from cefmp4.core.model import Checkpoint
from cefmp4.errors import Fenced, RedisOperationError
from cefmp4.metrics_of_events import EventCounts
from cefmp4.ports import Checkpoints, Outboxes

LAST_SECONDS = 3.0
"""How long `--once` waits for a webhook; what is left waits for the next start."""
REFUSED_SECONDS = 90.0
"""The same for `cefmp4:events`, while the state server answers and yet takes none of them, as
where an ACL does not allow it: longer than a relay rests after an outage."""
LOOK_AGAIN_SECONDS = 0.05

log = structlog.get_logger(__name__)


class Relay(Protocol):
    """Empties the outbox of one sink."""

    counts: EventCounts

    async def run(self) -> NoReturn:
        """Deliver for as long as the claim is ours. Raises Fenced."""
        ...


class Relaying:
    """All relays of a daemon."""

    def __init__(
        self,
        outboxes: Outboxes,
        relays: Sequence[Relay],
        refused_seconds: float = REFUSED_SECONDS,
    ) -> None:
        self._outboxes, self.relays = outboxes, relays
        self._refused_seconds = refused_seconds

    async def all_told(self) -> None:
        """Wait until nothing waits: for a webhook not for long, for a state server that is
        away however long, and not for one that will not take it."""
        for relay in self.relays:
            patience = LAST_SECONDS if relay.counts.sink is Sink.WEBHOOK else None
            try:
                async with asyncio.timeout(patience):
                    await self._emptied(relay.counts.sink)
            except TimeoutError:
                continue

    async def _emptied(self, sink: Sink) -> None:
        """Or nothing has become fewer for long."""
        left, since = 0, time.monotonic()
        while True:
            try:
                pending = (await self._outboxes.untold(sink, limit=1)).pending
            except Fenced:
                raise
            except RedisOperationError:
                pending = -1  # the relay says so
            if not pending:
                return
            if pending != left or pending < 0:
                left, since = pending, time.monotonic()
            elif time.monotonic() - since >= self._refused_seconds:
                log.warning("events are left for the next start", sink=sink, events=pending)
                return
            await asyncio.sleep(LOOK_AGAIN_SECONDS)


async def tell_stalled(
    checkpoints: Checkpoints, checkpoint: Checkpoint, since: float, why: str, hint: str
) -> None:
    """Tell that a stream has not come on since then. Raises as `Checkpoints.tell`.

    Once for each time that it stalls: the id follows from the stream and `since`.
    """
    await checkpoints.tell(stalled(checkpoint, since, why, hint))


def event_schema() -> dict[str, Any]:
    """The published JSON Schema of all four events."""
    text = files("cefmp4").joinpath("event.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema
