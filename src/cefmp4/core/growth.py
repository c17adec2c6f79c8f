"""How long bytes of a recording have been on the disk, as far as it was watched.

Marks of time and size, the oldest first: what lies below the size of a mark was there at
its time at the latest. There are few of them; where two become one, the older time stands
for both, so that an age is never told too young.
"""

from dataclasses import dataclass, field

from cefmp4.core.model import Checkpoint, FileVersion

MOST_MARKS = 32
APART_SECONDS = 1.0
"""Marks closer than this are one."""


@dataclass(slots=True)
class Growth:
    """Of one recording. Times are seconds of one clock that only goes forward."""

    _marks: list[tuple[float, int]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self._marks)

    def reached(self, size_bytes: int, at: float) -> None:
        """It has this size now. One that shrank begins anew."""
        marks = self._marks
        if marks and size_bytes <= marks[-1][1]:
            if size_bytes < marks[-1][1]:
                self._marks = [(at, size_bytes)]
            return
        if marks and at - marks[-1][0] < APART_SECONDS:
            marks[-1] = (marks[-1][0], size_bytes)
            return
        marks.append((at, size_bytes))
        if len(marks) > MOST_MARKS:
            self._merge()

    def sent(self, offset: int) -> None:
        """All before `offset` is in the store: how old that is, nobody will ask."""
        marks = self._marks
        needed = next((i for i, (_, size) in enumerate(marks) if size > offset), len(marks) - 1)
        if needed > 0:
            del marks[:needed]

    def lost(self, at: float) -> None:
        """What was sent is nowhere but on the disk again, where it has been since then."""
        if self._marks:
            first, size = self._marks[0]
            self._marks[0] = (min(first, at), size)

    def since(self, offset: int) -> float | None:
        """Since when the byte at `offset` has been there; None when it is not."""
        return next((at for at, size in self._marks if size > offset), None)

    def _merge(self) -> None:
        """Of the older half, two become one each; the newest times stay sharp."""
        half = MOST_MARKS // 2
        old, new = self._marks[:half], self._marks[half:]
        merged = [(old[i][0], old[i + 1][1]) for i in range(0, half, 2)]
        self._marks = merged + new


def age_seconds(version: FileVersion, checkpoint: Checkpoint | None, now: float) -> float:
    """How old the oldest byte may be that is not in the store, of a file not seen before.

    Not older than its last part, when it was followed until that landed; and as old as the
    last change of the file at least, by the one time of it that nobody can set.
    """
    written = version.ctime_ns / 1e9
    followed = written
    if checkpoint is not None:
        followed = checkpoint.started_at
        if checkpoint.parts:
            followed = max(followed, checkpoint.last_activity_at)
    return max(0.0, now - min(written, followed))
