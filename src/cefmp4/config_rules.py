"""What a single setting may be: each rule gives the value as it is used, or says why not.

The docstring of a rule says what it takes, to those who read `docs/reference/settings.md`; its
messages complete a line that begins with the name of the setting, so they read "must be ...".
Rules ask the disk only where a setting names a file or directory.
"""

import hashlib
import os
import re
import socket
import ssl
from importlib.util import find_spec
from typing import Annotated, Any, Final
from urllib.parse import SplitResult, quote, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode

from cefmp4 import config_pairs as paired
from cefmp4.config_directories import absolute, directory, watched
from cefmp4.core.keys import template_problem
from cefmp4.core.timetable import Timetable

LONGEST_SECONDS: Final = 10 * 365 * 86_400
"""Longer waits than ten years overflow timers."""
MAX_TAGS: Final = 10
LONGEST_INSTANCE_ID: Final = 200
UNIFORM_PARTS_HOSTS: Final = (".r2.cloudflarestorage.com", ".backblazeb2.com")

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_IPV4 = re.compile(r"\d+\.\d+\.\d+\.\d+")
_INSTANCE = re.compile(r"[A-Za-z0-9._:/@%+~-]{1,200}")
_WORD = re.compile(r"[A-Za-z0-9_-]+")
_REGION = re.compile(r"[A-Za-z0-9-]+")
_HOST = re.compile(r"[A-Za-z0-9.-]+|[0-9A-Fa-f:.]+")
_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")


def lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def upper(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


def readable_file(path: str) -> str:
    path = absolute(path)
    if not (os.path.isfile(path) and os.access(path, os.R_OK)):
        raise ValueError("must be a file that exists and can be read")
    return path


def certificates(path: str) -> str:
    """A file of certificates in PEM form."""
    path = readable_file(path)
    try:
        ssl.create_default_context(cafile=path)
    except (ssl.SSLError, OSError) as error:
        raise ValueError("must be a file of certificates in PEM form") from error
    return path


def executable_file(path: str) -> str:
    """An executable file."""
    path = absolute(path)
    if not (os.path.isfile(path) and os.access(path, os.X_OK)):
        raise ValueError("must be an executable file")
    return path


def patterns(value: Any) -> Any:
    """File name patterns without `/`, separated by commas."""
    if not isinstance(value, str):
        return value
    found = tuple(pattern.strip() for pattern in value.split(",") if pattern.strip())
    if not found or any("/" in pattern for pattern in found):
        raise ValueError("must be file name patterns without '/', separated by commas")
    return found


def host_names(value: Any) -> Any:
    """Names of hosts without a port, separated by commas: `cams.example.com,nvr-1`."""
    if not isinstance(value, str):
        return value
    names = tuple(name.strip().lower() for name in value.split(",") if name.strip())
    if not all(_NAME.fullmatch(name) for name in names):
        raise ValueError("must be names of hosts without scheme and port, separated by commas")
    return names


def endpoint(url: str) -> str:
    """`http://host[:port]` or `https://host[:port]`, and nothing else."""
    parts = _split(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be http://host[:port] or https://host[:port]")
    if not _HOST.fullmatch(parts.hostname):
        raise ValueError("must have a host of letters, digits, '-' and '.'")
    if "@" in parts.netloc:
        raise ValueError("must not hold credentials: use S3_ACCESS_KEY_ID")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError("must end after the host and port")
    return f"{parts.scheme}://{parts.netloc}"


def redis_url(secret: SecretStr) -> SecretStr:
    """`redis://host:port/0`, `rediss://…` (TLS) or `unix:///path/to/socket`."""
    url = secret.get_secret_value()
    if "@" in re.sub(r"//[^/?#]*", "", url, count=1):
        raise ValueError("must have the '/', '?' and '#' of its password percent-encoded")
    parts = _split(url)
    if parts.scheme not in ("redis", "rediss", "unix"):
        raise ValueError("must begin with redis://, rediss:// or unix://")
    if parts.scheme == "unix":
        if not parts.path.strip("/"):
            raise ValueError("must name a socket: unix:///path/to/socket")
    elif not parts.hostname:
        raise ValueError("must name a host")
    elif parts.path.strip("/") and not parts.path.strip("/").isdecimal():
        raise ValueError("must end in the number of a database, as /0")
    return secret


def bucket_name(name: str) -> str:
    """3 to 63 lower-case letters, digits, dots and hyphens, as Amazon S3 has them."""
    if not _BUCKET.fullmatch(name):
        raise ValueError(
            "must be 3 to 63 lower-case letters, digits, dots and hyphens,"
            " a letter or digit first and last"
        )
    if ".." in name or _IPV4.fullmatch(name):
        raise ValueError("must not hold two dots in a row or look like an IP address")
    if name.startswith(("xn--", "sthree-")) or name.endswith(("-s3alias", "--ol-s3")):
        raise ValueError("must not begin or end with what S3 keeps for itself")
    return name


def key_template(template: str) -> str:
    """Text with fields in braces."""
    if problem := template_problem(template):
        raise ValueError(problem)
    return template


def tags(value: Any) -> Any:
    """At most 10 different tags: `key=value,key2=value2`."""
    if not isinstance(value, str):
        return value
    found: dict[str, str] = {}
    for pair in filter(None, (pair.strip() for pair in value.split(","))):
        key, equals, text = (piece.strip() for piece in pair.partition("="))
        if not equals or not 1 <= len(key) <= 128 or len(text) > 256 or key in found:
            raise ValueError("must be different tags as key=value,key2=value2")
        found[key] = text
    if len(found) > MAX_TAGS:
        raise ValueError(f"must be at most {MAX_TAGS} tags")
    return found


def instance_id(name: str) -> str:
    """1 to 200 letters, digits and `. _ : / @ % + ~ -`."""
    if not _INSTANCE.fullmatch(name):
        raise ValueError("must be 1 to 200 letters, digits and . _ : / @ % + ~ -")
    return name


def default_instance(watch_dir: str) -> str:
    """Host name and watched directory, as an INSTANCE_ID."""
    place = quote(os.fsencode(f"{socket.gethostname()}:{watch_dir}"), safe="/:@+")
    if len(place) <= LONGEST_INSTANCE_ID:
        return place
    return f"{place[:180]}~{hashlib.sha256(place.encode()).hexdigest()[:16]}"


def wants_uniform_parts(endpoint_url: str | None) -> bool:
    """Whether this is a store that takes, or does best with, parts of equal size."""
    host = urlsplit(endpoint_url or "").hostname or ""
    return f".{host}".endswith(UNIFORM_PARTS_HOSTS)


def word(text: str) -> str:
    """Letters, digits, `-` and `_`."""
    if not _WORD.fullmatch(text):
        raise ValueError("must be letters, digits, '-' and '_'")
    return text


def region(text: str) -> str:
    """Letters, digits and `-`, as `eu-central-1`."""
    if not _REGION.fullmatch(text):
        raise ValueError("must be letters, digits and '-', as eu-central-1")
    return text


def rate_limit(text: str) -> str:
    """`off`, bytes per second (`2M`), or a time table of them."""
    return Timetable.parse(text).text


def with_extra(value: bool) -> bool:
    """`true` only where the extra `otel` is installed."""
    if value:
        try:
            there = find_spec("opentelemetry.sdk") and find_spec("opentelemetry.exporter.otlp")
        except ModuleNotFoundError:
            there = None
        if there is None:
            raise ValueError("needs the extra otel: pip install 'cefmp4[otel]'")
    return value


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise ValueError("must be a URL with a port from 0 to 65535") from error
    return parts


# --- the rules as types -------------------------------------------------------------

Seconds = Annotated[float, Field(ge=0, le=LONGEST_SECONDS, allow_inf_nan=False)]
SomeSeconds = Annotated[float, Field(ge=0.05, le=LONGEST_SECONDS, allow_inf_nan=False)]
Lower = BeforeValidator(lower)
Upper = BeforeValidator(upper)
Patterns = Annotated[tuple[str, ...], NoDecode, BeforeValidator(patterns)]
HostNames = Annotated[tuple[str, ...], NoDecode, BeforeValidator(host_names)]
Tags = Annotated[dict[str, str], NoDecode, BeforeValidator(tags)]
Path = Annotated[str, AfterValidator(absolute)]
Directory = Annotated[str, AfterValidator(directory)]
WatchDir = Annotated[str, AfterValidator(watched)]
Certificates = Annotated[str, AfterValidator(certificates)]
ExecutableFile = Annotated[str, AfterValidator(executable_file)]
EndpointUrl = Annotated[str, AfterValidator(endpoint)]
RedisUrl = Annotated[SecretStr, AfterValidator(redis_url)]
BucketName = Annotated[str, AfterValidator(bucket_name)]
KeyTemplate = Annotated[str, AfterValidator(key_template)]
InstanceId = Annotated[str, AfterValidator(instance_id)]
Word = Annotated[str, AfterValidator(word)]
RateLimit = Annotated[str, AfterValidator(rate_limit)]
Region = Annotated[str, AfterValidator(region)]
LeaseSeconds = Annotated[float, Field(ge=3, le=LONGEST_SECONDS, allow_inf_nan=False)]
OpenWriterSeconds = Annotated[SomeSeconds, AfterValidator(paired.not_shorter_than_idle)]
SecretKey = Annotated[SecretStr | None, AfterValidator(paired.with_access_key)]
SessionToken = Annotated[SecretStr | None, AfterValidator(paired.only_with_access_key)]
KmsKey = Annotated[str | None, AfterValidator(paired.only_with_kms)]
Poster = Annotated[bool, AfterValidator(paired.only_with_metadata)]
EmbeddedDataDir = Annotated[Path, AfterValidator(paired.apart_from_watch_dir)]
ArchiveDir = Annotated[Directory | None, AfterValidator(paired.where_to_move)]
OtelTraces = Annotated[bool, AfterValidator(with_extra)]
