"""What redis-py raises, said in our words with a hint, and without a secret in it.

Everything here is transient: a person mends it while the daemon waits.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from redis.exceptions import RedisClusterException, RedisError

from cefmp4.errors import RedisOperationError
from cefmp4.logging_config import redact

_ENDED = "the server ends connections: it is stopping, or has too many clients (maxclients)"

HINTS = (
    ("invalid username-password", "check the user and the password in REDIS_URL"),
    ("invalid password", "check the user and the password in REDIS_URL"),
    ("authentication required", "the server wants a password: put it into REDIS_URL"),
    ("without any password configured", "the server knows no password: take it from REDIS_URL"),
    ("no permissions", "the user in REDIS_URL may not run this command: widen its ACL"),
    ("read only replica", "REDIS_URL names a replica: point it at the primary"),
    ("maxmemory", "the server is full: raise its maxmemory, or free some of it"),
    ("misconf", "the server cannot save to its disk: see its log, free some space"),
    ("loading", "the server is reading its data back in and will answer soon"),
    ("clusterdown", "the cluster does not serve every slot: see CLUSTER INFO on its nodes"),
    ("cluster", "see CLUSTER INFO on the nodes of the cluster"),
    ("max number of clients", "the server has too many clients: raise its maxclients"),
    ("certificate", "the server's certificate is not trusted: name its CA file"),
    ("wrong version number", "the server speaks no TLS there: use redis://"),
    ("protocol error", "what answers at REDIS_URL is no Redis: check host and port"),
    ("db index", "the server has fewer databases: lower the number at the end of REDIS_URL"),
    ("too many open files", "raise the limit of open files (LimitNOFILE, ulimit -n)"),
    ("timeout", "the server is slow, stopped, or behind a network that drops packets"),
    ("connection lost", _ENDED),
    ("connection closed", _ENDED),
    ("connection reset", _ENDED),
    ("broken pipe", _ENDED),
    ("connect", "check that the server runs, and where REDIS_URL points"),
)
"""A piece of the message, in small letters, and what a person can do about it."""


def redacted(url: str) -> str:
    """The URL without user, password and options, fit for a log."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


@contextmanager
def translated(operation: str, server: str) -> Iterator[None]:
    """Turn whatever the client library raises into a RedisOperationError."""
    try:
        yield
    except (RedisError, RedisClusterException, OSError, TimeoutError) as error:
        told = f"{type(error).__name__}: {redact(str(error))}"
        hints = (hint for piece, hint in HINTS if piece in told.lower())
        failed = RedisOperationError(f"{operation}: {server}: {told}", hint=next(hints, ""))
        failed.code = type(error).__name__
        raise failed from error
