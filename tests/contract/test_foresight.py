"""What `cefmp4 plan` says of recordings on a real disk that nobody has watched before."""

import os
from dataclasses import replace
from pathlib import Path

from cefmp4.adapters.disk import LocalDisk
from cefmp4.adapters.memory.disk import MemoryDisk
from cefmp4.assembly import make_selection
from cefmp4.config import load_settings
from cefmp4.core.geometry import Geometry
from cefmp4.errors import ChunkProcessingError
from cefmp4.foresight import Foresight, foresee, with_troubles
from cefmp4.ports import Figures
from cefmp4.progress import Trouble
from cefmp4.selection import Listing, list_tree
from cefmp4.shelf import Shelf
from contract.checkpoint_values import active
from stream.faults import on
from stream.twins import POLICY


async def test_what_is_written_at_this_moment_is_not_called_silent(tmp_path: Path) -> None:
    """Only after a while without a write are its boxes worth a look, and a word.

    Seen failing with the boxes looked at whatever the time of the last write.
    """
    recording = tmp_path / "a.mp4"
    recording.write_bytes(b"\0\0\0\x10ftypisom\0\0\0\0" + b"\0\0\0\0mdat" + b"x" * 1000)
    settings = load_settings(needs_store=False, env_file=None, watch_dir=str(tmp_path))
    selection = make_selection(settings)
    disk = LocalDisk(selection)

    async def why() -> str:
        found = list_tree(selection)
        ((path, version),) = found.files.items()
        begun = active(path, identity=version.identity, geometry=Geometry(10_000))
        (seen,) = await foresee(found, [begun], {}, Shelf(), disk, settings.policy())
        return seen.why

    try:
        ahead = recording.stat().st_mtime + 60
        os.utime(recording, (ahead, ahead))
        assert await why() == "growing"
        os.utime(recording, (ahead - 65, ahead - 65))
        assert "silent, but unfinished" in await why()
    finally:
        disk.close()


def test_what_the_daemon_meets_is_told_by_whoever_may_read_everything() -> None:
    """A plan made by root says what stands in the way of a daemon that is not root.

    Seen failing with only the plan's own eyes.
    """
    trouble = Trouble("cannot read 'a.mp4': Permission denied (errno 13)", "allow it", 5.0)
    at_work = Figures("a.mp4", "active", "at_risk", "growing", 5.0, trouble=trouble)
    seen = [Foresight(path, 9, "id", ("SealNow",), "idle") for path in ("a.mp4", "b.mp4")]
    told, untold = with_troubles(seen, [at_work, replace(at_work, path="b.mp4", trouble=None)])
    assert told.why == f"idle; the daemon met this: {trouble.error}"
    assert (told.hint, told.next_actions) == ("allow it", ("SealNow",))
    assert untold == seen[1]


async def test_of_a_new_recording_that_cannot_be_read_only_the_name_is_taken_up() -> None:
    """As the daemon does, which writes down its intent, and meets the error then.

    Seen failing with what is begun not read.
    """
    disk = MemoryDisk()
    disk.write("/w/a.mp4", bytes(30))
    disk.before = on("crc64nvme", ChunkProcessingError("permission denied", hint="allow it"))
    listing = Listing({"/w/a.mp4": disk.files["/w/a.mp4"].version})
    (seen,) = await foresee(listing, [], {}, Shelf(), disk, POLICY)
    assert (seen.next_actions, seen.hint) == (("Begin",), "allow it")
    assert seen.why == "permission denied; it is tried again until it can be read"
