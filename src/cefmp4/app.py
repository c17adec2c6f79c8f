"""One run of the daemon, from claim to release.

The order of a start is the order of promises: claim the instance, so that nobody else
writes; open the store and find out what it checks; take up what was left; and only then
look at what is new. Each step waits out an outage for as long as it takes.
"""

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack

import structlog

from cefmp4.adapters.checkpoints import RedisCheckpoints, open_checkpoints
from cefmp4.adapters.disk import LocalDisk, prepare_process
from cefmp4.adapters.s3 import S3Store, StoreSettings, open_store
from cefmp4.assembly import (
    SystemClock,
    make_flow,
    make_selection,
    make_watcher,
    make_world,
    store_settings,
    trial_key,
)
from cefmp4.assembly_telling import (
    figures,
    make_lookout,
    make_publisher,
    make_relaying,
    make_tracer,
    on_stalled,
    sinks,
)
from cefmp4.assembly_web import first_checks, make_about, make_works, readiness_checks
from cefmp4.config import Settings
from cefmp4.errors import CefMP4Error, Fenced, InstanceClaimed, S3OperationError
from cefmp4.flow import Flow
from cefmp4.garbage import short_collections
from cefmp4.leaving import left_by, say_farewell
from cefmp4.lookout import Lookout
from cefmp4.metrics import Metrics
from cefmp4.pace import Pace
from cefmp4.persistence import Persistence
from cefmp4.problems import Problems
from cefmp4.readiness import Readiness, ReadyCollector
from cefmp4.retry import patiently
from cefmp4.running import Running, until_the_end
from cefmp4.supervisor import Supervisor
from cefmp4.watchdog import Watchdog
from cefmp4.watcher import Watcher
from cefmp4.web.server import WebServer
from cefmp4.world import World

log = structlog.get_logger(__name__)

DONE, FAILED, CLAIMED = 0, 1, 3
"""Exit codes: done or stopped; with --once, something failed; another process has the claim."""

LEAVING_SECONDS = 2.0
"""Of the shutdown grace, what is kept for giving the claim back and closing connections."""

STOPPING = "told to stop: parts in flight land, nothing new is begun"


class Daemon:
    """One run of the daemon, from claim to release."""

    def __init__(
        self,
        settings: Settings,
        *,
        once: bool = False,
        on_ready: Callable[[str], None],
        watchdog: Watchdog | None = None,
        around: Callable[[World], World] = lambda world: world,
        store_with: Callable[[Settings], StoreSettings] = store_settings,
    ) -> None:
        """`on_ready` is told the base URL of the metrics once everything is under way.
        `watchdog` watches over the loop that this runs on, if anybody does.

        `around` may put something between the streams and their ports; the crash tests
        end the process there, right before or after an effect. `store_with` makes what the
        S3 adapter is told; the fault tests make it less patient.
        """
        self.settings, self.once, self.on_ready = settings, once, on_ready
        self.around, self.store_with = around, store_with
        self.metrics, self.watchdog = Metrics(), watchdog or Watchdog()
        self.tracer = make_tracer(settings)
        self.metrics.watch_loop(lambda: self.watchdog.blocked, self.watchdog.longest_seconds)
        self.supervisor: Supervisor | None = None
        self.lookout: Lookout | None = None
        self.problems = Problems(SystemClock.now)
        self.readiness = Readiness(self.problems)
        self.metrics.registry.register(ReadyCollector(self.readiness))
        self._stop = asyncio.Event()
        self._signals = 0

    async def run(self) -> int:
        """Work until stopped; the exit code. Raises CefMP4Error when it cannot start."""
        with short_collections():
            try:
                code = await self._run()
            finally:
                self.tracer.close()  # at most two seconds, and nothing else is left to do
        if code != CLAIMED:
            how = "stopped" if self._signals else "done"
            say_farewell(left_by(self.supervisor), how=how)
        return code

    async def _run(self) -> int:
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
            if not await _cancelled(working):
                log.warning("leaving without tidying up: the store or the state server hangs")
                say_farewell(left_by(self.supervisor))
                os._exit(DONE)
        try:
            return await working
        except asyncio.CancelledError:
            return DONE
        except (Fenced, InstanceClaimed) as error:
            log.critical("this instance is claimed", error=str(error), hint=error.hint)
            return CLAIMED

    def _heed_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._on_signal, number)

    def _on_signal(self, number: signal.Signals) -> None:
        """The first asks to finish what is in flight; the second is obeyed at once."""
        self._signals += 1
        if self._signals > 1:
            try:
                say_farewell(left_by(self.supervisor), how="stopped at once")
            finally:
                os._exit(128 + number)
        log.info("stopping", signal=number.name)
        self.problems.tell("stopping", STOPPING)
        self._stop.set()

    async def _work(self) -> int:
        settings = self.settings
        token = settings.web_token.get_secret_value() if settings.web_token else None
        server = WebServer(
            make_about(settings),
            self.metrics,
            self.problems,
            self.readiness,
            token,
            settings.web_hosts,
        )
        async with AsyncExitStack() as stack:
            url = await stack.enter_async_context(
                server.listening(settings.prom_host, settings.prom_port)
            )
            running = await self._started(stack, server)
            self.on_ready(url)
            await until_the_end(
                running,
                lease_seconds=settings.claim_lease_seconds,
                retention_seconds=settings.completed_retention_seconds,
                once=self.once,
            )
            return FAILED if running.supervisor.any_failed else DONE

    async def _started(self, stack: AsyncExitStack, server: WebServer) -> Running:
        """The steps of a start, each in its turn."""
        settings = self.settings
        checkpoints = await self._claimed(stack)
        self.readiness.begin(first_checks(settings, checkpoints))
        relaying = await stack.enter_async_context(
            make_relaying(settings, checkpoints.outboxes)
        )
        self.metrics.watch_events(relay.counts for relay in relaying.relays)
        persistence = Persistence(checkpoints, self.metrics.work, self.problems)
        await patiently(self.problems, "redis", "ask the state server", persistence.ask)
        flow = await self._flow(checkpoints)
        store = await self._opened_store(stack, flow.pace)
        self.watchdog.begin()
        disk = LocalDisk(make_selection(settings))
        stack.callback(disk.close)
        world = self.around(
            make_world(settings, disk, store, checkpoints, self.metrics, flow, self.tracer)
        )
        self.supervisor = supervisor = Supervisor(world)
        self.lookout = make_lookout(settings, supervisor)
        whole = await patiently(self.problems, "redis", "resume", checkpoints.is_whole)
        world.recollection.wanted = not whole
        known = await patiently(self.problems, "redis", "resume", supervisor.resume)
        watcher = make_watcher(settings, disk, supervisor)
        watcher.expect(len(known), {cp.root for cp in known if cp.root})
        supervisor.attach(watcher)
        self._show(server, supervisor, self.lookout, watcher)
        return Running(
            supervisor=supervisor,
            lookout=self.lookout,
            watcher=watcher,
            checkpoints=checkpoints,
            relaying=relaying,
            persistence=persistence,
            publisher=make_publisher(settings, self.lookout, world),
            problems=self.problems,
            on_stalled=on_stalled(supervisor),
        )

    def _show(
        self, server: WebServer, supervisor: Supervisor, lookout: Lookout, watcher: Watcher
    ) -> None:
        """To whoever looks: from now on there is something to be seen."""
        world, flow = supervisor.world, supervisor.world.flow
        self.metrics.watch_streams(figures(lookout, supervisor))
        self.metrics.watch_active(supervisor.active_streams)
        self.metrics.watch_uploads(
            limit=lambda: flow.parts.limit,
            used=lambda: flow.parts.used,
            waiting=lambda: flow.parts.waiting,
            bytes_per_second=lambda: flow.pace.bytes_per_second or 0,
        )
        self.readiness.begin(readiness_checks(self.settings, world, watcher))
        self.problems.watch("watcher", watcher.trouble)
        self.problems.watch("closed_places", watcher.closed)
        self.problems.watch("upload_slots", flow.held_back)
        server.begin(make_works(supervisor, lookout, watcher))

    async def _claimed(self, stack: AsyncExitStack) -> RedisCheckpoints:
        settings = self.settings
        checkpoints = await stack.enter_async_context(
            open_checkpoints(
                settings.redis_url.get_secret_value(),
                settings.instance,
                lease_seconds=settings.claim_lease_seconds,
                ca_bundle=settings.redis_ca_bundle,
                sinks=sinks(settings),
                events_kept=settings.events_kept,
                failed=self.metrics.work.state_failed,
            )
        )
        await patiently(self.problems, "redis", "claim the instance", checkpoints.claim)
        stack.push_async_callback(_release, checkpoints)
        return checkpoints

    async def _flow(self, checkpoints: RedisCheckpoints) -> Flow:
        """With the limits that hold now: none is exceeded by the first part."""
        flow = make_flow(self.settings)
        asked = await patiently(
            self.problems, "redis", "ask the state server", checkpoints.asked
        )
        flow.hear(asked.upload_limit)
        flow.keep_time(SystemClock.now())
        return flow

    async def _opened_store(self, stack: AsyncExitStack, pace: Pace) -> S3Store:
        settings = self.store_with(self.settings)

        async def attempt() -> S3Store:
            try:
                return await stack.enter_async_context(
                    open_store(settings, trial_key(self.settings), pace)
                )
            except S3OperationError as error:
                self.metrics.work.store_failed(error.operation, error.code)
                raise

        store = await patiently(self.problems, "store", "open the store", attempt)
        log.info("store opened", bucket=settings.bucket, checks=store.capabilities.checksum)
        return store


async def _cancelled(work: asyncio.Task[int]) -> bool:
    """Cancel, and once more what tidies up with a store that hangs; False: it still does."""
    for _ in range(2):
        work.cancel()
        done, _pending = await asyncio.wait({work}, timeout=LEAVING_SECONDS / 2)
        if done:
            return True
    return False


async def _release(checkpoints: RedisCheckpoints) -> None:
    """Give the claim back if the state server answers at once; else it lapses by itself."""
    try:
        async with asyncio.timeout(LEAVING_SECONDS / 2):
            await checkpoints.release()
    except (CefMP4Error, TimeoutError) as error:
        log.warning("the claim was not given back; it lapses by itself", error=str(error))
