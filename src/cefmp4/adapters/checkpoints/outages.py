"""What redis-py raises, said in our words with a hint, and without a secret in it.

Everything here is transient: a person mends it while the daemon waits.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from redis.exceptions import RedisClusterException, RedisError

from cefmp4.adapters.unreached import why_unreached
from cefmp4.errors import RedisOperationError
from cefmp4.logging_config import redact

_CLOSED = "the connection was closed"
_LOGIN = "check the user and the password in REDIS_URL"
_PRIMARY = "REDIS_URL names a replica: point it at the primary"
_CLUSTER = "see CLUSTER INFO on the nodes of the cluster"
_SLOTS = "the cluster does not serve every slot"
_ENDS = "the server ends connections: it is stopping, or has too many clients (maxclients)"
_ALERT = r"\x15"
"""With this byte, which the client quotes, TLS says that it was not spoken to in TLS."""
_SLOW = "the server is slow, stopped, or behind a network that drops packets"

ANSWERS = (
    ("invalid username-password", "the user or the password is wrong", _LOGIN),
    ("invalid password", "the password is wrong", _LOGIN),
    (
        "authentication required",
        "it wants a password",
        "the server wants a password: put it into REDIS_URL",
    ),
    (
        "without any password configured",
        "it knows no password",
        "the server knows no password: take it from REDIS_URL",
    ),
    ("no permissions", "", "the user in REDIS_URL may not run this command: widen its ACL"),
    ("read only replica", "it is a replica and takes no writes", _PRIMARY),
    ("replica-serve-stale-data", "it is a replica that has lost its primary", _PRIMARY),
    (
        "maxmemory",
        "it is full and takes no writes",
        "the server is full: raise its maxmemory, or free some of it",
    ),
    (
        "misconf",
        "it cannot save to its disk and takes no writes",
        "the server cannot save to its disk: see its log, free some space",
    ),
    (
        "loading the dataset",
        "it is reading its data back in",
        "the server is reading its data back in and will answer soon",
    ),
    ("clusterdown", _SLOTS, f"{_SLOTS}: {_CLUSTER}"),
    ("slots are not covered", _SLOTS, f"{_SLOTS}: {_CLUSTER}"),
    (
        "max number of clients",
        "it has too many clients",
        "the server has too many clients: raise its maxclients",
    ),
    (
        "protocol error",
        "what answers there is no Redis",
        "what answers at REDIS_URL is no Redis: check host and port",
    ),
    (
        "db index",
        "it has fewer databases",
        "the server has fewer databases: lower the number at the end of REDIS_URL",
    ),
    ("no connection available", "no connection to it came free in time", _SLOW),
    ("connection closed", _CLOSED, _ENDS),
    ("connection lost", _CLOSED, _ENDS),
)
"""A piece of the client's message, in small letters; why, or nothing where the message says
it best; and what a person can do about it."""

REASONS = (
    ("certificate", "the server's certificate is not trusted: name its CA in REDIS_CA_BUNDLE"),
    ("wrong version number", "the server speaks no TLS there: use redis://"),
    ("no TLS", "check whether the server speaks TLS there: redis:// or rediss://?"),
    ("too many open files", "raise the limit of open files (LimitNOFILE, ulimit -n)"),
    ("no answer in time", _SLOW),
    (_CLOSED, _ENDS),
    ("connection reset", _ENDS),
    ("broken pipe", _ENDS),
)
"""The same for what lies below, by a piece of why it could not be reached."""


def redacted(url: str) -> str:
    """The URL without user, password and options, fit for a log."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


@contextmanager
def translated(server: str, *, is_new: bool = False) -> Iterator[None]:
    """Turn whatever the client library raises into a RedisOperationError.

    `is_new`: it has never answered yet, so what REDIS_URL says may be wrong.
    """
    try:
        yield
    except (RedisError, RedisClusterException, OSError, TimeoutError) as error:
        raw = str(error)
        why, hint = _understood(error, raw)
        if is_new:
            hint += _perhaps_tls(server, raw, hint)
        where = f"cannot connect to {server}" if "connecting to" in raw else server
        failed = RedisOperationError(f"{where}: {why}", hint=hint)
        failed.code = type(error).__name__
        raise failed from error


def _understood(error: BaseException, raw: str) -> tuple[str, str]:
    """Why, and what a person can do about it."""
    for piece, why, hint in ANSWERS:
        if piece in raw.lower():
            return why or redact(raw), hint
    why = _below(error)
    hints = (hint for piece, hint in REASONS if piece in why)
    otherwise = _CLUSTER if isinstance(error, RedisClusterException) else ""
    if why:
        otherwise = otherwise or "check that the server runs, and where REDIS_URL points"
    return why or redact(raw) or type(error).__name__, next(hints, otherwise)


def _below(error: BaseException | None) -> str:
    """What the system said, which the client wraps, sometimes twice."""
    while error is not None:
        if why := why_unreached(error):
            return why
        error = error.__cause__ or error.__context__
    return ""


def _perhaps_tls(server: str, raw: str, hint: str) -> str:
    """One side speaks TLS and the other does not: nobody says so, it looks like silence."""
    if server.startswith("rediss:") and hint is _SLOW and "connecting to" in raw:
        return "; or it speaks no TLS there: redis:// instead of rediss://?"
    if server.startswith("redis:") and (hint is _ENDS or _ALERT in raw):
        return "; or it wants TLS: rediss:// instead of redis://?"
    return ""
