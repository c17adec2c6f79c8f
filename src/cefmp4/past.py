"""What has become of the streams that ended lately: a bounded number of rows."""

from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from types import MappingProxyType

from cefmp4.core.model import RETRIED, Checkpoint, Wish
from cefmp4.core.safety import Safety
from cefmp4.errors import ChunkProcessingError
from cefmp4.ports import Disk
from cefmp4.rows import Row, is_stored, row_at_the_end, without_file

KEPT = 10_000
"""Rows; those of the longest ago go first. What can be retried stays."""


class Past:
    """Rows of ended streams, the latest last."""

    def __init__(self, kept: int = KEPT) -> None:
        self._rows: dict[str, Row] = {}
        self._kept = kept
        self.changes = 0
        """Counts on whenever another answer may follow than before."""

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows.values())

    @property
    def rows(self) -> Mapping[str, Row]:
        """All of them, by stream id: a view, which changes with them."""
        return MappingProxyType(self._rows)

    def get(self, stream_id: str) -> Row | None:
        return self._rows.get(stream_id)

    def restore(self, ended: Iterable[Checkpoint]) -> None:
        """What an earlier process left, in any order; what ended here since is newer."""
        since = self._rows
        self._rows = {}
        for checkpoint in sorted(ended, key=lambda cp: cp.ended_at or 0.0):
            self.add(checkpoint)
        for stream_id, row in since.items():
            self._rows.pop(stream_id, None)
            self._rows[stream_id] = row
        self.changes += 1
        self._bound()

    def add(self, checkpoint: Checkpoint, disk_bytes: int | None = None) -> None:
        """It has ended. One that begins anew as another stream is no row of its own."""
        self.drop(checkpoint.stream_id)
        if checkpoint.reason != RETRIED:
            self._rows[checkpoint.stream_id] = row_at_the_end(checkpoint, disk_bytes)
            self.changes += 1
            self._bound()

    def drop(self, stream_id: str) -> None:
        """It is taken up again, or nobody remembers it."""
        if self._rows.pop(stream_id, None) is not None:
            self.changes += 1

    def forget(self, ended_before: float) -> None:
        """What ended before this time and cannot be retried, as the state server does."""
        old = [
            row.stream_id
            for row in self._rows.values()
            if (row.ended_at or 0.0) < ended_before and not can_be_retried(row)
        ]
        for stream_id in old:
            self.drop(stream_id)

    def keep(self, stands: Callable[[str], bool]) -> None:
        """Whose recording is gone waits for nobody any more; `stands` says of a path."""
        for row in list(self._rows.values()):
            if row.verdict is Safety.NOT_STORED and not stands(row.path):
                self._rows[row.stream_id] = without_file(row)
                self.changes += 1

    def stored_since(self, at: float) -> int:
        """How many recordings were stored since then."""
        return sum(is_stored(row) and (row.ended_at or 0.0) >= at for row in self)

    def not_stored(self) -> Counter[str]:
        """How many wait for a person, by status."""
        waiting = (row for row in self if row.verdict is Safety.NOT_STORED)
        return Counter(row.status for row in waiting)

    def set_aside(self, living: Container[str] = ()) -> Counter[str]:
        """The same, and those a person has aborted, without the ones taken up again."""
        kept = (row for row in self if can_be_retried(row))
        return Counter(row.status for row in kept if row.stream_id not in living)

    def _bound(self) -> None:
        while len(self._rows) > self._kept:
            rows = self._rows.values()
            over = (row.stream_id for row in rows if not can_be_retried(row))
            del self._rows[next(over, next(iter(self._rows)))]


def can_be_retried(row: Row) -> bool:
    """It is set aside, and its name is kept for it."""
    return Wish.RETRY.value in row.can


def size_at_home(disk: Disk, checkpoint: Checkpoint) -> int | None:
    """Bytes of its file; None when that is not there, or out of reach."""
    try:
        there = disk.stat(checkpoint.path)
    except ChunkProcessingError:
        return None
    ours = there is not None and there.inode == checkpoint.identity[1]
    return there.size_bytes if there is not None and ours else None
