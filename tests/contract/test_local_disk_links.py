"""What a path leads to between a look and the opening: never out of the tree, never stuck."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from cefmp4.adapters.disk import LocalDisk
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
