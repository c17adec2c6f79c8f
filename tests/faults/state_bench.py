"""A real daemon between a state server that can be broken and a store that is counted."""

import json
import os
import signal
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from redis import Redis

from cefmp4.adapters.embedded import valkey
from cefmp4.adapters.embedded.valkey_server import ValkeyServer
from faults.relay import Relay
from story.bucket import Bucket
from story.daemon import PART_BYTES, Daemon, whole_lines
from waiting import wait_until

LEASE_SECONDS = 3
PATIENCE_SECONDS = 60.0


class StateServer:
    """A Valkey on one directory and one socket, taken away and brought back at will."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._running = ExitStack()
        self._server: ValkeyServer

    def start(self, *, append_only: bool = True) -> None:
        opening = valkey(self._directory, append_only=append_only)
        self._server = self._running.enter_context(opening)
        self.redis = Redis.from_url(self._server.url)

    @property
    def url(self) -> str:
        return self._server.url

    def stop(self) -> None:
        self.redis.close()
        self._running.close()

    def signal(self, number: signal.Signals) -> None:
        os.kill(self._server.pid, number)

    def kill(self) -> None:
        """Nothing is synced or tidied up."""
        self.signal(signal.SIGKILL)
        self.stop()

    def parts(self) -> int:
        """How many parts are recorded, over all streams."""
        return sum(self.redis.hlen(key) for key in self.redis.keys("*:parts"))


@dataclass
class Growing:
    """A fragmented MP4, written by the test; its bytes stay as they were written."""

    path: str
    _file: BinaryIO = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._file = open(self.path, "wb", buffering=0)  # noqa: SIM115 - it stays open
        self._file.write(_box(b"ftyp", b"iso6" + bytes(12)) + _box(b"moov", bytes(64)))

    def grow(self, parts: float = 1.0) -> None:
        content = os.urandom(int(parts * PART_BYTES))
        self._file.write(_box(b"moof", bytes(16)) + _box(b"mdat", content))

    def close(self) -> None:
        self._file.close()

    def reopen(self) -> None:
        """Go on at its end."""
        self._file.close()
        self._file = open(self.path, "ab", buffering=0)  # noqa: SIM115 - it stays open

    @property
    def content(self) -> bytes:
        return Path(self.path).read_bytes()


def _box(kind: bytes, content: bytes) -> bytes:
    return (8 + len(content)).to_bytes(4, "big") + kind + content


@dataclass
class StateBench:
    """All that a test of these needs."""

    daemon: Daemon
    state: StateServer
    wire: Relay
    """Between the daemon and the store."""
    bucket: Bucket

    def parts_sent(self) -> int:
        """Every UploadPart of a recording that was on its way to the store."""
        return self.wire.count(rb"PUT \S*\.mp4\?\S*partNumber=")

    def lines(self, since: int = 0) -> list[dict[str, Any]]:
        """What the log says after that many characters."""
        return [
            json.loads(line) for line in whole_lines(self.daemon.log[since:]) if line[:1] == "{"
        ]

    def said(self, event: str, since: int = 0) -> bool:
        return any(line["event"].startswith(event) for line in self.lines(since))

    async def wait_for(self, event: str, since: int = 0) -> None:
        """The log says so."""
        await wait_until(lambda: self.said(event, since), timeout_seconds=PATIENCE_SECONDS)

    async def wait_for_parts(self, count: int) -> None:
        """So many parts are in the store and recorded."""
        await wait_until(lambda: self.state.parts() >= count, timeout_seconds=PATIENCE_SECONDS)

    async def stored_as(self, recording: Growing, *, alone: bool = True) -> str:
        """Its key, once object and JSON stand, and the object is the file.

        `alone`: no other recording is on its way, and so nothing is left over.
        """
        name = os.path.basename(recording.path)

        async def there() -> list[str]:
            keys = [key for key in await self.bucket.videos() if key.endswith(f"/{name}")]
            everything = await self.bucket.keys()
            return [key for key in keys if f"{key}.metadata.json" in everything]

        (key,) = await wait_until(there, timeout_seconds=PATIENCE_SECONDS)
        assert await self.bucket.content(key) == recording.content
        assert not alone or await self.bucket.uploads() == []
        return key
