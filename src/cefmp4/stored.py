"""Recordings that are stored already: known again under another name, or after a touch.

The shelf tells at a glance what has not been touched since. What has another name by now
only has to be remembered under it; where the change time alone moved, the bytes are asked.
"""

import asyncio
from collections.abc import Callable

import structlog

from cefmp4.core.model import FileVersion
from cefmp4.ports import Fingerprint
from cefmp4.rereading import Rereading
from cefmp4.retry import async_retry_transient
from cefmp4.shelf import Shelf
from cefmp4.world import World

log = structlog.get_logger(__name__)


class StoredRecordings:
    """Keeps the shelf, and the state server, up with what happens to stored files."""

    def __init__(
        self,
        world: World,
        shelf: Shelf,
        changed: Callable[[str], None],
        rested: Callable[[], None],
    ) -> None:
        """`changed` is told the path of a file that holds other bytes by now; `rested` is
        called when something was read, or remembered."""
        self._world, self._shelf, self._changed = world, shelf, changed
        self._rested = rested
        self._memos: set[asyncio.Task[None]] = set()
        self._one_at_a_time = asyncio.Lock()
        self._rereading = Rereading(world.disk, self._reread, rested)

    def __len__(self) -> int:
        """How many files are still to be read, and findings to be remembered."""
        return len(self._rereading) + len(self._memos)

    async def stop(self) -> None:
        """Read and remember no more; the next start finds what is left."""
        for task in self._memos:
            task.cancel()
        await self._rereading.stop()

    def asks_the_bytes(self, path: str, version: FileVersion) -> bool:
        """What is stored under this path may still be what stands there: it is being read."""
        stored = self._shelf.stored_like(path, version)
        if stored is None:
            return False
        self._rereading.ask(path, stored)
        return True

    def knows_again(self, path: str, version: FileVersion) -> bool:
        """A recording that is stored already has another name; False while its bytes are
        still to be asked, for a rename hides what was written before it."""
        old, known = self._shelf.recall(version) or (path, None)
        if known is None or old == path:
            return False
        there = self._world.disk.stat(old)
        if there is not None and Fingerprint.of(there) == known:
            return False  # a hard link: another recording
        self._remember(old, path, known)
        log.info("a stored recording was renamed", file_path=path, was=old)
        return known.is_untouched(version)

    def _remember(self, old: str, path: str, fingerprint: Fingerprint) -> None:
        """What is stored has another name, or its file another change time."""
        self._shelf.rename(old, path, fingerprint)
        task = asyncio.create_task(self._write_down(old, path, fingerprint))
        self._memos.add(task)
        task.add_done_callback(self._remembered)

    async def _write_down(self, old: str, path: str, fingerprint: Fingerprint) -> None:
        """In the order of what was found out: the latest of a recording is what is to stay."""
        async with self._one_at_a_time:
            await async_retry_transient(
                "remember how a stored recording looks by now",
                lambda: self._world.checkpoints.move_fingerprint(old, path, fingerprint),
            )

    def _remembered(self, memo: asyncio.Task[None]) -> None:
        self._memos.discard(memo)
        if not memo.cancelled():
            self._rested()

    def _reread(self, path: str, stored: Fingerprint, now: FileVersion | None) -> None:
        """The bytes of a touched recording are the stored ones, as `now` says, or others."""
        if now is None:
            self._shelf.forget(path)
            self._changed(path)
        else:
            self._remember(path, path, stored.as_seen(now))
