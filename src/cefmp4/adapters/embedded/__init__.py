"""The embedded default: a real Valkey and a real SeaweedFS S3, run as our children.

For people who have neither a state server nor a store. What must stay true:

- Everything is kept under one data directory, and a restart finds it again.
- Nobody else gets in: Valkey listens on a unix socket only, SeaweedFS on loopback with
  random keys, kept in a 0600 file and never on a command line.
- No server outlives us, not even over `kill -9`.
- One run per data directory. Neither server guards its own, so we do, with a lock that
  the servers inherit: a successor waits until the last of them is gone.
- Ready means that a PutObject works now. Later calls can fail as with any store; whoever
  uses these servers retries as it would anywhere.
"""

import asyncio
import configparser
import fcntl
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import structlog

from cefmp4.adapters.embedded.child import Process, make_private
from cefmp4.adapters.embedded.seaweedfs_server import SeaweedFSServer, seaweedfs
from cefmp4.adapters.embedded.valkey_server import ValkeyServer, valkey
from cefmp4.errors import CefMP4Error

__all__ = [
    "EmbeddedServers",
    "SeaweedFSServer",
    "ValkeyServer",
    "embedded_servers",
    "running_redis_url",
    "running_servers",
    "seaweedfs",
    "tell_when_one_ends",
    "valkey",
]

log = structlog.get_logger(__name__)

_LOCK, _CREDENTIALS = "lock", "credentials"
_REDIS_URL, _S3_URL = "redis_url", "s3_endpoint_url"
_LOCK_SECONDS = 3.0
"""Longer than the servers of a killed predecessor need to vanish."""
_LOOK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class EmbeddedServers:
    """Both servers, running, and what is needed to use them."""

    redis_url: str
    s3_endpoint_url: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    bucket: str
    credentials_file: str
    """In the format of AWS shared credentials: `AWS_SHARED_CREDENTIALS_FILE` takes it."""
    data_dir: str
    processes: tuple[Process, ...]
    """Our children; none when another process runs them."""


@contextmanager
def embedded_servers(data_dir: str, bucket: str) -> Iterator[EmbeddedServers]:
    """Run both servers on `data_dir` until the block ends; from the main thread only.

    Raises CefMP4Error when they are not installed, when the directory is in use or cannot
    be used, or when one of them does not start.
    """
    data_dir = os.path.abspath(data_dir)
    with ExitStack() as running:
        try:
            servers = _start_both(data_dir, bucket, running)
        except OSError as error:
            raise CefMP4Error(
                f"cannot use the embedded data directory {data_dir}: {error}",
                hint="set EMBEDDED_DATA_DIR to a directory of your own",
                transient=False,
            ) from error
        with (
            _announced(data_dir, _REDIS_URL, servers.redis_url),
            _announced(data_dir, _S3_URL, servers.s3_endpoint_url),
        ):
            yield servers


async def tell_when_one_ends(servers: EmbeddedServers) -> None:
    """Nobody starts it again while we run: whatever needs it waits, and a person is told."""
    standing = dict(zip(("Valkey", "SeaweedFS"), servers.processes, strict=True))
    while standing:
        await asyncio.sleep(_LOOK_SECONDS)
        for name, process in list(standing.items()):
            if process.poll() is not None:
                del standing[name]
                log.critical(
                    "an embedded server has ended",
                    server=name,
                    code=process.returncode,
                    hint="stop cefmp4 and start it again: it carries on where it was",
                )


def running_redis_url(data_dir: str) -> str:
    """Where the state server of a running daemon on this data directory answers.

    Raises CefMP4Error when none is running there.
    """
    return _running(data_dir, _REDIS_URL)


def running_servers(data_dir: str, bucket: str) -> EmbeddedServers:
    """Both servers of a running daemon on this data directory, for another command.

    Raises CefMP4Error when none are running there.
    """
    credentials_file = os.path.join(os.path.abspath(data_dir), _CREDENTIALS)
    redis_url, s3_url = _running(data_dir, _REDIS_URL), _running(data_dir, _S3_URL)
    access_key, secret_key = _credentials(credentials_file)
    return EmbeddedServers(
        redis_url=redis_url,
        s3_endpoint_url=s3_url,
        access_key_id=access_key,
        secret_access_key=secret_key,
        bucket=bucket,
        credentials_file=credentials_file,
        data_dir=data_dir,
        processes=(),
    )


def _running(data_dir: str, what: str) -> str:
    try:
        with open(_announcement(data_dir, what), encoding="utf-8") as file:
            url = file.read().strip()
        lock = os.open(os.path.join(data_dir, _LOCK), os.O_RDWR)
    except OSError:
        url, held = "", False
    else:
        held = not _takes(lock)
        os.close(lock)
    if not held:  # after kill -9 only the announcement is left
        raise CefMP4Error(
            f"no embedded servers are running on {os.path.abspath(data_dir)}",
            hint="start them with: cefmp4 run --embedded",
            transient=False,
        )
    return url


@contextmanager
def _announced(data_dir: str, what: str, url: str) -> Iterator[None]:
    """Tell other commands where a server is, as long as it is there."""
    path = _announcement(data_dir, what)
    with open(path, "w", encoding="utf-8") as file:
        file.write(url + "\n")
    try:
        yield
    finally:
        os.unlink(path)


def _announcement(data_dir: str, what: str) -> str:
    return os.path.join(os.path.abspath(data_dir), what)


def _start_both(data_dir: str, bucket: str, running: ExitStack) -> EmbeddedServers:
    _take_for_ours(data_dir)
    lock = running.enter_context(_locked(data_dir))
    credentials_file = os.path.join(data_dir, _CREDENTIALS)
    access_key, secret_key = _credentials(credentials_file)
    state = running.enter_context(valkey(os.path.join(data_dir, "valkey"), inherit=[lock]))
    folder = os.path.join(data_dir, "seaweedfs")
    store = running.enter_context(
        seaweedfs(folder, bucket, access_key, secret_key, inherit=[lock])
    )
    return EmbeddedServers(
        redis_url=state.url,
        s3_endpoint_url=store.endpoint_url,
        access_key_id=access_key,
        secret_access_key=secret_key,
        bucket=bucket,
        credentials_file=credentials_file,
        data_dir=data_dir,
        processes=(state.process, store.process),
    )


def _take_for_ours(data_dir: str) -> None:
    """Make the directory, or find that it is ours: never change one of somebody else."""
    if os.path.isdir(data_dir) and os.listdir(data_dir):
        ours = {_LOCK, _CREDENTIALS} & set(os.listdir(data_dir))
        if not ours or os.stat(data_dir).st_uid != os.geteuid():
            raise CefMP4Error(
                f"{data_dir} is neither empty nor a data directory of ours",
                hint="set EMBEDDED_DATA_DIR to a directory of its own",
                transient=False,
            )
    make_private(data_dir)


@contextmanager
def _locked(data_dir: str) -> Iterator[int]:
    """Hold the data directory, as do all who inherit the yielded file descriptor."""
    lock = os.open(os.path.join(data_dir, _LOCK), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        deadline = time.monotonic() + _LOCK_SECONDS
        while not _takes(lock):
            if time.monotonic() > deadline:
                raise CefMP4Error(
                    f"another run uses the embedded data directory {data_dir}",
                    hint="stop it, or set EMBEDDED_DATA_DIR to another directory",
                    transient=False,
                )
            time.sleep(0.05)
        yield lock
    finally:
        os.close(lock)


def _takes(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _credentials(path: str) -> tuple[str, str]:
    """Access key and secret key, made on the first run."""
    if not os.path.exists(path):
        _write_new_credentials(path)
    profiles = configparser.ConfigParser(interpolation=None)
    try:
        profiles.read(path, encoding="ascii")
        profile = profiles["default"]
        return profile["aws_access_key_id"], profile["aws_secret_access_key"]
    except (configparser.Error, KeyError, UnicodeDecodeError) as error:
        raise CefMP4Error(
            f"{path} does not hold the keys of the embedded store",
            hint="delete it, and new ones are made",
            transient=False,
        ) from error


def _write_new_credentials(path: str) -> None:
    """All or nothing: a crash halfway must not leave a file without keys."""
    unfinished = f"{path}.new"
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    with open(os.open(unfinished, flags, 0o600), "w", encoding="ascii") as file:
        file.write("[default]\n")
        file.write(f"aws_access_key_id = {secrets.token_hex(10).upper()}\n")
        file.write(f"aws_secret_access_key = {secrets.token_urlsafe(30)}\n")
    os.replace(unfinished, path)
