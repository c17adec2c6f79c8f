"""Long lists on the event loop: no single iteration of it may take long."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import TypeVar

Item = TypeVar("Item")


async def unhurried(items: Iterable[Item], at_a_time: int) -> AsyncIterator[Item]:
    """One after the other; whatever else is due gets its turn after every so many."""
    for count, item in enumerate(items, 1):
        yield item
        if count % at_a_time == 0:
            await asyncio.sleep(0)
