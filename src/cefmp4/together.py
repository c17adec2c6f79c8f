"""Several things at once, none of them cut short by the failure of another."""

import asyncio
from collections.abc import Awaitable

from cefmp4.errors import Stopping


async def finish_all(*work: Awaitable[None]) -> None:
    """Await everything to its end, then raise the first failure, a real one before Stopping.

    A TaskGroup would cancel the others: parts already half sent would be sent again.
    """
    results = await asyncio.gather(*work, return_exceptions=True)
    errors = [result for result in results if isinstance(result, BaseException)]
    if errors:
        raise next((error for error in errors if not isinstance(error, Stopping)), errors[0])
