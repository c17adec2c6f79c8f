"""What `cefmp4 plan` says of recordings on a real disk that nobody has watched before."""

import os
from dataclasses import replace
from pathlib import Path
from typing import get_args

from cefmp4.adapters.disk import LocalDisk
from cefmp4.adapters.memory.disk import MemoryDisk
from cefmp4.assembly import make_selection
from cefmp4.config import load_settings
from cefmp4.core.actions import Action
from cefmp4.core.geometry import Geometry
from cefmp4.errors import ChunkProcessingError
from cefmp4.foresight import Foresight, foresee, horizon_of, passed_over, with_troubles
from cefmp4.horizon import Horizon
from cefmp4.ports import Figures
from cefmp4.progress import Trouble
from cefmp4.selection import Listing, Selection, list_tree
from cefmp4.shelf import Shelf
from contract.checkpoint_values import active
from stream.faults import on
from stream.twins import POLICY

HERE = Horizon()


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
        (seen,) = await foresee(found, [begun], {}, Shelf(), disk, settings.policy(), HERE)
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
    (seen,) = await foresee(listing, [], {}, Shelf(), disk, POLICY, HERE)
    assert (seen.next_actions, seen.hint) == (("Begin",), "allow it")
    assert seen.why == "permission denied; it is tried again until it can be read"


async def test_what_went_with_the_watched_directory_is_not_called_gone(tmp_path: Path) -> None:
    """Whether nothing stands there, or the empty mount point of a disk.

    Seen failing with "the recording is gone: waiting whether it comes back".
    """
    watch_dir = tmp_path / "in"
    begun = replace(active(str(watch_dir / "a.mp4")), root=(1, 2))
    selection = Selection(str(watch_dir), ("*.mp4",))
    for reason in ("No such file", "not the directory or disk it was"):
        listing = list_tree(selection)
        horizon, away = horizon_of(selection.watch_dir, listing, [begun])
        (seen,) = await foresee(listing, [begun], {}, Shelf(), MemoryDisk(), POLICY, horizon)
        assert seen.why == "the watched directory is away: waiting for it"
        assert reason in away
        watch_dir.mkdir(exist_ok=True)
    (watch_dir / "b.mp4").touch()
    horizon, away = horizon_of(selection.watch_dir, list_tree(selection), [])
    assert (away, horizon.hides(None)) == ("", False)


def test_files_that_are_passed_over_are_told_with_the_reason(tmp_path: Path) -> None:
    """By name or by kind, hidden ones last; what is ours and what is elsewhere is not.

    Seen failing without a word of them.
    """
    for folder in ("cam", ".trash", "archive"):
        (tmp_path / folder).mkdir()
    for name in ("a.mp4", "cam/b.MKV", "cam/.b.mp4", ".trash/c.mp4", "archive/d.txt"):
        (tmp_path / name).touch()
    (tmp_path / f".cefmp4-{'0' * 36}~e.mp4").touch()
    (tmp_path / "link.mp4").symlink_to("a.mp4")
    os.mkfifo(tmp_path / "pipe.mp4")
    selection = Selection(str(tmp_path), ("*.mp4",), (str(tmp_path / "archive"),))
    hidden = "its name begins with a dot"
    assert passed_over(selection) == [
        ("cam/b.MKV", "matches none of WATCH_PATTERNS"),
        ("link.mp4", "a link: see FOLLOW_SYMLINKS"),
        ("pipe.mp4", "no regular file"),
        (".trash/", hidden),
        ("cam/.b.mp4", hidden),
    ]
    following = replace(selection, follow_symlinks=True)
    assert ("link.mp4", "a link that leads to no file of its own") in passed_over(following)


def test_the_documents_explain_every_word_of_a_plan() -> None:
    """Seen failing with one left out."""
    told = Path("docs/cli.md").read_text()
    assert [a.__name__ for a in get_args(Action) if f"| `{a.__name__}` |" not in told] == []
