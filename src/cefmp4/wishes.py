"""What people ask for, brought to the streams that it is about."""

import asyncio
from collections.abc import Callable, Mapping

import structlog

from cefmp4.core.model import Checkpoint, Wish
from cefmp4.core.wishes import concerns
from cefmp4.roster import Roster
from cefmp4.shelf import Shelf
from cefmp4.stream import Stream
from cefmp4.turns import Turns
from cefmp4.world import World

log = structlog.get_logger(__name__)


class Wishes:
    """Tells the streams; takes down from the shelf what a person wants something of."""

    def __init__(
        self,
        world: World,
        roster: Roster,
        shelf: Shelf,
        turns: Turns,
        add: Callable[[Stream], None],
    ) -> None:
        """`add` is handed a stream that works on what stands under its path from now on."""
        self._world, self._roster, self._shelf = world, roster, shelf
        self._turns, self._add = turns, add
        self._hearing = asyncio.Lock()

    async def hear(self, wishes: Mapping[str, Wish]) -> None:
        """Let the streams know; drop what asks for nothing, or for nothing any more.

        One after the other: the same wish, heard twice at once, would bring what is set
        aside back as two streams.
        """
        async with self._hearing:
            await self._hear(wishes)

    async def _hear(self, wishes: Mapping[str, Wish]) -> None:
        known = {s.checkpoint.stream_id: s for s in self._roster if s.checkpoint}
        load = self._world.checkpoints.load
        for stream_id, wish in wishes.items():
            stream = known.get(stream_id)
            checkpoint = stream.checkpoint if stream else await load(stream_id)
            if checkpoint and not stream and self._roster.is_wished_at(checkpoint.path):
                continue  # what another stream under this name is asked for comes first
            if checkpoint is None or not self._can(wish, checkpoint, stream):
                if stream is not None:
                    stream.sight.wish = None
                log.info("nothing is left to be done for it", stream_id=stream_id, wish=wish)
                await self._world.checkpoints.drop_wish(stream_id, wish)
                continue
            if stream is None:
                stream = Stream(self._world, checkpoint.path, checkpoint)
                self._take_down(stream, checkpoint)
            if stream.sight.wish is not wish:
                log.info("a person asks", stream_id=stream_id, wish=wish)
            stream.sight.wish = wish
            self._turns.wake(stream)

    def _can(self, wish: Wish, checkpoint: Checkpoint, stream: Stream | None) -> bool:
        """What another stream works on is not retried: it would be stored twice."""
        taken = stream is None and checkpoint.path in self._roster.by_path
        return concerns(wish, checkpoint) and not (taken and wish is Wish.RETRY)

    def _take_down(self, stream: Stream, checkpoint: Checkpoint) -> None:
        """From the shelf, for a person wants something of it; its name may be another's."""
        if stream.path in self._roster.by_path:
            self._roster.add_beside(stream)
        else:
            self._shelf.unpark(stream.path, checkpoint.identity[1])
            self._add(stream)
