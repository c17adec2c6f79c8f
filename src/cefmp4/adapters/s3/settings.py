"""What the S3 adapter has to be told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """One bucket of one store, and how to reach it. Secrets never show in the repr."""

    bucket: str
    endpoint_url: str | None = None
    """None: AWS."""
    region: str | None = None
    access_key_id: str | None = None
    """None: the SDK's own chain (environment, profile, container, instance)."""
    secret_access_key: str | None = field(default=None, repr=False)
    session_token: str | None = field(default=None, repr=False)
    addressing_style: Literal["auto", "path", "virtual"] = "auto"
    """auto: path for a custom endpoint, the SDK's choice for AWS."""
    ca_bundle: str | None = None
    """A file of certificates to trust instead of the system's."""
    storage_class: str | None = None
    sse: Literal["AES256", "aws:kms"] | None = None
    sse_kms_key_id: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    max_connections: int = 16
    create_bucket: bool = False
    """Create the bucket at start when it is not there."""
    connect_seconds: float = 10.0
    stall_seconds: float = 60.0
    """The longest time without a byte, either way, before a request is given up."""
