"""What the settings mean for all that tells others of the streams: events, figures, traces."""

import os
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import structlog

from cefmp4 import __version__
from cefmp4.adapters.webhook import open_webhook
from cefmp4.assembly import SystemClock
from cefmp4.config import Settings, WrongSettings
from cefmp4.config_webhook import is_loopback, secrets_in
from cefmp4.core.happenings import Sink
from cefmp4.logging_config import hide, redact
from cefmp4.lookout import Lookout
from cefmp4.metrics import Figures
from cefmp4.ports import Outboxes, Presence
from cefmp4.ports.tracing import NO_TRACER, Tracer
from cefmp4.publishing import Publisher
from cefmp4.relaying import Relay, Relaying, tell_stalled
from cefmp4.relaying.stream import StreamRelay
from cefmp4.relaying.webhook import WebhookRelay
from cefmp4.rows import Row
from cefmp4.stalls import OnStalled
from cefmp4.supervisor import Supervisor
from cefmp4.world import World

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")

log = structlog.get_logger(__name__)


def sinks(settings: Settings) -> list[Sink]:
    """Who is told what happens."""
    redis = [Sink.REDIS] if settings.events_kept else []
    return [*redis, Sink.WEBHOOK] if settings.webhook_url else redis


@asynccontextmanager
async def make_relaying(settings: Settings, outboxes: Outboxes) -> AsyncIterator[Relaying]:
    """What tells them."""
    relays: list[Relay] = [StreamRelay(outboxes)] if settings.events_kept else []
    async with AsyncExitStack() as stack:
        if settings.webhook_url:
            url, secret = settings.webhook_url.get_secret_value(), settings.webhook_secret
            if secret is None and not is_loopback(url):
                log.warning("events go out unsigned", hint="set WEBHOOK_SECRET")
            key = secret.get_secret_value() if secret else None
            receiver = await stack.enter_async_context(open_webhook(url, key, SystemClock.now))
            relays.append(WebhookRelay(outboxes, receiver, SystemClock()))
        yield Relaying(outboxes, relays)


def make_lookout(settings: Settings, supervisor: Supervisor) -> Lookout:
    """What is told of the streams to whoever looks."""
    return Lookout(lambda: supervisor.roster, SystemClock(), settings.stalled_after_seconds)


def figures(lookout: Lookout, supervisor: Supervisor) -> Callable[[], Awaitable[Figures]]:
    """All streams in numbers, those that are set aside included."""

    async def look() -> Figures:
        seen = await lookout.look()
        return Figures(
            supervisor.past.set_aside(seen.rows) + Counter(seen.statuses),
            seen.unsent_bytes,
            seen.at_risk_seconds,
            seen.at_risk,
        )

    return look


def on_stalled(supervisor: Supervisor) -> OnStalled:
    """Makes an event of it."""

    async def tell(row: Row) -> None:
        stream = next((s for s in supervisor.roster if s.stream_id == row.stream_id), None)
        if stream is not None and stream.checkpoint is not None:
            checkpoints = supervisor.world.checkpoints
            await tell_stalled(checkpoints, stream.checkpoint, row.since, row.why, row.hint)

    return tell


def make_publisher(settings: Settings, lookout: Lookout, world: World) -> Publisher:
    """What shows it to commands elsewhere."""
    parts = world.parts

    def presence() -> Presence:
        return Presence(
            world.host,
            os.getpid(),
            __version__,
            world.clock.now(),
            settings.watch_dir,
            parts.used,
            parts.limit,
        )

    return Publisher(lookout.look, world.checkpoints, presence, world.clock)


def make_tracer(settings: Settings) -> Tracer:
    """Where traces go; OpenTelemetry is imported only when they are wanted."""
    if not settings.otel_traces:
        return NO_TRACER
    from cefmp4.adapters.tracing import open_tracer

    try:
        for name in _ENDPOINTS:  # as in WEBHOOK_URL, a token may be anywhere in it
            for secret in secrets_in(os.environ.get(name, "")):
                hide(secret)
        return open_tracer(settings.instance)
    except ValueError as error:
        wrong = f"OTEL_*: cannot be understood: {redact(str(error))}"
        raise WrongSettings([wrong]) from None
