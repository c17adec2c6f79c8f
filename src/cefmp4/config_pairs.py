"""What a setting may be that depends on one declared before it; as `config_rules.py`."""

import os

from pydantic import SecretStr, ValidationInfo

from cefmp4.core.model import AfterUpload


def not_shorter_than_idle(value: float, info: ValidationInfo) -> float:
    """At least STREAM_TIMEOUT_SECONDS."""
    idle = info.data.get("stream_timeout_seconds")
    if idle is not None and value < idle:
        raise ValueError(f"must be at least STREAM_TIMEOUT_SECONDS ({idle:g})")
    return value


def with_access_key(value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
    """Together with S3_ACCESS_KEY_ID."""
    if (value is None) != (info.data.get("s3_access_key_id") is None):
        raise ValueError("must be set together with S3_ACCESS_KEY_ID")
    return value


def only_with_access_key(value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
    """Only with S3_ACCESS_KEY_ID."""
    if value is not None and info.data.get("s3_access_key_id") is None:
        raise ValueError("must be set only with S3_ACCESS_KEY_ID")
    return value


def only_with_kms(value: str | None, info: ValidationInfo) -> str | None:
    """Only with `S3_SSE=aws:kms`."""
    if value is not None and info.data.get("s3_sse", "aws:kms") != "aws:kms":
        raise ValueError("must be set only with S3_SSE=aws:kms")
    return value


def only_with_metadata(value: bool, info: ValidationInfo) -> bool:
    """`true` only with `WRITE_METADATA=true`, which names the picture."""
    if value and info.data.get("write_metadata") is False:
        raise ValueError("must be set only with WRITE_METADATA=true, which names the picture")
    return value


def where_to_move(value: str | None, info: ValidationInfo) -> str | None:
    """Needed with `AFTER_UPLOAD=move`; another directory than WATCH_DIR."""
    if value is None and info.data.get("after_upload") is AfterUpload.MOVE:
        raise ValueError("must be set with AFTER_UPLOAD=move")
    watched = info.data.get("watch_dir")
    if value is None or watched is None:
        return value
    inside = os.path.relpath(os.path.realpath(value), os.path.realpath(watched))
    if inside == os.curdir:
        raise ValueError("must be another directory than WATCH_DIR")
    if inside.split("/")[0] == os.pardir:
        return value
    return os.path.join(watched, inside)  # however it was named: it is not to be watched


def apart_from_watch_dir(value: str, info: ValidationInfo) -> str:
    """Neither WATCH_DIR nor a directory above it."""
    watched = info.data.get("watch_dir")
    if watched is not None and f"{watched}/".startswith(f"{value.rstrip('/')}/"):
        raise ValueError("must not be WATCH_DIR or a directory above it")
    return value
