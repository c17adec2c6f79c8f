"""What goes on beside the streams: keeping the claim, and forgetting what is long over."""

import asyncio
import time
from typing import NoReturn

import structlog

from cefmp4.errors import Fenced, RedisOperationError
from cefmp4.ports import Checkpoints

PURGE_INTERVAL_SECONDS = 3600.0

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


async def purge_now_and_then(checkpoints: Checkpoints, retention_seconds: float) -> NoReturn:
    """Forget streams that ended longer ago than the retention."""
    while True:
        try:
            dropped = await checkpoints.purge(time.time() - retention_seconds)
        except Fenced:
            raise
        except RedisOperationError as error:
            log.warning("old streams could not be dropped", error=str(error), hint=error.hint)
        else:
            if dropped:
                log.info("old streams dropped", streams=dropped)
        await asyncio.sleep(PURGE_INTERVAL_SECONDS)
