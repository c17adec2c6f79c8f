"""What goes on beside the streams: keeping the claim, and forgetting what is long over."""

import asyncio
from typing import NoReturn

import structlog

from cefmp4.errors import ChunkProcessingError, Fenced, RedisOperationError
from cefmp4.ports import Checkpoints, Disk
from cefmp4.shelf import Shelf
from cefmp4.world import World

FORGET_INTERVAL_SECONDS = 3600.0

log = structlog.get_logger(__name__)


async def keep_claim(checkpoints: Checkpoints, lease_seconds: float) -> NoReturn:
    """Renew the claim three times a lease. Raises Fenced once another process has it."""
    failures = 0
    while True:
        await asyncio.sleep(lease_seconds / 3)
        try:
            await checkpoints.renew()
        except Fenced:
            raise
        except RedisOperationError as error:
            failures += 1
            if failures == 1:
                log.warning("the claim could not be renewed", error=str(error), hint=error.hint)
        else:
            if failures:
                log.info("the claim is renewed again", failures=failures)
            failures = 0


async def forget_now_and_then(world: World, shelf: Shelf, retention_seconds: float) -> NoReturn:
    """Drop, every hour, what is older than the retention and no longer of any use."""
    gone: frozenset[str] = frozenset()
    while True:
        before = world.clock.now() - retention_seconds
        try:
            dropped = await world.checkpoints.purge(before)
            if dropped:
                log.info("old streams dropped", streams=dropped)
            if not world.horizon.away:
                gone = await forget_gone(world, shelf, before, gone)
        except Fenced:
            raise
        except RedisOperationError as error:
            log.warning("old streams could not be dropped", error=str(error), hint=error.hint)
        await asyncio.sleep(FORGET_INTERVAL_SECONDS)


async def forget_gone(
    world: World, shelf: Shelf, before: float, gone_last_time: frozenset[str]
) -> frozenset[str]:
    """Forget stored recordings that are off the disk; those that are off it now.

    Only what was written before `before`, and was gone the last time too: a disk that is
    unmounted for a while must not be stored anew when it is back.
    """
    old = shelf.older_than(int(before * 1e9))
    gone = await asyncio.to_thread(_not_there, world.disk, old)
    confirmed = sorted(gone & gone_last_time)
    if confirmed:
        await world.checkpoints.forget_fingerprints(confirmed)
        for path in confirmed:
            shelf.forget(path)
        log.info("recordings that are gone are forgotten", recordings=len(confirmed))
    return gone.difference(confirmed)


def _not_there(disk: Disk, paths: list[str]) -> frozenset[str]:
    missing = set()
    for path in paths:
        try:
            if disk.stat(path) is None:
                missing.add(path)
        except ChunkProcessingError:
            continue  # out of reach, not gone
    return frozenset(missing)
