"""What goes on beside the streams: keeping the claim, hearing what people ask for,
sweeping up, and forgetting what is long over."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import NoReturn

import structlog

from cefmp4.core.model import LIVE, Checkpoint, Status, Wish
from cefmp4.core.orphans import Fate
from cefmp4.errors import (
    CefMP4Error,
    ChunkProcessingError,
    Fenced,
    RedisOperationError,
    StateLost,
)
from cefmp4.finishing import Finishing
from cefmp4.flow import Flow
from cefmp4.ledger import Ledger
from cefmp4.past import Past
from cefmp4.ports import Checkpoints, Clock, Disk
from cefmp4.problems import Problems
from cefmp4.retry import async_retry_transient, is_worth_a_line
from cefmp4.shelf import Shelf
from cefmp4.sight import Sight
from cefmp4.sweeping import Judged, abort_all, look_over
from cefmp4.telling import Telling
from cefmp4.unhurried import unhurried
from cefmp4.world import World

FORGET_INTERVAL_SECONDS = 3600.0
LISTEN_INTERVAL_SECONDS = 1.0
SWEEP_INTERVAL_SECONDS = 3600.0
ALL_BEGUN_INTERVAL_SECONDS = 1.0
FORGOTTEN_AT_A_TIME = 2_000
RECALLED = 2_000
"""Ended streams that are shown after a start; `cefmp4 streams` knows all."""

log = structlog.get_logger(__name__)


async def keep_claim(
    checkpoints: Checkpoints,
    lease_seconds: float,
    write_again: Callable[[], Awaitable[None]],
    problems: Problems,
) -> NoReturn:
    """Renew the claim three times a lease. Raises Fenced once another process has it.

    After the server has lost its data, whoever noticed it, `write_again` is called.
    """
    failures = mended = 0
    while True:
        await asyncio.sleep(lease_seconds / 3)
        try:
            with suppress(StateLost):  # it is renewed all the same
                await checkpoints.renew()
            losses = checkpoints.losses
            if losses != mended:
                await write_again()
                mended = losses
        except Fenced:
            raise
        except RedisOperationError as error:
            failures += 1
            if failures == 1:
                log.warning("the claim could not be renewed", error=str(error), hint=error.hint)
            problems.tell("claim", f"the claim could not be renewed: {error}", error.hint)
        else:
            problems.over("claim")
            if failures:
                log.info("the claim is renewed again", failures=failures)
            failures = 0


async def listen(
    checkpoints: Checkpoints,
    hear: Callable[[Mapping[str, Wish]], Awaitable[None]],
    flow: Flow,
    clock: Clock,
    heed: Callable[[bool], None],
) -> NoReturn:
    """Ask every second what people want, and tell it. The start has asked already.

    `heed` is told whether somebody looks on from elsewhere.

    The time table of the upload rate is kept also while nobody can be asked.
    """
    failures = 0
    while True:
        await asyncio.sleep(LISTEN_INTERVAL_SECONDS)
        try:
            asked = await checkpoints.asked()
            flow.hear(asked.upload_limit)
            heed(asked.watched)
            flow.keep_time(clock.now())
            if asked.wishes:
                await hear(asked.wishes)
        except Fenced:
            raise
        except RedisOperationError as error:
            failures += 1
            if failures == 1:
                log.warning("wishes cannot be read", error=str(error), hint=error.hint)
            flow.keep_time(clock.now())
        else:
            failures = 0


async def recall_past(world: World, past: Past) -> None:
    """What ended before this process began, for whoever looks; an outage is waited out."""
    ended = await async_retry_transient(
        "show what ended before", lambda: world.checkpoints.load_ended(RECALLED)
    )
    past.restore(ended)


async def forget_now_and_then(
    world: World, shelf: Shelf, past: Past, retention_seconds: float
) -> NoReturn:
    """Drop, every hour, what is older than the retention and no longer of any use."""
    await recall_past(world, past)
    gone: frozenset[str] = frozenset()
    lost: frozenset[str] = frozenset()
    while True:
        before = world.clock.now() - retention_seconds
        try:
            past.forget(before)
            dropped = await world.checkpoints.purge(before)
            if dropped:
                log.info("old streams dropped", streams=dropped)
            if not world.horizon.away:
                gone = await forget_gone(world, shelf, before, gone)
                lost = await let_go(world, past, before, lost)
        except Fenced:
            raise
        except CefMP4Error as error:
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
        async for path in unhurried(confirmed, FORGOTTEN_AT_A_TIME):
            shelf.forget(path)
        log.info("recordings that are gone are forgotten", recordings=len(confirmed))
    return gone.difference(confirmed)


async def let_go(
    world: World, past: Past, before: float, gone_last_time: frozenset[str]
) -> frozenset[str]:
    """End what was set aside before `before` and lost its file; the ids now without one.

    Only what had none the last time too, as in `forget_gone`. Until then a person can still
    retry it: its upload stands. Raises S3OperationError; the next time goes on.
    """
    kept = [
        checkpoint
        for checkpoint in await world.checkpoints.load_set_aside()
        if checkpoint.holds_path and (checkpoint.ended_at or 0.0) < before
        if not world.horizon.hides(checkpoint)
    ]
    gone = await asyncio.to_thread(_without_file, world.disk, kept)
    for stream_id in sorted(gone & gone_last_time):
        found = await world.checkpoints.load(stream_id)
        ledger = Ledger(world.checkpoints, found, world.clock)
        if ledger.checkpoint is None or ledger.checkpoint.status in LIVE:
            continue  # a person was faster
        telling = Telling.of(world, ledger.checkpoint.path, ledger.checkpoint)
        telling.why = "its recording is gone"
        ending = Finishing(world, ledger, Sight(), telling)
        await ending.abandon(Status.DELETED_LOCALLY, "deleted_locally", "")
        telling.ended(ledger.current)
        past.add(ledger.current)
    return gone - gone_last_time


def _without_file(disk: Disk, checkpoints: list[Checkpoint]) -> frozenset[str]:
    missing = set()
    for checkpoint in checkpoints:
        try:
            there = disk.stat(checkpoint.path)
        except ChunkProcessingError:
            continue  # out of reach, not gone
        if there is None or there.inode != checkpoint.identity[1]:
            missing.add(checkpoint.stream_id)
    return frozenset(missing)


def _not_there(disk: Disk, paths: list[str]) -> frozenset[str]:
    missing = set()
    for path in paths:
        try:
            if disk.stat(path) is None:
                missing.add(path)
        except ChunkProcessingError:
            continue  # out of reach, not gone
    return frozenset(missing)


async def sweep_now_and_then(world: World, all_begun: Callable[[], bool]) -> NoReturn:
    """Abort orphaned uploads, at the start and every hour."""
    forgotten: frozenset[Judged] = frozenset()
    while True:
        try:
            forgotten = await sweep(world, forgotten, may_be_claimed=not all_begun())
        except Fenced:
            raise
        except CefMP4Error as error:
            log.warning("orphans not looked for", error=str(error), hint=error.hint)
        due = world.clock.monotonic() + SWEEP_INTERVAL_SECONDS
        while world.recollection.wanted and world.clock.monotonic() < due:
            await note_if_whole(world, all_begun)
            await asyncio.sleep(ALL_BEGUN_INTERVAL_SECONDS)
        await asyncio.sleep(max(0.0, due - world.clock.monotonic()))


async def sweep(
    world: World, forgotten_before: frozenset[Judged], *, may_be_claimed: bool
) -> frozenset[Judged]:
    """One look over the store; the uploads whose stream is not remembered.

    Those are aborted only when they were found just so the last time too, and no recording
    is there that could claim them: a disk that is mounted late must not cost its progress,
    nor another host its own that has our INSTANCE_ID and a state server of its own.
    """
    judged = await look_over(world.store, world.checkpoints, world.recollection)
    orphans = [one for one in judged if one.verdict.fate is Fate.ORPHAN]
    forgotten = [one for one in judged if one.verdict.fate is Fate.FORGOTTEN]
    if not may_be_claimed and not world.recollection.wanted:
        orphans += [one for one in forgotten if one in forgotten_before]
    left = await abort_all(world.store, orphans, world.checkpoints.assure)
    for one in orphans:
        _report(one, left.get(one.upload.upload_id))
    world.metrics.orphans_aborted.inc(len(orphans) - len(left))
    stand = [one for one in judged if one.upload.upload_id in left]
    stand += [one for one in forgotten if one not in orphans]
    world.metrics.orphans_left(len(stand), sum(one.size_bytes or 0 for one in stand))
    return frozenset(forgotten)


async def note_if_whole(world: World, all_begun: Callable[[], bool]) -> None:
    """Once every recording that is there has begun, nothing more can be found again."""
    if not world.recollection.wanted or not all_begun():
        return
    try:
        await world.checkpoints.set_whole()
    except Fenced:
        raise
    except RedisOperationError as error:
        world.recollection.failures += 1
        if is_worth_a_line(world.recollection.failures):
            log.warning("not noted as whole yet", error=str(error), hint=error.hint)
    else:
        world.recollection.forget()


def _report(orphan: Judged, problem: str | None) -> None:
    told = log.bind(key=orphan.upload.key, bytes=orphan.size_bytes, why=orphan.verdict.why)
    if problem is None:
        told.info("orphaned upload aborted")
    else:
        told.warning("orphaned upload not aborted", error=problem)
