"""What a path leads to between a look and the opening: never out of the tree, never stuck."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from cefmp4.adapters.disk import LocalDisk
from cefmp4.core.model import FileVersion
from cefmp4.errors import ChunkProcessingError
from cefmp4.selection import Selection


@dataclass(frozen=True, slots=True)
class Overtaken(Selection):
    """Something happens right after each look at where a path leads."""

    happens: Callable[[], object] = lambda: None

    def locate(self, path: str) -> str | None:
        place = Selection.locate(self, path)
        self.happens()
        return place


@dataclass
class Tree:
    """A watched directory with `cam/a.mp4` in it, and another file of that name outside."""

    root: Path
    outside: Path

    @property
    def recording(self) -> Path:
        return self.root / "cam" / "a.mp4"

    async def reads(self, happens: Callable[[], object], name: str = "cam/a.mp4") -> None:
        """Read the file while that happens: it is an error, and the next look may tell."""
        disk = LocalDisk(
            Overtaken(str(self.root), ("*.mp4",), follow_symlinks=True, happens=happens)
        )
        path = str(self.root / name)
        try:
            with pytest.raises(ChunkProcessingError, match=r"regular|leads out"):
                await disk.inspect(path)
        finally:
            disk.close()


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    tree = Tree(tmp_path / "rec", tmp_path / "outside")
    for folder in (tree.outside, tree.root / "cam", tree.root / ".takes"):
        folder.mkdir(parents=True)
        (folder / "a.mp4").write_bytes(b"secret" if folder == tree.outside else b"x")
    return tree


def once(*steps: Callable[[], object]) -> Callable[[], None]:
    left = list(steps)

    def happen() -> None:
        while left:
            left.pop(0)()

    return happen


@pytest.mark.timeout(10)
async def test_the_name_is_swapped_for_a_link(tree: Tree) -> None:
    """To a file outside. Seen failing with neither O_NOFOLLOW nor the question where it is."""
    await tree.reads(
        once(tree.recording.unlink, lambda: tree.recording.symlink_to(tree.outside / "a.mp4"))
    )


@pytest.mark.timeout(10)
@pytest.mark.parametrize("name", ["cam/a.mp4", "link.mp4"])
async def test_a_folder_is_swapped_for_a_link(tree: Tree, name: str) -> None:
    """That of the recording, or that of a link's target, to a folder outside.

    Seen failing without asking the descriptor where it is.
    """
    (tree.root / "link.mp4").symlink_to(".takes/a.mp4")
    folder = tree.root / ("cam" if name == "cam/a.mp4" else ".takes")
    await tree.reads(
        once(
            lambda: folder.rename(tree.outside / "aside"),
            lambda: folder.symlink_to(tree.outside),
        ),
        name,
    )


@pytest.mark.timeout(10)
@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
async def test_the_name_is_swapped_for_what_is_no_file(
    tree: Tree, make: Callable[[Path], None]
) -> None:
    """A FIFO without a writer keeps nobody waiting.

    Seen failing with the path opened for reading before it is known what it is.
    """
    await tree.reads(once(tree.recording.unlink, lambda: make(tree.recording)))


def test_a_folder_is_asked_once_for_all_that_is_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it is a link; what is behind one is not followed, also when many are looked at.

    Seen failing with `stat` for each, which asks every folder for every file.
    """
    outside, root = tmp_path / "outside", tmp_path / "w"
    for folder in (outside, root / "cam" / "today"):
        folder.mkdir(parents=True)
        for number in range(10):
            (folder / f"{number}.mp4").write_bytes(b"x")
    (root / "link").symlink_to(outside)
    asked: list[str] = []
    islink = os.path.islink

    def counting(path: str) -> bool:
        asked.append(path)
        return islink(path)

    monkeypatch.setattr(os.path, "islink", counting)
    disk = LocalDisk(Selection(str(root), ("*.mp4",)))
    try:
        paths = [
            str(root / folder / f"{number}.mp4")
            for folder in ("cam/today", "link", "cam/none")
            for number in range(10)
        ]
        looks = disk.stat_all([(path, None) for path in paths])
    finally:
        disk.close()
    assert [isinstance(look, FileVersion) for look in looks] == [True] * 10 + [False] * 20
    folders = (root / "cam", root / "cam" / "today", root / "link", root / "cam" / "none")
    assert sorted(asked) == sorted(map(str, folders))


def test_what_cannot_be_reached_is_an_error_among_the_others(tmp_path: Path) -> None:
    """It is not called gone, and the others are told."""
    path = tmp_path / "a.mp4"
    path.write_bytes(b"x")
    disk = LocalDisk(Selection(str(tmp_path), ("*.mp4",)))
    try:
        there, error = disk.stat_all([(str(path), None), (str(tmp_path / ("x" * 300)), None)])
    finally:
        disk.close()
    assert isinstance(there, FileVersion)
    assert isinstance(error, ChunkProcessingError)
