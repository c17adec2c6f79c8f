"""A relay at work, and something for it to tell."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from cefmp4.adapters.memory.checkpoints import MemoryCheckpoints
from cefmp4.core.model import Checkpoint
from cefmp4.errors import Fenced
from cefmp4.relaying import Relay, tell_stalled


@asynccontextmanager
async def at_work(relay: Relay) -> AsyncIterator[asyncio.Task[None]]:
    task: asyncio.Task[None] = asyncio.ensure_future(relay.run())
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, Fenced):
            await task


async def stall(checkpoints: MemoryCheckpoints, stream: Checkpoint, times: int) -> None:
    for number in range(times):
        await tell_stalled(checkpoints, stream, float(number), "the store is away", "wait")
