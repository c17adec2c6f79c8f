"""What `cefmp4 plan` says of recordings on a real disk that nobody has watched before."""

import os
from pathlib import Path

from cefmp4.adapters.disk import LocalDisk
from cefmp4.assembly import make_selection
from cefmp4.config import load_settings
from cefmp4.core.geometry import Geometry
from cefmp4.foresight import foresee
from cefmp4.selection import list_tree
from cefmp4.shelf import Shelf
from contract.checkpoint_values import active


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
        found = list_tree(selection).files
        ((path, version),) = found.items()
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
