"""All that goes on at the same time while the daemon works, until one of it ends."""

import asyncio
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from typing import Any

from cefmp4.lookout import Lookout
from cefmp4.persistence import Persistence
from cefmp4.ports import Checkpoints
from cefmp4.problems import Problems
from cefmp4.publishing import Publisher
from cefmp4.relaying import Relaying
from cefmp4.stalls import OnStalled, watch_stalls
from cefmp4.supervisor import Supervisor
from cefmp4.upkeep import (
    forget_now_and_then,
    keep_claim,
    listen,
    note_if_whole,
    sweep_now_and_then,
)
from cefmp4.watcher import Watcher

LANDING_SECONDS = 1.0
"""What is in flight when the claim is lost gets so long to be answered, and taken back."""


@dataclass(frozen=True, slots=True)
class Running:
    """A daemon under way."""

    supervisor: Supervisor
    lookout: Lookout
    watcher: Watcher
    checkpoints: Checkpoints
    relaying: Relaying
    persistence: Persistence
    publisher: Publisher
    problems: Problems
    on_stalled: OnStalled


async def until_the_end(
    running: Running, *, lease_seconds: float, retention_seconds: float, once: bool
) -> None:
    """Run until the claim is lost, the watcher fails, or (`once`) all is done and told."""
    supervisor = running.supervisor
    ends: set[asyncio.Future[Any]] = {
        asyncio.ensure_future(work)
        for work in _everlasting(running, lease_seconds, retention_seconds)
    }
    ends.add(supervisor.turns.fatal)
    if once:
        ends.add(asyncio.ensure_future(_all_done_and_told(supervisor, running.relaying)))
    try:
        done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for end in done:
            end.result()
        await note_if_whole(supervisor.world, supervisor.all_begun)
    finally:
        for end in ends:
            end.cancel()
        await asyncio.gather(*ends, return_exceptions=True)
        await supervisor.stop(LANDING_SECONDS)


def _everlasting(
    running: Running, lease_seconds: float, retention_seconds: float
) -> Iterator[Coroutine[Any, Any, None]]:
    """What ends only by an error."""
    supervisor, problems = running.supervisor, running.problems
    checkpoints, world = running.checkpoints, supervisor.world
    yield running.watcher.run()
    yield sweep_now_and_then(world, supervisor.all_begun)
    yield keep_claim(checkpoints, lease_seconds, supervisor.write_again, problems)
    yield forget_now_and_then(world, supervisor.shelf, supervisor.past, retention_seconds)
    heed = running.publisher.heed
    yield listen(checkpoints, supervisor.hear, world.flow, world.clock, heed)
    yield running.publisher.run()
    yield watch_stalls(running.lookout, running.on_stalled)
    yield running.persistence.ask_now_and_then()
    for relay in running.relaying.relays:
        yield relay.run()


async def _all_done_and_told(supervisor: Supervisor, relaying: Relaying) -> None:
    """Also told, as far as somebody is there to be told."""
    await supervisor.all_done.wait()
    await relaying.all_told()
