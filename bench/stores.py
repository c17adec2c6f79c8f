"""The stores that are uploaded to: the sink, the sink behind TLS, and a real SeaweedFS."""

import http.client
import json
import os
import secrets
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from botocore.config import Config
from botocore.session import get_session

from bench.measure import BenchFailed, NotHere, Numbers, started
from cefmp4.adapters.embedded import seaweedfs

BUCKET = "bench"
_READY_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Store:
    """Where a store answers, and with which keys."""

    endpoint_url: str
    direct_url: str
    """Where it is asked by the harness: never through a slow link."""
    access_key_id: str = "bench"
    secret_access_key: str = field(default="bench-secret", repr=False)
    region: str = "us-east-1"
    ca_bundle: str | None = None

    def behind(self, endpoint_url: str) -> "Store":
        """The same store, for clients that reach it elsewhere."""
        return replace(self, endpoint_url=endpoint_url)

    def looker(self) -> "Looker":
        return Looker(self)


class Looker:
    """Asks a store, on one connection, whether an object can be read."""

    def __init__(self, store: Store) -> None:
        self._client: Any = get_session().create_client(
            "s3",
            endpoint_url=store.direct_url,
            region_name=store.region,
            aws_access_key_id=store.access_key_id,
            aws_secret_access_key=store.secret_access_key,
            config=Config(s3={"addressing_style": "path"}, signature_version="s3v4"),
        )
        url = urlsplit(store.direct_url)
        if url.scheme == "https":
            context = ssl.create_default_context(cafile=store.ca_bundle)
            self._connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                url.netloc, timeout=10, context=context
            )
        else:
            self._connection = http.client.HTTPConnection(url.netloc, timeout=10)

    def is_there(self, key: str) -> bool:
        """Whether HEAD answers 200."""
        return self.status("HEAD", self._signed("head_object", key)) == 200

    def delete(self, key: str) -> None:
        self.status("DELETE", self._signed("delete_object", key))

    def status(self, method: str, target: str) -> int:
        self._connection.request(method, target)
        answer = self._connection.getresponse()
        answer.read()
        return answer.status

    def _signed(self, operation: str, key: str) -> str:
        named = {"Bucket": BUCKET, "Key": key}
        method = operation.partition("_")[0].upper()
        url = self._client.generate_presigned_url(operation, named, 3600, method)
        told = urlsplit(url)
        return f"{told.path}?{told.query}"


@dataclass(frozen=True, slots=True)
class SinkControl:
    """The sink's own questions."""

    store: Store

    def stats(self, arrivals_from: int = 0) -> Numbers:
        told: Numbers = json.loads(self._ask("GET", f"stats?from={arrivals_from}"))
        return told

    def clear(self) -> None:
        self._ask("POST", "clear")

    def plant(self, uploads: Sequence[Numbers]) -> None:
        """Uploads the sink is to know from an earlier life."""
        self._ask("POST", "uploads", json.dumps(uploads).encode())

    def _ask(self, method: str, what: str, body: bytes | None = None) -> bytes:
        connection = http.client.HTTPConnection(urlsplit(self.store.direct_url).netloc)
        try:
            connection.request(method, f"/__sink__/{what}", body)
            return connection.getresponse().read()
        finally:
            connection.close()


@contextmanager
def sink(certificates: "Certificates | None" = None) -> Iterator[Store]:
    """A sink in a process of its own."""
    command = [sys.executable, "-m", "bench.sink"]
    if certificates is not None:
        command += ["--certificate", certificates.certificate]
        command += ["--private-key", certificates.private_key]
    with serving(command) as port:
        scheme = "https" if certificates else "http"
        url = f"{scheme}://localhost:{port}" if certificates else f"{scheme}://127.0.0.1:{port}"
        bundle = certificates.certificate if certificates else None
        yield Store(url, url, ca_bundle=bundle)


@contextmanager
def slow_link(store: Store, bits_per_second: float) -> Iterator[Store]:
    """The same store, at the far end of a slow link."""
    target = urlsplit(store.direct_url).netloc
    command = [sys.executable, "-m", "bench.link", "--to", target]
    with serving([*command, "--bits-per-second", str(bits_per_second)]) as port:
        yield store.behind(f"http://127.0.0.1:{port}")


@contextmanager
def real_store(folder: str) -> Iterator[Store]:
    """A SeaweedFS with nothing in it yet."""
    access_key, secret_key = secrets.token_hex(10), secrets.token_hex(20)
    with seaweedfs(folder, BUCKET, access_key, secret_key) as server:
        yield Store(server.endpoint_url, server.endpoint_url, access_key, secret_key)


@contextmanager
def serving(command: Sequence[str]) -> Iterator[int]:
    """A process that prints its port and then answers there."""
    with started(command, None, subprocess.PIPE) as process:
        line = process.stdout.readline() if process.stdout else b""
        if not line.strip().isdigit():
            raise BenchFailed(f"{' '.join(command[1:3])} did not start: {line!r}")
        port = int(line)
        socket.create_connection(("127.0.0.1", port), _READY_SECONDS).close()
        yield port


@dataclass(frozen=True, slots=True)
class Certificates:
    """A key, and a certificate for localhost that it signed itself."""

    certificate: str
    private_key: str


def make_certificates(folder: str) -> Certificates:
    """Raises NotHere where there is no openssl."""
    made = Certificates(os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem"))
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=localhost", "-keyout", made.private_key, "-out", made.certificate]
    command += ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=60)
    except (OSError, subprocess.SubprocessError) as error:
        raise NotHere("openssl could not make a certificate") from error
    return made
