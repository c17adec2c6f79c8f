"""The fast tick over the recordings that are known to be active."""

from pathlib import Path

from cefmp4.core.model import FileVersion
from cefmp4.errors import ChunkProcessingError
from cefmp4.pulse import Known, Pulse
from watching import CREATE, DELETE, IDLE, NEVER, WRITE, watching


async def test_a_growing_file(tmp_path: Path) -> None:
    """A tracked file is told when it grows, and once when it has fallen silent.

    Its first look counts: what was written between the event that led to it and the first
    tick was told by nobody, and waited for the next scan. Seen failing on just that.
    """
    path = tmp_path / "a.mp4"
    path.write_bytes(b"x")
    async with watching(tmp_path, None, idle_seconds=0.2) as told:
        told.watcher.track(str(path))
        await told.until(IDLE, path)
        assert told.count(WRITE, path) == 1, "it may have grown before the first look"
        with path.open("ab") as recorder:
            for count in range(2, 5):
                recorder.write(b"more")
                recorder.flush()
                await told.until(WRITE, path, count=count)
        await told.until(IDLE, path, count=2)
        told.watcher.untrack(str(path))
        path.write_bytes(b"unseen")
        await told.next_scans(3)
        assert told.count(WRITE, path) == 4
        assert told.count(IDLE, path) == 2


async def test_gone_and_back(tmp_path: Path) -> None:
    """A tracked file that comes back after it was told deleted is told created."""
    path = tmp_path / "a.mp4"
    path.write_bytes(b"x")
    async with watching(tmp_path, None) as told:
        told.watcher.track(str(path))
        path.unlink()
        await told.until(DELETE, path)
        path.write_bytes(b"y")
        await told.until(CREATE, path)
        assert told.count(DELETE, path) == 1


def test_a_look_that_fails_tells_nothing() -> None:
    """A file that cannot be reached just now is neither gone nor changed."""

    def unreachable(known: Known) -> list[FileVersion | ChunkProcessingError | None]:
        return [ChunkProcessingError(f"{path}: stale handle") for path, _ in known]

    pulse = Pulse(unreachable, idle_seconds=0.0)
    pulse.track("/rec/a.mp4")
    assert pulse.look(pulse.snapshot(), 100.0) == []


def test_a_deletion_needs_a_scan_that_began_later() -> None:
    """A file missed by the tick is deleted only if a later scan does not find it either."""
    pulse = Pulse(lambda known: [None for _ in known], idle_seconds=NEVER)
    pulse.track("/rec/a.mp4")
    for look in pulse.look(pulse.snapshot(), 0.0):
        assert pulse.take_in(look, 0.0, scans_begun=3) is None
    assert pulse.deleted(3, set()) == [], "that scan had begun before"
    assert pulse.deleted(4, {"/rec/a.mp4"}) == [], "it was found"
    assert pulse.deleted(5, set()) == ["/rec/a.mp4"]
    assert pulse.deleted(6, set()) == [], "it is said once"
