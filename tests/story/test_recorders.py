"""The recorders behave as those in the field do: they grow, and patch what they wrote."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import av
import pytest

from cefmp4.demo.recorder import Kind, record, recorder_command
from waiting import wait_until

BITS_PER_SECOND = 4_000_000
SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Watched:
    """What was seen of one recording while it was written, and what became of it."""

    path: str
    sizes: tuple[int, ...]
    early: bytes
    final: bytes
    same_inode: bool

    @property
    def changed(self) -> list[int]:
        """Offsets of bytes that were there early and are others now."""
        pairs = zip(self.early, self.final, strict=False)
        return [offset for offset, (before, after) in enumerate(pairs) if before != after]


@contextmanager
def recording(
    path: Path, kind: Kind, *, seconds: float = SECONDS, part_suffix: bool = False
) -> Iterator[subprocess.Popen[bytes]]:
    command = recorder_command(
        str(path),
        kind,
        seconds=seconds,
        bits_per_second=BITS_PER_SECOND,
        part_suffix=part_suffix,
    )
    with subprocess.Popen(command) as process:
        try:
            yield process
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> dict[Kind, Watched]:
    """One recording of every kind, recorded at the same time in real time."""
    folder = tmp_path_factory.mktemp("recordings")
    paths = {kind: folder / f"{kind}.mp4" for kind in Kind}
    with ExitStack() as running:
        processes = [
            running.enter_context(recording(path, kind)) for kind, path in paths.items()
        ]
        deadline = time.monotonic() + 10.0
        while not all(path.exists() for path in paths.values()):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        inodes = {kind: path.stat().st_ino for kind, path in paths.items()}
        began = time.monotonic()
        sizes: dict[Kind, list[int]] = {kind: [] for kind in Kind}
        while time.monotonic() < began + SECONDS - 0.5:
            for kind, path in paths.items():
                sizes[kind].append(path.stat().st_size)
            time.sleep(0.1)
        early = {kind: path.read_bytes() for kind, path in paths.items()}
        assert all(process.poll() is None for process in processes)
        assert [process.wait(10) for process in processes] == [0] * len(processes)
    return {
        kind: Watched(
            path=str(path),
            sizes=tuple(sizes[kind]),
            early=early[kind],
            final=path.read_bytes(),
            same_inode=path.stat().st_ino == inodes[kind],
        )
        for kind, path in paths.items()
    }


@pytest.mark.parametrize("kind", Kind)
def test_a_recording_grows_while_it_is_recorded(
    watched: dict[Kind, Watched], kind: Kind
) -> None:
    """Bytes reach the file as they are recorded: steadily, or a second at a time."""
    sizes = watched[kind].sizes
    assert list(sizes) == sorted(sizes)
    assert len(set(sizes)) >= (2 if kind is Kind.FRAGMENTED else 10)
    assert sizes[-1] > BITS_PER_SECOND / 8
    assert watched[kind].same_inode


def test_an_ordinary_recording_is_patched_near_its_beginning(
    watched: dict[Kind, Watched],
) -> None:
    """At the close only the length of `mdat` changes; the rest is appended."""
    changed = watched[Kind.ORDINARY].changed
    assert 1 <= len(changed) <= 8
    assert max(changed) < 64
    assert watched[Kind.ORDINARY].final.rfind(b"moov") > len(watched[Kind.ORDINARY].early)


def test_a_fragmented_recording_is_only_appended_to(watched: dict[Kind, Watched]) -> None:
    """What was written stays as it was."""
    assert watched[Kind.FRAGMENTED].changed == []
    assert b"moof" in watched[Kind.FRAGMENTED].final


def test_a_faststart_recording_is_rewritten_at_the_close(
    watched: dict[Kind, Watched],
) -> None:
    """Nearly all of the file changes, to bring `moov` to the front."""
    recording = watched[Kind.FASTSTART]
    assert len(recording.changed) > 0.95 * len(recording.early)
    assert recording.final.find(b"moov") < 64


@pytest.mark.parametrize("kind", Kind)
def test_a_closed_recording_is_playable_and_as_long_as_asked(
    watched: dict[Kind, Watched], kind: Kind
) -> None:
    """One picture and one sound track, every picture decodes, and the length is right."""
    with av.open(watched[kind].path, format="mp4") as container:
        assert [stream.type for stream in container.streams] == ["audio", "video"]
        assert sum(1 for _ in container.decode(video=0)) == round(SECONDS * 25)
        assert container.duration == pytest.approx(SECONDS * 1_000_000, rel=0.05)


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("bits_per_second", [500_000, 10_000_000, 50_000_000])
def test_the_bit_rate_is_met_at_little_cost(
    tmp_path: Path, kind: Kind, bits_per_second: int
) -> None:
    """The file is as large as asked for; ten at 10 Mbit/s are far below one core."""
    path = str(tmp_path / "recording.mp4")
    began = time.process_time()
    record(path, kind, seconds=4.0, bits_per_second=bits_per_second, realtime=False)
    cpu_seconds = time.process_time() - began
    assert os.path.getsize(path) * 8 / 4.0 == pytest.approx(bits_per_second, rel=0.15)
    assert cpu_seconds < 4.0 / 10 * max(1.0, bits_per_second / 10_000_000)


def test_no_two_places_of_a_recording_are_the_same(tmp_path: Path) -> None:
    """A part stored in the wrong place would not go unnoticed."""
    path = tmp_path / "recording.mp4"
    record(
        str(path), Kind.ORDINARY, seconds=10.0, bits_per_second=BITS_PER_SECOND, realtime=False
    )
    content = path.read_bytes()
    blocks = [content[at : at + 65_536] for at in range(0, len(content), 65_536)]
    assert len(set(blocks)) == len(blocks) > 50


async def test_with_a_part_suffix_the_name_appears_with_the_whole_file(tmp_path: Path) -> None:
    """It is written as `.mp4.part`, and renamed when it is done."""
    path = tmp_path / "recording.mp4"
    unfinished = tmp_path / "recording.mp4.part"
    with recording(path, Kind.ORDINARY, seconds=1.0, part_suffix=True):
        await wait_until(unfinished.exists)
        assert not path.exists()
        await wait_until(path.exists)
        assert not unfinished.exists()
    with av.open(str(path), format="mp4") as container:
        assert container.duration == pytest.approx(1_000_000, rel=0.1)
