"""Where everything is put together: the only file that knows what is behind a port.

The order of a start is the order of promises: claim the instance, so that nobody else
writes; open the store and find out what it checks; take up what was left; and only then
look at what is new. Each step waits out an outage for as long as it takes.
"""

import asyncio
import os
import signal
import socket
import time
import uuid
from collections.abc import Callable
from contextlib import AsyncExitStack

import structlog

from cefmp4.adapters.checkpoints import RedisCheckpoints, open_checkpoints
from cefmp4.adapters.disk import LocalDisk, has_writer, is_network_filesystem, prepare_process
from cefmp4.adapters.disposal import LocalDisposal
from cefmp4.adapters.inotify import InotifyNotifier
from cefmp4.adapters.probe import MediaProber
from cefmp4.adapters.s3 import S3Store, StoreSettings, open_store
from cefmp4.config import Settings
from cefmp4.core.keys import key_problem, render_key
from cefmp4.errors import CefMP4Error, Fenced, InstanceClaimed, StreamInitializationError
from cefmp4.metrics import Metrics
from cefmp4.retry import async_retry_transient
from cefmp4.selection import Selection
from cefmp4.slots import Slots
from cefmp4.supervisor import Supervisor
from cefmp4.upkeep import forget_now_and_then, keep_claim
from cefmp4.watcher import Watcher
from cefmp4.web.server import WebServer
from cefmp4.world import World

log = structlog.get_logger(__name__)

DONE, FAILED, CLAIMED = 0, 1, 3
"""Exit codes: done or stopped; with --once, something failed; another process has the claim."""

EPOCH = 0.0
LEAVING_SECONDS = 2.0
"""Of the shutdown grace, what is kept for giving the claim back and closing connections."""


class SystemClock:
    """The machine's clocks."""

    now = staticmethod(time.time)
    monotonic = staticmethod(time.monotonic)


class Daemon:
    """One run of the daemon, from claim to release."""

    def __init__(
        self, settings: Settings, *, once: bool = False, on_ready: Callable[[str], None]
    ) -> None:
        """`on_ready` is told the base URL of the metrics once everything is under way."""
        self.settings, self.once, self.on_ready = settings, once, on_ready
        self.metrics = Metrics()
        self.supervisor: Supervisor | None = None
        self._stop = asyncio.Event()
        self._signals = 0

    async def run(self) -> int:
        """Work until stopped; the exit code. Raises CefMP4Error when it cannot start."""
        prepare_process()
        self._heed_signals()
        working = asyncio.create_task(self._work())
        stopping = asyncio.create_task(self._stop.wait())
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not working.done():
            if self.supervisor is not None:
                grace = self.settings.shutdown_grace_seconds - LEAVING_SECONDS
                await self.supervisor.stop(max(grace, 0.0))
            working.cancel()
        try:
            return await working
        except asyncio.CancelledError:
            return DONE
        except (Fenced, InstanceClaimed) as error:
            log.critical("this instance is claimed by another process", error=str(error))
            return CLAIMED

    def _heed_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._on_signal, number)

    def _on_signal(self, number: signal.Signals) -> None:
        """The first asks to finish what is in flight; the second is obeyed at once."""
        self._signals += 1
        if self._signals > 1:
            os._exit(128 + number)
        log.info("stopping", signal=number.name)
        self._stop.set()

    async def _work(self) -> int:
        async with AsyncExitStack() as stack:
            settings = self.settings
            token = settings.web_token.get_secret_value() if settings.web_token else None
            server = WebServer(self.metrics, token)
            url = await stack.enter_async_context(
                server.listening(settings.prom_host, settings.prom_port)
            )
            checkpoints = await self._claimed(stack)
            store = await self._opened_store(stack)
            disk = LocalDisk()
            stack.callback(disk.close)
            world = make_world(settings, disk, store, checkpoints, self.metrics)
            self.supervisor = supervisor = Supervisor(world)
            self.metrics.watch_active(lambda: len(supervisor.streams))
            known = await async_retry_transient("resume", supervisor.resume)
            watcher = make_watcher(settings, disk, supervisor)
            watcher.expect(known)
            supervisor.attach(watcher)
            server.scan_now = watcher.scan_soon
            self.on_ready(url)
            return await self._until_the_end(supervisor, watcher, checkpoints)

    async def _claimed(self, stack: AsyncExitStack) -> RedisCheckpoints:
        settings = self.settings
        checkpoints = await stack.enter_async_context(
            open_checkpoints(
                settings.redis_url.get_secret_value(),
                settings.instance,
                lease_seconds=settings.claim_lease_seconds,
                ca_bundle=settings.redis_ca_bundle,
            )
        )
        await async_retry_transient("claim the instance", checkpoints.claim)
        stack.push_async_callback(_release, checkpoints)
        warning = await async_retry_transient("ask the state server", checkpoints.persistence)
        if warning:
            log.warning("the state server may forget", why=warning)
        return checkpoints

    async def _opened_store(self, stack: AsyncExitStack) -> S3Store:
        settings = store_settings(self.settings)
        # One key per instance: what a killed start left under it, the next one aborts.
        trial = str(uuid.uuid5(uuid.NAMESPACE_URL, self.settings.instance))
        probe_key = key_for(self.settings)(trial, f"/cefmp4-trial-{trial}", EPOCH)

        async def attempt() -> S3Store:
            return await stack.enter_async_context(open_store(settings, probe_key))

        store = await async_retry_transient("open the store", attempt)
        log.info("store opened", bucket=settings.bucket, checks=store.capabilities.checksum)
        return store

    async def _until_the_end(
        self, supervisor: Supervisor, watcher: Watcher, checkpoints: RedisCheckpoints
    ) -> int:
        """Run until the claim is lost, the watcher fails, or (--once) all is done."""
        settings = self.settings
        ends: set[asyncio.Future[object]] = {
            asyncio.ensure_future(watcher.run()),
            asyncio.ensure_future(keep_claim(checkpoints, settings.claim_lease_seconds)),
            asyncio.ensure_future(
                forget_now_and_then(
                    supervisor.world, supervisor.shelf, settings.completed_retention_seconds
                )
            ),
            asyncio.ensure_future(supervisor.turns.fatal),
        }
        if self.once:
            ends.add(asyncio.ensure_future(supervisor.all_done.wait()))
        try:
            done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            for end in done:
                end.result()
        finally:
            for end in ends:
                end.cancel()
            await asyncio.gather(*ends, return_exceptions=True)
            await supervisor.stop(0.0)
        return FAILED if supervisor.any_failed else DONE


async def _release(checkpoints: RedisCheckpoints) -> None:
    """Give the claim back if the state server answers at once; else it lapses by itself."""
    try:
        async with asyncio.timeout(LEAVING_SECONDS):
            await checkpoints.release()
    except (CefMP4Error, TimeoutError) as error:
        log.warning("the claim was not given back; it lapses by itself", error=str(error))


def make_world(
    settings: Settings,
    disk: LocalDisk,
    store: S3Store,
    checkpoints: RedisCheckpoints,
    metrics: Metrics,
) -> World:
    """The real things behind every port."""
    policy = settings.policy()
    ffprobe = settings.ffprobe_path
    return World(
        disk=disk,
        store=store,
        checkpoints=checkpoints,
        prober=MediaProber(ffprobe, timeout_seconds=settings.probe_timeout_seconds),
        disposal=LocalDisposal(
            policy.after_upload, settings.watch_dir, settings.archive_dir, has_writer
        ),
        clock=SystemClock(),
        policy=policy,
        metrics=metrics,
        turns=Slots(settings.max_concurrent_streams),
        parts=Slots(settings.max_parts_in_flight),
        new_stream_id=lambda: str(uuid.uuid4()),
        key_for=key_for(settings),
        bucket=settings.s3_bucket_name or "",
        key_is_unique="{stream_id}" in settings.s3_key_template,
        host=socket.gethostname(),
    )


def make_watcher(settings: Settings, disk: LocalDisk, supervisor: Supervisor) -> Watcher:
    """The watcher of WATCH_DIR, without notifications where there are none."""
    os.makedirs(settings.watch_dir, exist_ok=True)
    silent = settings.watch_mode == "poll" or is_network_filesystem(settings.watch_dir)
    if silent:
        log.info("polling the watched directory", seconds=settings.poll_interval_seconds)
    return Watcher(
        make_selection(settings),
        disk,
        None if silent else InotifyNotifier(settings.watch_dir),
        handle=supervisor.handle,
        scan_interval_seconds=settings.scan_interval_seconds,
        poll_interval_seconds=settings.poll_interval_seconds,
        idle_seconds=settings.stream_timeout_seconds,
        clock=SystemClock(),
    )


def make_selection(settings: Settings) -> Selection:
    """Which files are recordings."""
    excluded = (settings.embedded_data_dir, settings.archive_dir)
    return Selection(
        settings.watch_dir,
        settings.watch_patterns,
        tuple(folder for folder in excluded if folder),
    )


def key_for(settings: Settings) -> Callable[[str, str, float], str]:
    """What makes the object key of a recording from its stream id, path and start."""
    host = socket.gethostname()

    def render(stream_id: str, path: str, started: float) -> str:
        key = render_key(
            settings.s3_key_template,
            stream_id=stream_id,
            path=path,
            watch_dir=settings.watch_dir,
            host=host,
            started=started,
        )
        problem = key_problem(key)
        if problem:
            raise StreamInitializationError(
                f"no store could hold the key of this recording: it {problem}",
                hint="choose a shorter S3_KEY_TEMPLATE, or rename the recording",
            )
        return key

    return render


def store_settings(settings: Settings) -> StoreSettings:
    """What the S3 adapter is told."""
    secret, token = settings.s3_secret_access_key, settings.s3_session_token
    return StoreSettings(
        bucket=settings.s3_bucket_name or "",
        endpoint_url=settings.s3_endpoint_url,
        region=settings.s3_region_name,
        access_key_id=settings.s3_access_key_id,
        secret_access_key=secret.get_secret_value() if secret else None,
        session_token=token.get_secret_value() if token else None,
        addressing_style=settings.s3_addressing_style,
        ca_bundle=settings.s3_ca_bundle,
        storage_class=settings.s3_storage_class,
        sse=settings.s3_sse,
        sse_kms_key_id=settings.s3_sse_kms_key_id,
        tags=settings.s3_tags,
        max_connections=settings.max_parts_in_flight + settings.max_concurrent_streams,
        create_bucket=settings.s3_create_bucket,
    )
