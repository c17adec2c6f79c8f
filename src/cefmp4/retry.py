"""How long to wait before trying again.

Streams are retried by being looked at again, so they need only the delay. Where the
daemon cannot go on at all, at its start, `async_retry_transient` waits for the outage
to end. Both grow, are capped and jittered: an outage ends for everyone at once, and
they must not all come back in the same instant.
"""

import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception

from cefmp4.errors import CefMP4Error
from cefmp4.problems import Problems

BASE_SECONDS = 0.5
CAP_SECONDS = 60.0
LONGEST_ASKED_SECONDS = 300.0
"""A server may ask for more (Retry-After); a figure that is wrong must not mean for ever."""

T = TypeVar("T")
log = structlog.get_logger(__name__)


def backoff_seconds(
    failures: int, asked_seconds: float = 0.0, cap_seconds: float = CAP_SECONDS
) -> float:
    """Seconds to wait after so many failures in a row (from 1); not less than asked."""
    asked_seconds = min(asked_seconds, LONGEST_ASKED_SECONDS)
    full = min(cap_seconds, BASE_SECONDS * 2.0 ** min(failures - 1, 20))
    return max(asked_seconds, full * random.uniform(0.5, 1.0))  # noqa: S311 - jitter


def is_worth_a_line(failures: int) -> bool:
    """Of so many in a row: the 1st, 2nd, 4th, 8th …"""
    return failures & (failures - 1) == 0


def _is_transient(error: BaseException) -> bool:
    return isinstance(error, CefMP4Error) and error.transient


def _told_to_nobody(_: CefMP4Error) -> None:
    """The log says it already."""


async def async_retry_transient(
    what: str,
    call: Callable[[], Awaitable[T]],
    on_failure: Callable[[CefMP4Error], None] = _told_to_nobody,
) -> T:
    """Call until it succeeds or fails for good.

    A failure is logged with its hint when it is another than the last, and else now and then.
    `on_failure` is told of each that is waited out.
    """
    said = ""

    def wait(state: RetryCallState) -> float:
        return backoff_seconds(state.attempt_number)

    def report(state: RetryCallState) -> None:
        nonlocal said
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, CefMP4Error):
            on_failure(error)
        last, said = said, str(error)
        if said == last and not is_worth_a_line(state.attempt_number):
            return
        log.warning(
            f"{what}: not yet",
            error=said,
            hint=getattr(error, "hint", ""),
            failures=state.attempt_number,
            next_try_in_seconds=round(state.upcoming_sleep, 1),
        )

    async def attempt() -> T:
        return await call()  # tenacity awaits only what is plainly a coroutine function

    patient = AsyncRetrying(
        retry=retry_if_exception(_is_transient), wait=wait, before_sleep=report, reraise=True
    )
    return await patient(attempt)


async def patiently(
    problems: Problems, component: str, what: str, call: Callable[[], Awaitable[T]]
) -> T:
    """The same for a step of the start, which shows what it waits for until it is done."""
    problems.tell(component, f"starting: {what}")

    def tell(error: CefMP4Error) -> None:
        problems.tell(component, f"starting: {what}: {error}", error.hint)

    try:
        return await async_retry_transient(what, call, tell)
    finally:
        problems.over(component)
