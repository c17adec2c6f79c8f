"""One stream's checkpoint, here and in the state server: the same, or not trusted.

Every change is a verb of `Checkpoint`, written before it is believed. Writes of one
stream follow each other, so that parts that land at the same moment cannot overwrite
one another. After a failed write nobody knows whether it happened: the copy here is
no longer trusted, and is read again before anything else is decided.

What has landed in the store is not forgotten for that: nobody else may write meanwhile, so
it is written before anything else. Then nothing is sent while a server that can be read
takes no writes (a replica, a full one), and nothing is sent again when it does.
"""

import asyncio
from collections.abc import Callable

from cefmp4.core.history import chronicled
from cefmp4.core.model import Checkpoint
from cefmp4.ports import Checkpoints, Clock

Change = Callable[[Checkpoint], Checkpoint]


class Ledger:
    """Holds `checkpoint`, None before the stream has begun."""

    def __init__(
        self, checkpoints: Checkpoints, checkpoint: Checkpoint | None, clock: Clock
    ) -> None:
        self.checkpoint = checkpoint
        self.steps = 0
        """How often it got on; that the store is asked to complete, and did not, is no step."""
        self._checkpoints, self._clock = checkpoints, clock
        self._writing = asyncio.Lock()
        self._unwritten: Checkpoint | None = None
        """With what has landed, and could not be recorded yet."""
        self._doubts = 0

    @property
    def trusted(self) -> bool:
        """What is here is what the state server holds, as far as known."""
        return self.checkpoint is None or not self._doubts

    @property
    def current(self) -> Checkpoint:
        """The checkpoint of a stream that has begun."""
        if self.checkpoint is None:
            raise LookupError("the stream has not begun")
        return self.checkpoint

    async def begin(self, checkpoint: Checkpoint) -> None:
        """Write the intent."""
        async with self._writing:
            self.checkpoint = chronicled(None, checkpoint, self._clock.now())
            await self._save(None, self.checkpoint)

    async def record(self, change: Change, *, landed: bool = False) -> Checkpoint:
        """Write the next value, and believe it once it is written.

        Of what has `landed` in the store already, the writing is made up for later.
        """
        async with self._writing:
            latest = self._unwritten or self.current
            after = chronicled(latest, change(latest), self._clock.now())
            if landed:
                self._unwritten = after
            await self._save(self.current, after)
            return after

    async def _save(self, before: Checkpoint | None, after: Checkpoint) -> None:
        self._doubts += 1
        await self._checkpoints.save(before, after)
        self._doubts -= 1
        self.checkpoint, self._unwritten = after, None
        self.steps += before is None or before.completing == after.completing

    def distrust(self) -> None:
        """Something failed: read again before deciding."""
        self._doubts += 1

    async def refresh(self) -> None:
        """Read the checkpoint again if the one here is not trusted.

        When the state server has none, it has lost its data or never got the first write:
        what is known here is the best there is, and is written anew.
        """
        if self.trusted:
            return
        async with self._writing:
            doubts = self._doubts
            found = await self._checkpoints.load(self.current.stream_id)
            if found is None or self._unwritten:
                await self._save(found, self._unwritten or self.current)
            else:
                self.checkpoint = found
            self._doubts -= doubts

    async def assure(self) -> None:
        """Right before an effect outside: the claim is ours. Raises as `Checkpoints.assure`."""
        await self._checkpoints.assure()
