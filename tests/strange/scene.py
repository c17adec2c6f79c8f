"""A watched directory with strange things in it, and what became of them."""

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

from story.bucket import Bucket
from story.daemon import Daemon
from waiting import wait_until

PATIENCE_SECONDS = 60.0


@dataclass
class Scene:
    """One daemon, its bucket, and the directory it watches."""

    daemon: Daemon
    store: Bucket
    mp4: bytes
    """A whole recording."""
    folder: Path

    async def finish(self, *arguments: str) -> int:
        """Let a daemon finish all that is present; its exit code."""
        self.daemon.start("--once", *arguments)
        return await asyncio.to_thread(self.daemon.wait, PATIENCE_SECONDS)

    async def live(self) -> None:
        """Start a daemon, and wait until it watches."""
        ready = self.daemon.log.count("/metrics")
        self.daemon.start()
        await wait_until(
            lambda: self.daemon.log.count("/metrics") > ready, timeout_seconds=PATIENCE_SECONDS
        )

    async def told(self, text: str, count: int = 1) -> None:
        """Wait until the log has said so."""
        await wait_until(
            lambda: self.daemon.log.count(text) >= count, timeout_seconds=PATIENCE_SECONDS
        )

    async def objects(self) -> list[tuple[bytes, bytes]]:
        """Name and content of every recording in the store, as its user metadata names it."""
        found = []
        for key in await self.store.videos():
            head = await self.store.client.head_object(Bucket=self.store.name, Key=key)
            name = unquote_to_bytes(head["Metadata"]["cefmp4-original-name"])
            found.append((name, await self.store.content(key)))
        return sorted(found)

    async def until_stored(self, *expected: tuple[str, bytes]) -> None:
        """Wait until exactly these names and contents are stored, and no upload is left."""
        wanted = sorted((name.encode(), content) for name, content in expected)
        if wanted:
            await self.store.wait_for_videos(len(wanted), timeout_seconds=PATIENCE_SECONDS)
        assert await self.objects() == wanted

        async def none_left() -> bool:
            return not await self.store.uploads()

        await wait_until(none_left, timeout_seconds=PATIENCE_SECONDS)

    def streams(self) -> list[dict[str, Any]]:
        """What `cefmp4 streams --json` tells."""
        told: list[dict[str, Any]] = json.loads(self.daemon.command("streams", "--json").stdout)
        return told

    def ends(self) -> list[tuple[str, str]]:
        """Status and reason of every stream that did not simply succeed."""
        return sorted(
            (stream["status"], stream["reason"])
            for stream in self.streams()
            if stream["status"] != "completed_with_meta"
        )

    def sized(self, size_bytes: int) -> bytes:
        """A whole MP4 of exactly this size: a `free` box fills it up."""
        free = size_bytes - len(self.mp4)
        return self.mp4 + free.to_bytes(4, "big") + b"free" + bytes(free - 8)
