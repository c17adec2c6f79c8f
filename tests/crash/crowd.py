"""Recorders at work, each in a process of its own, and what they really wrote.

Every recording has a second name outside the watched directory, made before its first
byte: whatever becomes of the first name, the bytes are there to be compared with.
"""

import os
import random
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from cefmp4.demo.recorder import Kind, recorder_command


@dataclass
class Crowd:
    """At most `at_once` recorders; all kinds in turn, of random length and bit rate."""

    watch_dir: str
    truth_dir: str
    recordings: int
    at_once: int
    random: random.Random
    names: list[str] = field(default_factory=list)
    _at_work: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def tend(self, share: float = 1.0) -> None:
        """Start recorders as old ones end, until `share` of all recordings were begun."""
        self._at_work = [recorder for recorder in self._at_work if not _has_left(recorder)]
        due = min(self.recordings, round(share * self.recordings) + self.at_once)
        while len(self._at_work) < self.at_once and len(self.names) < due:
            self._begin()

    @property
    def is_done(self) -> bool:
        """All have recorded, and closed their files."""
        return len(self.names) == self.recordings and not self._at_work

    @property
    def is_at_work(self) -> bool:
        return bool(self._at_work)

    def truth(self, name: str) -> bytes:
        """What was recorded under this name."""
        with open(os.path.join(self.truth_dir, name), "rb") as file:
            return file.read()

    def _begin(self) -> None:
        kind = list(Kind)[len(self.names) % len(Kind)]
        name = f"{len(self.names):03}-{kind}.mp4"
        truth, path = os.path.join(self.truth_dir, name), os.path.join(self.watch_dir, name)
        with open(truth, "xb"):
            os.link(truth, path)
        seconds = self.random.uniform(3.0, 12.0)
        megabits = self.random.choice([2, 16, 24, 32])
        command = recorder_command(
            path, kind, seconds=round(seconds, 1), bits_per_second=megabits * 1_000_000
        )
        self._at_work.append(subprocess.Popen(command))
        self.names.append(name)

    def leave(self) -> None:
        """Nobody records any more."""
        for recorder in self._at_work:
            recorder.kill()
            recorder.wait()


def _has_left(recorder: subprocess.Popen[bytes]) -> bool:
    code = recorder.poll()
    assert code in (None, 0), f"a recorder failed with {code}"
    return code == 0


@contextmanager
def crowd(
    watch_dir: str, truth_dir: str, recordings: int, at_once: int, chance: random.Random
) -> Iterator[Crowd]:
    """Nobody of it outlives the block."""
    os.mkdir(truth_dir)
    recorders = Crowd(watch_dir, truth_dir, recordings, at_once, chance)
    try:
        yield recorders
    finally:
        recorders.leave()
