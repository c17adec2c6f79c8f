"""Every setting: its name, default, meaning and what it may be.

The docstring of a setting is what people read of it: `docs/reference/settings.md` and
`example.env` are made of these lines, and of the rules in `config_rules.py`, by
`make reference`. How settings are read: `config.py`.
"""

from typing import Annotated, Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from cefmp4 import config_rules as rule
from cefmp4.config_webhook import WebhookSecret, WebhookUrl
from cefmp4.core.geometry import MAX_PART_BYTES, MAX_PARTS, MIN_PART_BYTES
from cefmp4.core.model import AfterUpload
from cefmp4.core.policy import Policy
from cefmp4.core.timetable import Timetable

Auto = Annotated[Literal["auto", "true", "false"], rule.Lower]


class Settings(BaseSettings):
    """What an operator can say. Attributes are the names of the settings in lower case."""

    model_config = SettingsConfigDict(
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        str_strip_whitespace=True,
        validate_default=True,
    )

    # --- Process ----------------------------------------------------------------------

    app_env: Annotated[Literal["development", "production"], rule.Lower] = "development"
    """How logs look: `development`, lines for people, or `production`, one JSON object a
    line."""

    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], rule.Upper
    ] = "INFO"
    """The least level that is logged."""

    prom_host: str = "127.0.0.1"
    """Address of the page, its API, `/metrics`, `/healthz` and `/readyz`. `0.0.0.0` opens them
    to the network."""

    prom_port: Annotated[int, Field(ge=0, le=65_535)] = 8000
    """Port of the same; 0 takes any free one."""

    web_hosts: rule.HostNames = ()
    """Names under which the page may be asked for, beside `localhost` and addresses; also that
    of this machine, if it is to be. Unset: bound to loopback only `localhost`, `127.*` and
    `[::1]`, else any; a web site can then have its own name lead here and read through a
    browser. A proxy needs the name that its users see."""

    web_token: SecretStr | None = None
    """Token that calls which change something (retry, abort, scan) must bring. Unset forbids
    them."""

    otel_traces: rule.OtelTraces = False
    """Send one trace per recording to an OpenTelemetry collector, by OTLP over HTTP. Needs
    `pip install 'cefmp4[otel]'`. Where to, with which headers and so on say the standard
    variables `OTEL_EXPORTER_OTLP_ENDPOINT`, …, in the environment of the daemon, not in a
    file of settings."""

    shutdown_grace_seconds: rule.Seconds = 20
    """How long parts in flight get to land when the daemon is told to stop."""

    instance_id: rule.InstanceId | None = None
    """Name under which progress is kept, and by which its own uploads are known in the store;
    one process at a time. Unset: host name and watched directory. Set it where the host name
    changes, as in containers; no two daemons on one bucket may share it."""

    # --- What is watched --------------------------------------------------------------

    watch_dir: rule.WatchDir = "./local_watch_dir"
    """Directory tree in which recordings appear. It is created if need be."""

    watch_patterns: rule.Patterns = ("*.mp4",)
    """File names that are recordings; case is ignored, and so are names that begin with a
    dot."""

    follow_symlinks: bool = False
    """Whether a symbolic link can be a recording: one to a file that lies in WATCH_DIR itself
    and is no recording under its own name, as in a hidden folder. Links out of WATCH_DIR, links
    to directories and links to recordings are never followed. A followed link is uploaded under
    its own name; AFTER_UPLOAD leaves it and its file where they are."""

    watch_mode: Annotated[Literal["auto", "poll"], rule.Lower] = "auto"
    """`auto`: notifications, except on network mounts, which send none. `poll`: never rely on
    them."""

    scan_interval_seconds: rule.SomeSeconds = 30
    """Time between scans of the whole tree where notifications work."""

    poll_interval_seconds: rule.SomeSeconds = 2
    """Time between scans of the whole tree where they do not."""

    # --- When a recording has ended ---------------------------------------------------

    stream_timeout_seconds: rule.SomeSeconds = 30
    """Without a write for so long, and no process has it open for writing: it has ended."""

    close_settle_seconds: rule.Seconds = 1
    """A recording that its recorder has closed and that is a complete MP4 has ended; its object
    is made once it has been quiet for so long."""

    open_writer_timeout_seconds: rule.OpenWriterSeconds = 14_400
    """Without a write for so long although a process still has it open (a paused recorder): it
    has ended."""

    missing_grace_seconds: rule.Seconds = 10
    """How long a recording may be missing before its upload is aborted."""

    stalled_after_seconds: rule.SomeSeconds = 300
    """When something of a recording is due, and nothing comes of it for so long, it is called
    stalled: on the page, in the metrics and in an event. The daemon goes on trying."""

    reject_non_mp4: bool = False
    """Refuse files that are not MP4, instead of uploading them as they are."""

    # --- Uploading --------------------------------------------------------------------

    max_concurrent_streams: Annotated[int, Field(ge=1)] = 5
    """How many recordings are worked on at the same time."""

    max_parts_in_flight: Annotated[int, Field(ge=1, le=64)] = 8
    """How many parts are on their way at the same time, over all recordings. Fewer while the
    store asks to slow down."""

    upload_rate_limit_bytes_per_second: rule.RateLimit = "off"
    """How many bytes per second are sent at most, all recordings together: `off`, `2000000`, or
    with K, M, G (of 1024): `500K`, `2M`. Or a time table in local time, where each entry holds
    until the next one, also over midnight: `'08:00,2M 19:00,off'` or, with days,
    `'Mon-08:00,2M Fri-19:00,off'`. As in rclone, but a number without a letter is bytes (there
    KiB), and there are no up:down pairs. `cefmp4 limit 1M` changes it while the daemon runs."""

    chunk_size_bytes: Annotated[int, Field(ge=MIN_PART_BYTES, le=MAX_PART_BYTES)] = 10 * 1024**2
    """Size of the first parts of a recording. It doubles every 1,000 parts."""

    max_recording_bytes: Annotated[
        int, Field(ge=MIN_PART_BYTES, le=MAX_PARTS * MAX_PART_BYTES)
    ] = 1024**4
    """The largest recording to expect. Only matters where all parts must be equal: there the
    size of a part is raised until 10,000 of them hold it."""

    # --- The store --------------------------------------------------------------------

    s3_endpoint_url: rule.EndpointUrl | None = None
    """Where the store is. Unset: AWS."""

    s3_access_key_id: str | None = None
    """Access key. Unset: the SDK's own chain (environment, profile, container, instance)."""

    s3_secret_access_key: rule.SecretKey = None
    """Secret key."""

    s3_session_token: rule.SessionToken = None
    """Token of temporary credentials."""

    s3_bucket_name: rule.BucketName | None = None
    """Bucket for the recordings. Needed, except with `--embedded`."""

    s3_region_name: rule.Region | None = None
    """Region. Unset leaves it to the SDK; Cloudflare R2 wants `auto`."""

    s3_create_bucket: bool = True
    """Create the bucket when it is not there."""

    s3_key_template: rule.KeyTemplate = "streams/{stream_id}/{name}"
    """Object key. Fields: `{stream_id}` `{name}` `{relpath}` `{stem}` `{ext}` `{host}` and
    `{started:%Y/%m/%d}`; one of the first four is needed. Daemons that share a bucket need
    `{stream_id}` or `{host}` in it, or they would meet under one key. Keep `{stream_id}`: it is
    how unfinished uploads are known again after Redis has lost its data."""

    s3_uniform_parts: Auto = "auto"
    """Whether all parts are of equal size; `auto`: on Cloudflare R2 and Backblaze B2."""

    s3_storage_class: rule.Word | None = None
    """Storage class, as `STANDARD_IA`. Unset: the bucket's own."""

    s3_sse: Literal["AES256", "aws:kms"] | None = None
    """Encryption by the store. Unset: what the bucket has by default."""

    s3_sse_kms_key_id: rule.KmsKey = None
    """The key for `aws:kms`. Unset: the account's own."""

    s3_tags: rule.Tags = {}
    """Tags of every object."""

    s3_ca_bundle: rule.Certificates | None = None
    """File of certificates to trust for https, instead of the system's."""

    s3_addressing_style: Annotated[Literal["auto", "path", "virtual"], rule.Lower] = "auto"
    """Where the bucket's name goes: `path`, `virtual` (the host name), or `auto`."""

    # --- The state server -------------------------------------------------------------

    redis_url: rule.RedisUrl = SecretStr("redis://localhost:6379/0")
    """Redis or Valkey. May hold a password, percent-encoded:
    `redis://:pass%2Fword@host:6379/0`."""

    redis_ca_bundle: rule.Certificates | None = None
    """File of certificates to trust for `rediss://`, instead of the system's."""

    claim_lease_seconds: rule.LeaseSeconds = 30
    """When the claim of a process that fell silent lapses."""

    completed_retention_seconds: rule.Seconds = 604_800
    """How long finished streams are remembered, and those that failed or were aborted once
    their recording is gone."""

    # --- After the upload -------------------------------------------------------------

    write_metadata: bool = True
    """Put a JSON document beside each object: parts, duration, codecs."""

    poster: rule.Poster = False
    """Put a picture beside each object, too: `<key>.poster.jpg`, from a tenth into the
    recording, at most 640 pixels wide and high."""

    ffprobe_path: rule.ExecutableFile | None = None
    """The `ffprobe` that describes recordings. Unset: the one in `PATH`, else PyAV."""

    probe_timeout_seconds: rule.SomeSeconds = 30
    """How long a look into one recording may take; the picture may take as long again."""

    after_upload: Annotated[AfterUpload, rule.Lower] = AfterUpload.KEEP
    """What becomes of a recording once its stored object was verified: `keep`, `delete`, or
    `move` to ARCHIVE_DIR, under its relative path, never onto another file. Meanwhile it has a
    hidden name (`.cefmp4-…`); what a crash left so is carried on, or gets its name back."""

    archive_dir: rule.ArchiveDir = None
    """Where `AFTER_UPLOAD=move` puts recordings; never watched."""

    # --- Who is told ------------------------------------------------------------------

    webhook_url: WebhookUrl | None = None
    """Where every event (`stream.started`, `stream.stored`, `stream.failed`, `stream.stalled`)
    is POSTed to, until it is taken. May hold a token. See `docs/events.md`."""

    webhook_secret: WebhookSecret | None = None
    """What events are signed with (standardwebhooks.com)."""

    events_kept: Annotated[int, Field(ge=0)] = 10_000
    """How many events the Redis Stream `cefmp4:events` keeps. 0: none are written to it."""

    # --- Everything in one process (--embedded) ---------------------------------------

    embedded_data_dir: rule.EmbeddedDataDir = "./.cefmp4"
    """Where the embedded store and state server keep their data; never watched."""

    @property
    def instance(self) -> str:
        """INSTANCE_ID, or what stands for it."""
        return self.instance_id or rule.default_instance(self.watch_dir)

    @property
    def uniform_parts(self) -> bool:
        """S3_UNIFORM_PARTS, resolved."""
        if self.s3_uniform_parts == "auto":
            return rule.wants_uniform_parts(self.s3_endpoint_url)
        return self.s3_uniform_parts == "true"

    @property
    def upload_rate_limit(self) -> Timetable:
        """UPLOAD_RATE_LIMIT_BYTES_PER_SECOND, understood."""
        return Timetable.parse(self.upload_rate_limit_bytes_per_second)

    def policy(self) -> Policy:
        """What bears on decisions. One recording may use half of the parts in flight."""
        return Policy(
            part_bytes=self.chunk_size_bytes,
            uniform_parts=self.uniform_parts,
            max_recording_bytes=self.max_recording_bytes,
            stream_timeout_seconds=self.stream_timeout_seconds,
            close_settle_seconds=self.close_settle_seconds,
            open_writer_timeout_seconds=self.open_writer_timeout_seconds,
            missing_grace_seconds=self.missing_grace_seconds,
            window_parts=max(1, self.max_parts_in_flight // 2),
            write_metadata=self.write_metadata,
            reject_non_mp4=self.reject_non_mp4,
            after_upload=self.after_upload,
        )
