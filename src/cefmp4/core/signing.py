"""How an event is signed: as https://www.standardwebhooks.com has it. Pure."""

import base64
import hmac
from hashlib import sha256

SECRET_PREFIX = "whsec_"  # noqa: S105 - what a secret begins with


def key_of(secret: str) -> bytes:
    """What signs: the text itself, or after `whsec_` what its base64 stands for.

    Raises ValueError for what is no base64, and for nothing.
    """
    if not secret.startswith(SECRET_PREFIX):
        return secret.encode("utf-8", "surrogateescape")
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    if not key:
        raise ValueError("there is nothing after whsec_")
    return key


def signature(key: bytes, event_id: str, timestamp: int, body: bytes) -> str:
    """The `webhook-signature` of one event at one time."""
    signed = f"{event_id}.{timestamp}.".encode() + body
    return f"v1,{base64.b64encode(hmac.new(key, signed, sha256).digest()).decode()}"
