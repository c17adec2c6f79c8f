"""`make demo`: three recorders, one daemon, and a byte-for-byte check at the end.

Everything is real and everything is temporary: an embedded store and state server, the
daemon as a process of its own, and recorders that write an ordinary, a fragmented and a
faststart MP4 in real time into the directory it watches.
"""

import argparse
import asyncio
import contextlib
import hashlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.live import Live
from rich.table import Table

from cefmp4.adapters.checkpoints import RedisCheckpoints, open_checkpoints
from cefmp4.adapters.embedded import EmbeddedServers, embedded_servers
from cefmp4.adapters.s3 import StoreSettings
from cefmp4.adapters.s3.client import open_client
from cefmp4.core.model import LIVE, STORED, Checkpoint
from cefmp4.demo.recorder import Kind, recorder_command
from cefmp4.errors import CefMP4Error

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client

BUCKET, INSTANCE = "demo", "demo"
PART_BYTES = 5 * 1024**2
PATIENCE_SECONDS = 60.0
"""How long after the last recorder has closed its file all must stand in the store."""


@dataclass
class Recording:
    """One recorder, what its file has been seen to be, and what became of it."""

    path: str
    recorder: subprocess.Popen[bytes]
    grown: list[tuple[float, int]] = field(default_factory=list)
    """When the file was first seen to have which size."""
    closed_at: float | None = None
    stored_at: float | None = None
    checkpoint: Checkpoint | None = None

    @property
    def name(self) -> str:
        return os.path.basename(self.path)

    @property
    def size_bytes(self) -> int:
        return self.grown[-1][1] if self.grown else 0

    @property
    def sent_bytes(self) -> int:
        return self.checkpoint.bytes_sent if self.checkpoint else 0

    def look(self, checkpoints: dict[str, Checkpoint]) -> None:
        """Take in what is true now."""
        now = time.monotonic()
        if self.recorder.poll() is not None and self.closed_at is None:
            self.closed_at = now
        if os.path.exists(self.path):
            size = os.stat(self.path).st_size
            if size != self.size_bytes:
                self.grown.append((now, size))
        self.checkpoint = checkpoints.get(self.path)
        if self.checkpoint and self.checkpoint.status not in LIVE and self.stored_at is None:
            self.stored_at = now

    def seconds_at_risk(self) -> float:
        """Age of the oldest byte that exists on this machine only."""
        if self.checkpoint and self.checkpoint.status in STORED:
            return 0.0
        unsent = next((at for at, size in self.grown if size > self.sent_bytes), None)
        return time.monotonic() - unsent if unsent else 0.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m cefmp4.demo", description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--bits-per-second", type=int, default=10_000_000)
    asked = parser.parse_args()
    console = Console()
    with tempfile.TemporaryDirectory(prefix="cefmp4-demo-") as folder:
        watched = os.path.join(folder, "recordings")
        os.mkdir(watched)
        console.print("Starting a state server, an S3 store and the daemon …")
        with (
            embedded_servers(os.path.join(folder, "servers"), BUCKET) as servers,
            _daemon(servers, watched, os.path.join(folder, "daemon.log")),
            _recorders(watched, asked.seconds, asked.bits_per_second) as recordings,
        ):
            asyncio.run(_watch(servers, recordings, console))
            return asyncio.run(verify(servers, recordings, console))


@contextlib.contextmanager
def _daemon(servers: EmbeddedServers, watched: str, log_path: str) -> Iterator[None]:
    settings = {
        "WATCH_DIR": watched,
        "CHUNK_SIZE_BYTES": str(PART_BYTES),
        "S3_ENDPOINT_URL": servers.s3_endpoint_url,
        "S3_ACCESS_KEY_ID": servers.access_key_id,
        "S3_SECRET_ACCESS_KEY": servers.secret_access_key,
        "S3_BUCKET_NAME": servers.bucket,
        "REDIS_URL": servers.redis_url,
        "INSTANCE_ID": INSTANCE,
        "PROM_PORT": "0",
    }
    with open(log_path, "wb") as log:
        command = [sys.executable, "-m", "cefmp4", "run"]
        daemon = subprocess.Popen(
            command, env={**os.environ, **settings}, stdout=log, stderr=log
        )
        try:
            yield
        finally:
            daemon.terminate()
            daemon.wait()


@contextlib.contextmanager
def _recorders(watched: str, seconds: float, bits_per_second: int) -> Iterator[list[Recording]]:
    recordings = []
    for kind in Kind:
        path = os.path.join(watched, f"{kind}.mp4")
        command = recorder_command(path, kind, seconds=seconds, bits_per_second=bits_per_second)
        recordings.append(Recording(path, subprocess.Popen(command)))
    try:
        yield recordings
    finally:
        for recording in recordings:
            recording.recorder.kill()
            recording.recorder.wait()


async def _watch(
    servers: EmbeddedServers, recordings: list[Recording], console: Console
) -> None:
    """Show progress until every recording has reached its end, or patience has."""
    async with open_checkpoints(servers.redis_url, INSTANCE) as checkpoints:
        with Live(_table(recordings), console=console, refresh_per_second=4) as live:
            while not all(recording.stored_at for recording in recordings):
                known = await _known(checkpoints)
                for recording in recordings:
                    recording.look(known)
                live.update(_table(recordings))
                closed = [recording.closed_at for recording in recordings]
                last = max((at for at in closed if at), default=None)
                if all(closed) and last and time.monotonic() - last > PATIENCE_SECONDS:
                    return
                await asyncio.sleep(0.1)
            live.update(_table(recordings))
    console.print()


async def _known(checkpoints: RedisCheckpoints) -> dict[str, Checkpoint]:
    return {checkpoint.path: checkpoint for checkpoint in await checkpoints.all_streams()}


def _table(recordings: list[Recording]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column("recording", no_wrap=True)
    for heading in (
        "MiB\non disk",
        "MiB\nsent",
        "parts\nsent",
        "sent\nagain",
        "seconds\nunsent",
    ):
        table.add_column(heading, justify="right")
    table.add_column("status", no_wrap=True)
    for recording in recordings:
        checkpoint = recording.checkpoint
        table.add_row(
            recording.name,
            f"{recording.size_bytes / 1024**2:.1f}",
            f"{recording.sent_bytes / 1024**2:.1f}",
            str(len(checkpoint.parts)) if checkpoint else "0",
            str(checkpoint.parts_resent) if checkpoint else "0",
            f"{recording.seconds_at_risk():.1f}",
            checkpoint.status.value if checkpoint else "not seen yet",
        )
    return table


async def verify(
    servers: EmbeddedServers, recordings: list[Recording], console: Console
) -> int:
    """Download every object and hold it against its file, byte for byte."""
    settings = StoreSettings(
        bucket=servers.bucket,
        endpoint_url=servers.s3_endpoint_url,
        region="us-east-1",
        access_key_id=servers.access_key_id,
        secret_access_key=servers.secret_access_key,
    )
    wrong = 0
    async with open_client(settings) as client:
        for recording in recordings:
            stored = await _sha256_of_object(client, recording.checkpoint)
            local = await asyncio.to_thread(_sha256_of_file, recording.path)
            same = stored == local
            wrong += not same
            took = (recording.stored_at or 0.0) - (recording.closed_at or 0.0)
            verdict = "identical" if same else "DIFFERENT"
            console.print(
                f"{recording.name:>16}: {recording.size_bytes:,} bytes, {verdict}, "
                f"stored {took:.1f} s after the close",
                soft_wrap=True,
            )
    console.print("Every byte is in the store." if not wrong else "Something is wrong.")
    return 1 if wrong else 0


async def _sha256_of_object(client: "S3Client", checkpoint: Checkpoint | None) -> str | None:
    if checkpoint is None or checkpoint.status not in STORED:
        return None
    digest = hashlib.sha256()
    answer = await client.get_object(Bucket=checkpoint.bucket, Key=checkpoint.key)
    async for block in answer["Body"].iter_chunks(1024**2):
        digest.update(block)
    return digest.hexdigest()


def _sha256_of_file(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except CefMP4Error as error:
        sys.exit(f"demo: {error} ({error.hint})")
