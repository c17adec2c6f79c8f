"""Whether the state server may forget what it was told: asked at the start and every hour."""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import NoReturn, Protocol

import structlog

from cefmp4.errors import CefMP4Error
from cefmp4.metrics_work import Work
from cefmp4.problems import Problems

INTERVAL_SECONDS = 3600.0
PROBLEM = "redis_persistence"

log = structlog.get_logger(__name__)


class StateServer(Protocol):
    """Whom to ask."""

    def weaknesses(self) -> Awaitable[Sequence[tuple[str, str]]]:
        """What is weak about it, and what mends that. Raises RedisOperationError."""
        ...


class Persistence:
    """Keeps the figure true, and says so once when it changes."""

    def __init__(self, server: StateServer, work: Work, problems: Problems) -> None:
        self._server, self._work, self._problems = server, work, problems
        self._said = ""

    async def ask(self) -> None:
        """Raises RedisOperationError."""
        weak = await self._server.weaknesses()
        weakness = "; ".join(problem for problem, _ in weak)
        hint = "; ".join(remedy for _, remedy in weak)
        self._work.persistence_weak.set(bool(weakness))
        if weakness:
            self._problems.tell(PROBLEM, weakness, hint)
        else:
            self._problems.over(PROBLEM)
        if weakness and weakness != self._said:
            log.warning("the state server may forget", why=weakness, hint=hint)
        elif self._said and not weakness:
            log.info("the state server keeps what it is told now")
        self._said = weakness

    async def ask_now_and_then(self) -> NoReturn:
        """Every hour; while it cannot be asked, the next time will do."""
        while True:
            await asyncio.sleep(INTERVAL_SECONDS)
            try:
                await self.ask()
            except CefMP4Error:
                continue
