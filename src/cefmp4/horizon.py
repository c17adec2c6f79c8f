"""What is known of the watched directory as a whole, and whether it is still the same."""

from collections.abc import Collection
from dataclasses import dataclass

import structlog

from cefmp4.core.model import Checkpoint
from cefmp4.events import Scan

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Horizon:
    """One for all streams."""

    away: bool = False
    """It is gone, unmounted or suddenly empty."""
    root: tuple[int, int] | None = None
    """Its device and inode."""
    roots: frozenset[tuple[int, int] | None] = frozenset()
    """The same, and what it was before its filesystem was given another device number."""
    scanned_at: float = 0.0
    """Monotonic time at which the last whole scan ended."""
    unreadable: int = 0
    """Files and directories of which that scan could tell nothing."""

    def recognize(self, scan: Scan, begun: Collection[Checkpoint]) -> None:
        """Which directory this is: what is missing from another one is not called deleted.

        A filesystem that is mounted again may come with another device number. It is the
        same when its directory has the same inode, and a recording of ours is found in it.
        """
        same = {
            cp.root
            for cp in begun
            if cp.root and cp.root != scan.root and _is_found_again(cp, cp.root, scan)
        }
        before, still = self.roots, self.root == scan.root
        self.root = scan.root
        # What was found in it once may be stored by now: that it was, is not forgotten.
        self.roots = frozenset({scan.root, *same, *(before if still else ())})
        if self.roots == before:
            return
        hidden = sum(self.hides(checkpoint) for checkpoint in begun)
        if hidden:
            log.warning(
                "another directory or disk than before: the recordings of that one wait for it",
                streams=hidden,
                hint="mount it again; what stands here now is taken up meanwhile",
            )

    def hides(self, checkpoint: Checkpoint | None) -> bool:
        """Whether its recording, where it is missing, may only be out of sight."""
        return self.away or (checkpoint is not None and not self.shows(checkpoint))

    def shows(self, checkpoint: Checkpoint) -> bool:
        """Whether the watched directory is the one its recording was in."""
        return checkpoint.root is None or checkpoint.root in self.roots


def _is_found_again(checkpoint: Checkpoint, root: tuple[int, int], scan: Scan) -> bool:
    """Same directory, name and inode, and no shorter; only devices may differ."""
    there = scan.found.get(checkpoint.path)
    return (
        there is not None
        and scan.root is not None
        and scan.root[1] == root[1]
        and there.inode == checkpoint.identity[1]
        and there.size_bytes >= checkpoint.sent_end
    )
