"""Waiting for something to become true, bounded in time, instead of sleeping and hoping."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar, overload

T = TypeVar("T")


@overload
async def wait_until(
    predicate: Callable[[], Awaitable[T]],
    *,
    timeout_seconds: float = ...,
    every_seconds: float = ...,
) -> T: ...
@overload
async def wait_until(
    predicate: Callable[[], T], *, timeout_seconds: float = ..., every_seconds: float = ...
) -> T: ...


async def wait_until(
    predicate: Callable[[], Awaitable[T]] | Callable[[], T],
    *,
    timeout_seconds: float = 30.0,
    every_seconds: float = 0.02,
) -> T:
    """Ask `predicate`, sync or async, until its answer is true, and return that answer.

    Raises AssertionError, with the last answer, once `timeout_seconds` have passed.
    """
    deadline = time.monotonic() + timeout_seconds
    while True:
        asked = predicate()
        answer = await asked if isinstance(asked, Awaitable) else asked
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not true within {timeout_seconds} s, last: {answer!r}")
        await asyncio.sleep(every_seconds)
