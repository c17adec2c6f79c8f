"""Every setting: its name, default, meaning and what it may be.

`example.env` lists the same settings; a test holds the two together. How they are read:
`config.py`.
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

    # Process
    app_env: Annotated[Literal["development", "production"], rule.Lower] = Field(
        "development", description="How logs look: coloured lines, or JSON for production."
    )
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], rule.Upper
    ] = Field("INFO", description="The least level that is logged.")
    prom_host: str = Field(
        "127.0.0.1",
        description="Address of the metrics. 0.0.0.0 opens them to the network.",
    )
    prom_port: int = Field(
        8000,
        ge=0,
        le=65_535,
        description="Port of the metrics; 0 is any free one.",
    )
    web_token: SecretStr | None = Field(
        None,
        description="Token that calls which change something must bring; unset forbids them.",
    )
    otel_traces: rule.OtelTraces = Field(
        False,
        description="Send a trace of every stream by OTLP, to where OTEL_EXPORTER_OTLP_* say.",
    )
    shutdown_grace_seconds: rule.Seconds = Field(
        20, description="Seconds that parts in flight get to land when told to stop."
    )
    instance_id: rule.InstanceId | None = Field(
        None,
        description="Name under which progress is kept, one process at a time. Unset: host name"
        " and watched directory. Set it where the host name changes, as in containers.",
    )

    # What is watched
    watch_dir: rule.Directory = Field(
        "./local_watch_dir", description="Directory tree in which recordings appear."
    )
    watch_patterns: rule.Patterns = Field(
        ("*.mp4",), description="File names that are recordings, comma separated, any case."
    )
    follow_symlinks: bool = Field(
        False,
        description="Take links to files inside WATCH_DIR for recordings. Never out of it.",
    )
    watch_mode: Annotated[Literal["auto", "poll"], rule.Lower] = Field(
        "auto", description="poll: never rely on notifications. auto: not on network mounts."
    )
    scan_interval_seconds: rule.SomeSeconds = Field(
        30, description="Seconds between whole scans where notifications work."
    )
    poll_interval_seconds: rule.SomeSeconds = Field(
        2, description="Seconds between whole scans where they do not."
    )

    # When a recording has ended
    stream_timeout_seconds: rule.SomeSeconds = Field(
        30, description="Seconds without a write after which a recording has ended."
    )
    close_settle_seconds: rule.Seconds = Field(
        1, description="Seconds of quiet after a complete MP4 was closed."
    )
    open_writer_timeout_seconds: rule.OpenWriterSeconds = Field(
        14_400, description="Seconds without a write while a recorder still has it open."
    )
    missing_grace_seconds: rule.Seconds = Field(
        10, description="Seconds a recording may be missing before its upload is aborted."
    )
    stalled_after_seconds: rule.SomeSeconds = Field(
        300, description="Seconds without progress after which a recording is called stalled."
    )
    reject_non_mp4: bool = Field(
        False,
        description="Refuse files that are not MP4 instead of uploading them as they are.",
    )

    # Uploading
    max_concurrent_streams: int = Field(
        5, ge=1, description="Recordings that are worked on at the same time."
    )
    max_parts_in_flight: int = Field(
        8, ge=1, le=64, description="Parts on their way at the same time, over all recordings."
    )
    upload_rate_limit_bytes_per_second: rule.RateLimit = Field(
        "off", description="Bytes per second that are sent, as 2M, or a time table of them."
    )
    chunk_size_bytes: int = Field(
        10 * 1024**2,
        ge=MIN_PART_BYTES,
        le=MAX_PART_BYTES,
        description="Bytes of the first parts; they grow with the recording.",
    )
    max_recording_bytes: int = Field(
        1024**4,
        ge=MIN_PART_BYTES,
        le=MAX_PARTS * MAX_PART_BYTES,
        description="Bytes of the largest recording, where all parts must be equal.",
    )

    # The store
    s3_endpoint_url: rule.EndpointUrl | None = Field(
        None, description="The store; unset is AWS."
    )
    s3_access_key_id: str | None = Field(
        None, description="Access key; unset uses the SDK's own chain."
    )
    s3_secret_access_key: rule.SecretKey = Field(
        None, description="Secret key; goes with S3_ACCESS_KEY_ID."
    )
    s3_session_token: rule.SessionToken = Field(
        None, description="Token of temporary credentials; goes with S3_ACCESS_KEY_ID."
    )
    s3_bucket_name: rule.BucketName | None = Field(
        None, description="Bucket for recordings; needed unless --embedded."
    )
    s3_region_name: rule.Region | None = Field(
        None, description="Region; unset leaves it to the SDK."
    )
    s3_create_bucket: bool = Field(True, description="Create the bucket when it is not there.")
    s3_key_template: rule.KeyTemplate = Field(
        "streams/{stream_id}/{name}",
        description="Object key, of stream_id name relpath stem ext host started:%Y/%m/%d.",
    )
    s3_uniform_parts: Annotated[Literal["auto", "true", "false"], rule.Lower] = Field(
        "auto", description="All parts of equal size. auto: for Cloudflare R2 and Backblaze B2."
    )
    s3_storage_class: rule.Word | None = Field(
        None, description="Storage class of the objects."
    )
    s3_sse: Literal["AES256", "aws:kms"] | None = Field(
        None, description="Encryption by the store."
    )
    s3_sse_kms_key_id: rule.KmsKey = Field(
        None, description="KMS key; only with S3_SSE=aws:kms."
    )
    s3_tags: rule.Tags = Field({}, description="Tags of the objects: key=value,key2=value2.")
    s3_ca_bundle: rule.Certificates | None = Field(
        None, description="File of certificates to trust for the store."
    )
    s3_addressing_style: Annotated[Literal["auto", "path", "virtual"], rule.Lower] = Field(
        "auto", description="Bucket in the path or in the host name."
    )

    # The state server
    redis_url: rule.RedisUrl = Field(
        SecretStr("redis://localhost:6379/0"),
        description="Redis or Valkey: redis://, rediss:// or unix://. May hold a password.",
    )
    redis_ca_bundle: rule.Certificates | None = Field(
        None, description="File of certificates to trust for the state server."
    )
    claim_lease_seconds: float = Field(
        30,
        ge=3,
        le=rule.LONGEST_SECONDS,
        allow_inf_nan=False,
        description="Seconds until the claim of a silent process lapses.",
    )
    completed_retention_seconds: rule.Seconds = Field(
        604_800, description="Seconds that finished streams are remembered."
    )

    # After the upload
    write_metadata: bool = Field(True, description="Put a metadata JSON beside each object.")
    poster: rule.Poster = Field(
        False, description="Put a picture of the recording beside each object."
    )
    ffprobe_path: rule.ExecutableFile | None = Field(
        None, description="ffprobe; unset looks in PATH, then uses PyAV."
    )
    probe_timeout_seconds: rule.SomeSeconds = Field(
        30, description="Seconds a probe of a recording may take."
    )
    after_upload: Annotated[AfterUpload, rule.Lower] = Field(
        AfterUpload.KEEP, description="What becomes of a recording whose object was verified."
    )
    archive_dir: rule.ArchiveDir = Field(
        None, description="Where AFTER_UPLOAD=move puts recordings; never watched."
    )

    # Who is told
    webhook_url: WebhookUrl | None = Field(
        None, description="Where events are POSTed. May hold a token."
    )
    webhook_secret: WebhookSecret | None = Field(
        None, description="What signs them: text, or whsec_ and base64."
    )
    events_kept: int = Field(
        10_000, ge=0, description="Entries of the stream cefmp4:events; 0: it is not written."
    )

    # Everything in one process (--embedded)
    embedded_data_dir: rule.EmbeddedDataDir = Field(
        "./.cefmp4", description="Data of the embedded store and state server; never watched."
    )

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
