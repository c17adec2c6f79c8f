"""A recording to be disposed of, on real files, and what may happen to it meanwhile."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cefmp4.adapters.disk import LocalDisk, has_writer
from cefmp4.adapters.disposal import LocalDisposal
from cefmp4.core.model import AfterUpload, FileVersion
from cefmp4.selection import Selection

CONTENT = b"a whole recording"
WRITING = """
import os, sys
fd = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND)
sys.stdout.write("open\\n"); sys.stdout.flush()
sys.stdin.read()
"""


@dataclass
class Place:
    """A watched directory with one recording in it, `cam/a.mp4`, and an archive."""

    watched: Path
    archive: Path
    asked: Callable[[str], bool] = has_writer
    version: FileVersion = field(init=False)

    def __post_init__(self) -> None:
        self.recording.parent.mkdir(parents=True)
        self.recording.write_bytes(CONTENT)
        self.version = self.version_now()

    @property
    def selection(self) -> Selection:
        return Selection(str(self.watched), ("*.mp4",))

    @property
    def recording(self) -> Path:
        return self.watched / "cam" / "a.mp4"

    @property
    def hidden(self) -> Path:
        return self.recording.with_name(".cefmp4-id~a.mp4")

    @property
    def beside(self) -> Path:
        """The name it gets where its own is taken."""
        return self.recording.with_name("a-id.mp4")

    @property
    def archived(self) -> Path:
        return self.archive / "cam" / "a.mp4"

    def version_now(self) -> FileVersion:
        disk = LocalDisk()
        found = disk.stat(str(self.recording))
        disk.close()
        assert found is not None
        return found

    def names(self) -> set[str]:
        """Everything in the recording's directory."""
        return set(os.listdir(self.recording.parent))

    async def dispose(self, what: AfterUpload = AfterUpload.DELETE) -> str | None:
        disposal = LocalDisposal(what, self.selection, str(self.archive), self.asked)
        return await disposal.dispose(str(self.recording), self.version, "id")


@contextmanager
def writer_of(path: Path) -> Iterator[None]:
    """A process that has the file open for writing."""
    command = [sys.executable, "-c", WRITING, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdin is not None
        assert child.stdout.readline() == b"open\n"
        yield
        child.stdin.close()
        assert child.wait(timeout=10) == 0


@dataclass
class InBetween:
    """Asks for a writer, and lets something happen between the two times it is asked."""

    happens: Callable[[], object]
    asked: list[str] = field(default_factory=list)

    def __call__(self, path: str) -> bool:
        found = has_writer(path)
        self.asked.append(path)
        if len(self.asked) == 1:
            self.happens()
        return found
