"""Something happens between two lines of the disposal: a kill, or another process's deed.

Run as a program it forks a process for every line, has it killed there, and tells as JSON
in which of them the recording was not where it should be after the next attempt.
"""

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from types import FrameType
from typing import Any

from cefmp4.adapters import disposal
from cefmp4.adapters.disk import has_writer, prepare_process
from cefmp4.adapters.disposal import LocalDisposal
from cefmp4.core.model import AfterUpload, FileVersion
from cefmp4.errors import ChunkProcessingError
from cefmp4.selection import Selection

ID = "7f9c24e5-2f31-4a0e-9d3c-0b1f6a4d8e21"
CONTENT = b"a whole recording"
TAKEN = b"another one"
MORE = b"more"


@dataclass
class Trial:
    """One recording, `cam/a.mp4`, and what is done with it."""

    watched: Path
    archive: Path
    what: AfterUpload
    asked: Callable[[str], bool] = has_writer
    version: FileVersion = field(init=False)
    name_taken: bool = False

    def __post_init__(self) -> None:
        self.path.parent.mkdir(parents=True)
        self.path.write_bytes(CONTENT)
        os.utime(self.path, ns=(0, 1_700_000_000_123_456_789))
        there = os.stat(self.path)
        self.version = FileVersion(
            there.st_dev, there.st_ino, there.st_size, there.st_mtime_ns, there.st_ctime_ns
        )

    @property
    def selection(self) -> Selection:
        return Selection(str(self.watched), ("*.mp4",))

    @property
    def path(self) -> Path:
        return self.watched / "cam" / "a.mp4"

    @property
    def archived(self) -> Path:
        return self.archive / "cam" / "a.mp4"

    def dispose(self) -> str | None:
        """In this thread, so that its lines can be followed."""
        doing = LocalDisposal(self.what, self.selection, str(self.archive), self.asked)
        with suppress(ChunkProcessingError, OSError):
            return doing._dispose(str(self.path), self.version, ID)
        return None

    def append(self) -> None:
        """A recorder opens the name, new or not, writes to it and closes it."""
        with open(self.path, "ab") as file:
            file.write(MORE)

    def take_name_in_archive(self) -> None:
        """Another process puts a file where this one belongs, if nothing is there yet."""
        self.archived.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError), open(self.archived, "xb") as file:
            file.write(TAKEN)
            self.name_taken = True

    def tree(self) -> dict[str, bytes]:
        """Every file in both directories."""
        return {
            f"{root.name}/{path.relative_to(root)}": path.read_bytes()
            for root in (self.watched, self.archive)
            for path in root.rglob("*")
            if path.is_file()
        }

    def clear(self) -> None:
        for root in (self.watched, self.archive):
            shutil.rmtree(root, ignore_errors=True)


@contextmanager
def stepping(act: Callable[[int], None]) -> Iterator[None]:
    """Call `act` with 1, 2, 3 … before each line of the disposal that is carried out."""
    lines = count(1)

    def follow(frame: FrameType, event: str, _: object) -> Any:
        if event == "line":
            act(next(lines))
        return follow

    def enter(frame: FrameType, event: str, argument: object) -> Any:
        return follow if frame.f_code.co_filename == disposal.__file__ else None

    before = sys.gettrace()
    sys.settrace(enter)
    try:
        yield
    finally:
        sys.settrace(before)


@dataclass
class OneDeed:
    """Is done before one of the lines."""

    line: int
    deed: Callable[[], object]
    done: bool = False

    def __call__(self, line: int) -> None:
        if line == self.line:
            self.done = True
            self.deed()


def killed(trial: Trial, line: int) -> bool:
    """Dispose in a process that is killed as it reaches this line; False: it ended before."""

    def act(reached: int) -> None:
        if reached == line:
            os.kill(os.getpid(), signal.SIGKILL)

    child = os.fork()
    if child == 0:
        with suppress(BaseException), stepping(act):
            trial.dispose()
        os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


Prepare = Callable[[Trial], None]


def nothing(_: Trial) -> None:
    """Only the recording is there."""


def taken(trial: Trial) -> None:
    """An older recording of the same name is in the archive."""
    trial.take_name_in_archive()


def changing(trial: Trial) -> None:
    """The recording is written to while it is about to be hidden."""

    def ask(path: str) -> bool:
        found = has_writer(path)
        if path == str(trial.path) and trial.path.read_bytes() == CONTENT:
            trial.append()
        return found

    trial.asked = ask


SCENARIOS: dict[str, tuple[AfterUpload, Prepare]] = {
    "delete": (AfterUpload.DELETE, nothing),
    "move": (AfterUpload.MOVE, nothing),
    "move, name taken": (AfterUpload.MOVE, taken),
    "changed meanwhile": (AfterUpload.MOVE, changing),
}


def expected(name: str) -> dict[str, bytes]:
    """What is to be there in the end, whatever happened in between."""
    return {
        "delete": {},
        "move": {"archive/cam/a.mp4": CONTENT},
        "move, name taken": {
            "archive/cam/a.mp4": TAKEN,
            f"archive/cam/a-{ID}.mp4": CONTENT,
        },
        "changed meanwhile": {"watched/cam/a.mp4": CONTENT + MORE},
    }[name]


def wrong_after_kills(name: str, watched: Path, archive: Path) -> dict[str, object]:
    """Kill it at every line, and once more at some: how often, and what went wrong."""
    what, prepare = SCENARIOS[name]
    wrong: list[str] = []
    kills = 0
    for first, second in ((a, b) for a in count(1) for b in (0, 1 + a % 7, 8 + a % 11)):
        trial = Trial(watched, archive, what)
        prepare(trial)
        if not killed(trial, first):
            trial.clear()
            return {"kills": kills, "wrong": wrong}
        kills += 1 + (second > 0 and killed(trial, second))
        trial.dispose()
        if trial.tree() != expected(name):
            wrong.append(f"killed at {first} and {second}: {sorted(trial.tree())}")
        trial.clear()
    raise AssertionError


if __name__ == "__main__":
    prepare_process()
    name, watched, archive = sys.argv[1:]
    print(json.dumps(wrong_after_kills(name, Path(watched), Path(archive))))  # noqa: T201
