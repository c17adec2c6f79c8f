"""What the settings mean for each part: the only place where parts meet their adapters."""

import socket
import time
import uuid
from collections.abc import Callable

import structlog
from pydantic import SecretStr

from cefmp4.adapters.checkpoints import RedisCheckpoints
from cefmp4.adapters.disk import LocalDisk, has_writer, is_network_filesystem
from cefmp4.adapters.disposal import LocalDisposal
from cefmp4.adapters.embedded import EmbeddedServers
from cefmp4.adapters.inotify import InotifyNotifier
from cefmp4.adapters.poster import PictureMaker
from cefmp4.adapters.probe import MediaProber
from cefmp4.adapters.s3 import S3Store, StoreSettings
from cefmp4.config import Settings
from cefmp4.core.keys import key_problem, literal_prefix, place_of_id, render_key
from cefmp4.core.stream_ids import instance_tag, stream_id_from
from cefmp4.counted import CountedStore
from cefmp4.errors import CefMP4Error, StreamInitializationError
from cefmp4.flow import Flow
from cefmp4.locating import LocatedIllustrator, LocatedProber
from cefmp4.metrics import Metrics
from cefmp4.pace import Pace
from cefmp4.ports.tracing import Tracer
from cefmp4.recollection import Recollection
from cefmp4.selection import Selection
from cefmp4.slots import Slots
from cefmp4.supervisor import Supervisor
from cefmp4.watcher import Watcher
from cefmp4.world import World

log = structlog.get_logger(__name__)

EMBEDDED_BUCKET, EMBEDDED_REGION = "recordings", "us-east-1"


class SystemClock:
    """The machine's clocks."""

    now = staticmethod(time.time)
    monotonic = staticmethod(time.monotonic)


def make_world(
    settings: Settings,
    disk: LocalDisk,
    store: S3Store,
    checkpoints: RedisCheckpoints,
    metrics: Metrics,
    flow: Flow,
    tracer: Tracer,
) -> World:
    """The real things behind every port."""
    policy, selection = settings.policy(), make_selection(settings)
    ffprobe = settings.ffprobe_path
    tag, most_seconds = instance_tag(settings.instance), settings.probe_timeout_seconds
    return World(
        disk=disk,
        store=CountedStore(store, metrics.work.store_failed),
        checkpoints=checkpoints,
        prober=LocatedProber(MediaProber(ffprobe, timeout_seconds=most_seconds), selection),
        illustrator=LocatedIllustrator(PictureMaker(most_seconds), selection)
        if settings.poster
        else None,
        disposal=LocalDisposal(
            policy.after_upload, selection, settings.archive_dir, has_writer
        ),
        clock=SystemClock(),
        policy=policy,
        metrics=metrics,
        turns=Slots(settings.max_concurrent_streams),
        flow=flow,
        new_stream_id=lambda: stream_id_from(uuid.uuid4(), tag),
        key_for=key_for(settings),
        bucket=settings.s3_bucket_name or "",
        key_is_unique="{stream_id}" in settings.s3_key_template,
        host=socket.gethostname(),
        recollection=make_recollection(settings),
        tracer=tracer,
    )


def make_flow(settings: Settings) -> Flow:
    """How much may be on its way to the store, to begin with."""
    parts = settings.max_parts_in_flight
    pace = Pace(SystemClock.monotonic, senders=parts)
    return Flow(parts, pace, settings.upload_rate_limit)


def make_recollection(settings: Settings) -> Recollection:
    """By what this instance knows its own uploads and objects; empty yet."""
    template = settings.s3_key_template
    tag, place = instance_tag(settings.instance), place_of_id(template)
    return Recollection(tag, literal_prefix(template), place)


def make_watcher(settings: Settings, disk: LocalDisk, supervisor: Supervisor) -> Watcher:
    """The watcher of WATCH_DIR, without notifications where there are none."""
    try:
        silent = settings.watch_mode == "poll" or is_network_filesystem(settings.watch_dir)
    except OSError as error:
        raise CefMP4Error(
            f"cannot use WATCH_DIR {settings.watch_dir}: {error.strerror}",
            hint="let the process open more files: `ulimit -n`, LimitNOFILE in the unit",
            transient=False,
        ) from error
    if silent:
        log.info("polling the watched directory", seconds=settings.poll_interval_seconds)
    return Watcher(
        make_selection(settings),
        disk,
        None if silent else InotifyNotifier(settings.watch_dir),
        handle=supervisor.handle,
        handle_scan=supervisor.handle_scan,
        scan_interval_seconds=settings.scan_interval_seconds,
        poll_interval_seconds=settings.poll_interval_seconds,
        idle_seconds=settings.stream_timeout_seconds,
        clock=SystemClock(),
        work=supervisor.world.metrics.work,
    )


def make_selection(settings: Settings) -> Selection:
    """Which files are recordings."""
    excluded = (settings.embedded_data_dir, settings.archive_dir)
    return Selection(
        settings.watch_dir,
        settings.watch_patterns,
        tuple(folder for folder in excluded if folder),
        settings.follow_symlinks,
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
                hint="choose a shorter S3_KEY_TEMPLATE, restart, then: cefmp4 retry ID",
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


def trial_key(settings: Settings) -> str:
    """Under which key the store is tried out: one per instance.

    What a killed start left under it, the next one aborts.
    """
    trial = str(uuid.uuid5(uuid.NAMESPACE_URL, settings.instance))
    return key_for(settings)(trial, f"/cefmp4-trial-{trial}", 0.0)


def with_servers(settings: Settings, servers: EmbeddedServers) -> Settings:
    """The settings, pointing at the embedded servers."""
    return settings.model_copy(
        update={
            "s3_endpoint_url": servers.s3_endpoint_url,
            "s3_access_key_id": servers.access_key_id,
            "s3_secret_access_key": SecretStr(servers.secret_access_key),
            "s3_session_token": None,
            "s3_region_name": EMBEDDED_REGION,
            "s3_bucket_name": servers.bucket,
            "s3_ca_bundle": None,
            "redis_url": SecretStr(servers.redis_url),
            "redis_ca_bundle": None,
        }
    )


def passed_over(settings: Settings, embedded: Settings) -> list[str]:
    """What somebody has set that is of no use, since these `embedded` servers are used."""
    return [
        name.upper()
        for name, field in Settings.model_fields.items()
        if getattr(settings, name) != getattr(embedded, name)
        and getattr(settings, name) != field.get_default(call_default_factory=True)
    ]
