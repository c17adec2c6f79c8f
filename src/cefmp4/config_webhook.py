"""What the settings of the webhook may be; as `config_rules.py`."""

import re
from ipaddress import ip_address
from typing import Annotated, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import AfterValidator, SecretStr

from cefmp4.core.signing import key_of

LIKELY_A_TOKEN: Final = 12
"""Letters of a piece of a path from which on it is never shown: it may be a token."""

_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")
_ODD = re.compile(r"[\s\x00-\x20\x7f-\x9f]")


def webhook_url(secret: SecretStr) -> SecretStr:
    """`http://host[:port]/path` or `https://host[:port]/path`."""
    url = secret.get_secret_value()
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise ValueError("must be a URL with a port from 0 to 65535") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be http://host[:port]/path or https://host[:port]/path")
    if not _HOST.fullmatch(parts.hostname) or _ODD.search(url):
        raise ValueError("must have a host of letters, digits, '-' and '.', and no spaces")
    if parts.fragment:
        raise ValueError("must not have a '#'")
    return secret


def webhook_secret(secret: SecretStr) -> SecretStr:
    """Base64 after `whsec_`, or any other text."""
    try:
        key_of(secret.get_secret_value())
    except ValueError:
        # `from None`: the error can hold a piece of the secret.
        raise ValueError("must be base64 after whsec_, or any other text") from None
    return secret


def is_loopback(url: str) -> bool:
    """Whether what is sent there stays on this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def secrets_in(url: str) -> list[str]:
    """What may be a secret in a URL: all of it, user, password, options, long names."""
    parts = urlsplit(url)
    found = [url, parts.username or "", parts.password or "", parts.query]
    found += [value for _, value in parse_qsl(parts.query)]
    found += [piece for piece in parts.path.split("/") if len(piece) >= LIKELY_A_TOKEN]
    return [text for piece in found if piece for text in {piece, unquote(piece)}]


WebhookUrl = Annotated[SecretStr, AfterValidator(webhook_url)]
WebhookSecret = Annotated[SecretStr, AfterValidator(webhook_secret)]
