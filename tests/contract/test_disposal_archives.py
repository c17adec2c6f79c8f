"""AFTER_UPLOAD=move into archives of every kind, and recordings that stayed hidden."""

import asyncio
import os
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from cefmp4.adapters.disposal import LocalDisposal
from cefmp4.core.hiding import distinct_path, hidden_path
from cefmp4.core.model import AfterUpload
from cefmp4.errors import ChunkProcessingError
from cefmp4.selection import Selection, list_tree
from contract.disposing import CONTENT, InBetween, Place
from contract.stepping import ID, OneDeed, Trial, stepping
from waiting import wait_until

pytest_plugins = ["contract.disposal_fixtures"]
pytestmark = pytest.mark.usefixtures("prepared")

SMALL_BYTES = 64 * 1024


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "watched", tmp_path / "archive")


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A filesystem of 64 KiB."""
    there = tmp_path / "small"
    there.mkdir()
    options = f"size={SMALL_BYTES}"
    try:
        run("mount", "-t", "tmpfs", "-o", options, "tmpfs", str(there))
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no small filesystem: this process may not mount one ({error})")
    yield there
    run("umount", str(there))


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


def fill(folder: Path) -> None:
    """Another process writes until no byte is left."""
    with open(folder / "full", "ab", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            return


async def test_a_recording_waits_under_its_own_name_for_a_full_archive(
    place: Place, small: Path
) -> None:
    """It is said what to do, nothing unfinished is left, and it is moved once there is room.

    Seen failing with the recording left hidden, which the product did.
    """
    place.archive = small
    fill(small)
    with pytest.raises(ChunkProcessingError, match="No space left") as caught:
        await place.dispose(AfterUpload.MOVE)
    assert caught.value.hint == "make room in ARCHIVE_DIR"
    assert place.names() == {"a.mp4"}
    (small / "full").unlink()
    await place.dispose(AfterUpload.MOVE)
    assert place.archived.read_bytes() == CONTENT
    assert place.names() == set()


def test_an_archive_that_fills_up_at_any_moment_costs_nothing(
    tmp_path: Path, small: Path
) -> None:
    """Also in the middle of the copying: what was copied is removed, the recording is back.

    Seen failing with the unfinished copy left behind.
    """
    outcomes: list[bool] = []
    for line in count(1):
        trial = Trial(tmp_path / str(line), small / "archive", AfterUpload.MOVE)
        step = OneDeed(line, partial(fill, small))
        with stepping(step):
            moved = bool(trial.dispose())
        (small / "full").unlink(missing_ok=True)
        assert set(trial.tree()) == {f"{'archive' if moved else line}/cam/a.mp4"}
        assert moved or trial.dispose()
        trial.clear()
        if not step.done:
            break
        outcomes.append(moved)
    assert outcomes == sorted(outcomes)
    assert set(outcomes) == {False, True}


async def test_a_recording_waits_under_its_own_name_for_an_archive_that_is_read_only(
    place: Place, small: Path
) -> None:
    """A full disk, a lost permission and a disk gone bad look alike from here."""
    place.archive = small
    place.archived.parent.mkdir()
    run("mount", "-o", "remount,ro", str(small))
    with pytest.raises(ChunkProcessingError, match="Read-only") as caught:
        await place.dispose(AfterUpload.MOVE)
    assert "ARCHIVE_DIR" in caught.value.hint
    assert place.names() == {"a.mp4"}


async def test_a_slow_archive_leaves_threads_to_others(place: Place) -> None:
    """However many recordings are to be moved, two at a time are.

    Seen failing without that bound.
    """
    going_on, most, release = 0, 0, threading.Event()

    def slow(path: str) -> bool:
        nonlocal going_on, most
        going_on += 1
        most = max(most, going_on)
        release.wait(30)
        going_on -= 1
        return True

    disposal = LocalDisposal(AfterUpload.MOVE, place.selection, str(place.archive), slow)
    path, version = str(place.recording), place.version
    moves = [asyncio.create_task(disposal.dispose(path, version, str(n))) for n in range(5)]
    await wait_until(lambda: most == 2)
    await asyncio.wait_for(asyncio.to_thread(lambda: None), 10)
    release.set()
    for ended in await asyncio.gather(*moves, return_exceptions=True):
        assert isinstance(ended, ChunkProcessingError)
    assert most == 2


async def test_an_archive_that_is_a_link_is_where_it_points(
    place: Place, another_filesystem: Path
) -> None:
    """The link stays a link."""
    place.archive.symlink_to(another_filesystem)
    await place.dispose(AfterUpload.MOVE)
    assert (another_filesystem / "cam" / "a.mp4").read_bytes() == CONTENT
    assert place.archive.is_symlink()


async def test_a_link_under_a_name_in_the_archive_is_never_written_through(
    place: Place, another_filesystem: Path, tmp_path: Path
) -> None:
    """Neither where the recording belongs nor where its unfinished copy stands.

    Seen failing with the unfinished copy opened as whatever is there.
    """
    precious = tmp_path / "precious"
    precious.write_bytes(b"of others")
    place.archive = another_filesystem
    place.archived.parent.mkdir()
    place.archived.symlink_to(precious)
    place.archived.with_name(".cefmp4-id.partial").symlink_to(precious)
    await place.dispose(AfterUpload.MOVE)
    assert precious.read_bytes() == b"of others"
    assert set(os.listdir(place.archived.parent)) == {"a.mp4", "a-id.mp4"}
    assert place.archived.is_symlink()
    assert place.archived.with_name("a-id.mp4").read_bytes() == CONTENT


@pytest.mark.parametrize("across", [False, True], ids=["renamed", "copied"])
@pytest.mark.parametrize("letter", ["n", "ä"])
async def test_the_longest_names_are_moved_time_and_again(
    place: Place, another_filesystem: Path, letter: str, across: bool
) -> None:
    """255 bytes leave no room for a suffix: the second of a name is cut, its type is not.

    Seen failing with names that only grow, which the product had.
    """
    name = letter * (251 // len(letter.encode())) + ".mp4"
    path = place.recording.with_name(name)
    place.archive = another_filesystem if across else place.archive
    for stream_id in (ID, ID[::-1]):
        os.rename(place.recording, path)
        disposal = LocalDisposal(
            AfterUpload.MOVE,
            place.selection,
            str(place.archive),
            place.asked,
        )
        assert await disposal.dispose(str(path), place.version, stream_id)
        place.recording.write_bytes(CONTENT)
        place.version = place.version_now()
    first, second = sorted(os.listdir(place.archived.parent), key=lambda n: ID[::-1] in n)
    assert first == name
    assert second.endswith(f"{letter}-{ID[::-1]}.mp4")


# --- recordings that stayed hidden ----------------------------------------------------------


async def test_a_hidden_recording_gets_its_name_back(place: Place) -> None:
    """As when its state was lost after a crash: the name itself tells what it was called."""
    hidden = place.recording.with_name(f".cefmp4-{ID}~a.mp4")
    disposal = LocalDisposal(AfterUpload.KEEP, place.selection, None, place.asked)
    os.rename(place.recording, hidden)
    assert await disposal.reveal(str(hidden)) == str(place.recording)
    assert place.names() == {"a.mp4"}
    assert await disposal.reveal(str(hidden)) is None
    os.rename(place.recording, hidden)
    place.recording.write_bytes(b"a new one")
    assert await disposal.reveal(str(hidden)) == distinct_path(str(place.recording), ID)
    assert place.recording.read_bytes() == b"a new one"
    assert place.recording.with_name(f"a-{ID}.mp4").read_bytes() == CONTENT
    assert place.names() == {"a.mp4", f"a-{ID}.mp4"}


def test_a_scan_finds_what_is_hidden(place: Place) -> None:
    """Regular files with a name of ours, in watched directories; not in the archive."""
    place.archive = place.watched / "archive"
    place.archived.parent.mkdir(parents=True)
    hidden = Path(hidden_path(str(place.recording), ID))
    os.rename(place.recording, hidden)
    for other in (".cefmp4-id~a.mp4", f".cefmp4-{ID}.partial", f".cefmp4-{ID}~", ".a.mp4"):
        place.recording.with_name(other).touch()
    place.recording.with_name(f".cefmp4-{ID}~link.mp4").symlink_to(hidden)
    place.recording.with_name(f".cefmp4-{ID}~folder.mp4").mkdir()
    place.archived.with_name(hidden.name).touch()
    selection = Selection(str(place.watched), ("*.mp4",), (str(place.archive),))
    listing = list_tree(selection)
    assert (listing.hidden, listing.files) == ([str(hidden)], {})


async def test_a_link_that_takes_the_place_of_a_recording_is_put_back(place: Place) -> None:
    """Nothing that was not stored is deleted, or stays hidden because it cannot be opened.

    Seen failing with the link left hidden, which the product did.
    """

    def replaced() -> None:
        place.recording.unlink()
        place.recording.symlink_to("/nowhere")

    place.asked = InBetween(replaced)
    with pytest.raises(ChunkProcessingError):
        await place.dispose()
    assert place.recording.is_symlink()
    assert place.names() == {"a.mp4"}
