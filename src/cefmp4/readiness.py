"""Whether the store, the state server and the watched directory answer: by asking them.

Only while somebody wants to know, at most once in five seconds however many do, and no
question waits longer than that. What must stay true: the questions take no slot of a stream
and change nothing, and what is answered holds no secret.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from math import nan

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from cefmp4.errors import CefMP4Error
from cefmp4.logging_config import redact
from cefmp4.problems import Problems

COMPONENTS = ("store", "redis", "watch_dir")
FRESH_SECONDS = 5.0
LIMIT_SECONDS = 5.0
"""No component may take longer to answer."""

Check = Callable[[], Awaitable[object]]
"""Returns when all is well. Raises CefMP4Error."""


@dataclass(frozen=True, slots=True)
class Health:
    """Of one component."""

    ok: bool
    why: str = ""
    hint: str = ""


STARTING = Health(ok=False, why="not asked yet: the daemon is starting")


class Readiness:
    """Asks the components, and tells `problems` of those that do not answer."""

    def __init__(self, problems: Problems) -> None:
        self._problems = problems
        self._checks: Mapping[str, Check] = {}
        self._found: dict[str, Health] = {}
        self._asked_at: float | None = None
        self._asking: asyncio.Task[None] | None = None

    def begin(self, checks: Mapping[str, Check]) -> None:
        """These can be asked from now on: some while the daemon starts, then all."""
        self._checks, self._asked_at = checks, None

    async def look(self, patience_seconds: float) -> Mapping[str, Health]:
        """What they answer, or have answered less than five seconds ago.

        Whoever is not that patient gets what was answered last.
        """
        if not self._checks:
            return self.last
        stale = self._asked_at is None or time.monotonic() - self._asked_at >= FRESH_SECONDS
        if stale and self._asking is None:
            self._asking = asyncio.create_task(self._ask())
        if self._asking is not None and patience_seconds:
            await asyncio.wait({self._asking}, timeout=patience_seconds)
        return self.last

    @property
    def last(self) -> Mapping[str, Health]:
        """What each has answered last. May be asked in a thread."""
        return {name: self._found.get(name) or self._at_start(name) for name in COMPONENTS}

    def _at_start(self, name: str) -> Health:
        problem = self._problems.get(name)
        if problem is None:
            return STARTING
        return Health(ok=False, why=redact(problem.why), hint=redact(problem.hint))

    async def close(self) -> None:
        """Ask no more."""
        self._checks = {}
        if self._asking is not None:
            self._asking.cancel()
            with suppress(asyncio.CancelledError):
                await self._asking

    async def _ask(self) -> None:
        try:
            checks = self._checks
            found = await asyncio.gather(*(_health(check) for check in checks.values()))
            self._found = dict(zip(checks, found, strict=True))
            if checks is self._checks:  # else there is more to be asked
                self._asked_at = time.monotonic()
            for name, health in self._found.items():
                if health.ok:
                    self._problems.over(name)
                else:
                    self._problems.tell(name, health.why, health.hint)
        finally:
            self._asking = None


async def _health(check: Check) -> Health:
    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            await check()
    except CefMP4Error as error:
        return Health(ok=False, why=redact(str(error)), hint=redact(error.hint))
    except TimeoutError:
        hint = "it is slow, stopped, or behind a network that drops packets"
        return Health(ok=False, why=f"no answer within {LIMIT_SECONDS:.0f} s", hint=hint)
    return Health(ok=True)


class ReadyCollector(Collector):
    """`cefmp4_ready`, as of the last time somebody asked; NaN before the first time."""

    def __init__(self, readiness: Readiness) -> None:
        self._readiness = readiness

    def collect(self) -> Iterator[Metric]:
        """See prometheus_client: what a scrape is told."""
        told = GaugeMetricFamily(
            "cefmp4_ready",
            "1 when the component answers, asked at most once in 5 seconds.",
            labels=["component"],
        )
        for component, health in self._readiness.last.items():
            asked = health is not STARTING
            told.add_metric([component], float(health.ok) if asked else nan)
        yield told


class Lingering:
    """A call in a thread of which no second one is begun while the first hangs: a mount
    that is dead must not use up all threads."""

    def __init__(self, call: Callable[[], object]) -> None:
        self._call = call
        self._running: asyncio.Future[object] | None = None

    async def __call__(self) -> object:
        """Raises what the call raises."""
        if self._running is None or self._running.done():
            self._running = asyncio.ensure_future(asyncio.to_thread(self._call))
        return await asyncio.shield(self._running)
