"""Recordings that stayed hidden when the process that was disposing of them died.

Its stream carries on with them; where no stream knows of one any more, as when the state
was lost or AFTER_UPLOAD was turned off, it is given its name back, and begun again.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence

import structlog

from cefmp4.core.hiding import hidden_path
from cefmp4.core.model import AfterUpload
from cefmp4.errors import ChunkProcessingError
from cefmp4.events import StreamEvent, WatcherChangeType
from cefmp4.stream import Stream
from cefmp4.world import World

log = structlog.get_logger(__name__)


class HiddenRecordings:
    """Gives them back."""

    def __init__(
        self, world: World, handle: Callable[[StreamEvent], None], rested: Callable[[], None]
    ) -> None:
        """`handle` is told that each is there, `rested` that nothing is left to be done."""
        self._world, self._handle, self._rested = world, handle, rested
        self._errands: set[asyncio.Task[None]] = set()
        self._unrevealed: set[str] = set()
        self._cut_off = 0

    def __len__(self) -> int:
        """How many are being given back."""
        return len(self._errands)

    @property
    def left(self) -> int:
        """How many do not have their name back."""
        return len(self._errands) + self._cut_off + len(self._unrevealed)

    async def stop(self) -> None:
        """Give no more back; the next start finds them."""
        for task in self._errands:
            task.cancel()
        await asyncio.gather(*self._errands, return_exceptions=True)

    def take_in(self, hidden: Sequence[str], streams: Iterable[Stream]) -> None:
        """Give back those that none of these streams is about to dispose of."""
        disposing = self._world.policy.after_upload is not AfterUpload.KEEP
        ours = {
            hidden_path(stream.path, stream.checkpoint.stream_id)
            for stream in streams
            if stream.checkpoint is not None and disposing
        }
        for path in hidden:
            if path not in ours:
                task = asyncio.create_task(self._reveal(path))
                self._errands.add(task)
                task.add_done_callback(self._done)

    async def _reveal(self, hidden: str) -> None:
        try:
            path = await self._world.disposal.reveal(hidden)
        except ChunkProcessingError as error:
            if hidden not in self._unrevealed:  # every scan meets it again
                self._unrevealed.add(hidden)
                log.warning(
                    "cannot be revealed", file_path=hidden, why=str(error), hint=error.hint
                )
            return
        self._unrevealed.discard(hidden)
        if path is not None:
            log.warning("a hidden recording was given its name back", file_path=path)
            self._handle(StreamEvent(WatcherChangeType.CREATE, path))

    def _done(self, task: asyncio.Task[None]) -> None:
        self._errands.discard(task)
        self._cut_off += task.cancelled()
        self._rested()
