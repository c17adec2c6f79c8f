"""The child process of a probe, its limits, and what is made of its answer.

A shell script stands where ffprobe is expected and does what a bad one might.
"""

import asyncio
import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from cefmp4.adapters.probe import MediaProber
from cefmp4.adapters.probe_bounds import OUTPUT_BYTES, run_bounded
from cefmp4.ports import Probe
from contract import media
from waiting import wait_until


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A good recording: what goes wrong is the child."""
    path = str(tmp_path / "x.mp4")
    media.record(path)
    return path


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str], str]:
    """A program that stands where ffprobe is expected."""

    def written(text: str) -> str:
        path = tmp_path / "ffprobe"
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return str(path)

    return written


def someone_has_open(path: str) -> bool:
    for process in filter(str.isdecimal, os.listdir("/proc")):
        with suppress(OSError):
            for fd in os.listdir(f"/proc/{process}/fd"):
                if os.readlink(f"/proc/{process}/fd/{fd}") == path:
                    return True
    return False


async def test_a_child_that_hangs_is_killed_with_its_children(
    script: Callable[[str], str], path: str
) -> None:
    """After the time limit nothing of it is left, and nothing is known of the media."""
    prober = MediaProber(script(f"sleep 60 < '{path}' & sleep 60"), timeout_seconds=0.5)
    probe = await asyncio.wait_for(prober.probe(path), 5)
    assert probe == Probe(prober="ffprobe", problem="ffprobe: no answer within 0.5 s")
    await wait_until(lambda: not someone_has_open(path), timeout_seconds=5)


async def test_a_cancelled_probe_kills_its_child(
    script: Callable[[str], str], path: str
) -> None:
    """Who stops waiting leaves no process behind."""
    probing = asyncio.create_task(MediaProber(script(f"sleep 60 < '{path}'")).probe(path))
    await wait_until(lambda: someone_has_open(path))
    probing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await probing
    assert not someone_has_open(path)


async def test_an_endless_answer_is_cut_off(script: Callable[[str], str], path: str) -> None:
    """A megabyte is more than any honest answer."""
    probe = await asyncio.wait_for(MediaProber(script("exec yes")).probe(path), 10)
    assert probe.problem == f"ffprobe: the answer is longer than {OUTPUT_BYTES} bytes"
    assert probe.playable is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("echo nonsense", "ffprobe: the answer is not JSON"),
        ("echo '[[1, 2]]'", "there is neither video nor audio in it"),
        ("printf '%0*d' 100000 0 | tr 0 '['", "ffprobe: the answer is not JSON"),
        ("exit 3", "ffprobe: it ended with 3"),
        ("kill -SEGV $$", "ffprobe: it ended with -11"),
        ("echo '[mov @ 0x5] moov atom not found' >&2; exit 1", "ffprobe: moov atom not found"),
        ("printf 'a\\033[31mb\\n' >&2; exit 1", "ffprobe: a[31mb"),
        ("yes complaint | head -c 9000000 >&2; exit 1", "ffprobe: complaint"),
    ],
)
async def test_any_answer_is_made_into_a_problem(
    script: Callable[[str], str], path: str, text: str, problem: str
) -> None:
    """Nonsense, crashes and floods of complaints end in one readable sentence."""
    probe = await asyncio.wait_for(MediaProber(script(text)).probe(path), 10)
    assert probe.problem == problem
    assert probe.duration_seconds is None


async def test_figures_that_cannot_be_are_unknown(
    script: Callable[[str], str], path: str
) -> None:
    """Only sane numbers and short, printable words come through; cover pictures do not."""
    answer = {
        "program_version": {"version": "9\n" + "v" * 500},
        "format": {"duration": "1e999"},
        "streams": [
            {"codec_type": "video", "codec_name": "png", "disposition": {"attached_pic": 1}},
            {"codec_type": "video", "codec_name": 7, "width": -1, "avg_frame_rate": "1/0"},
            {"codec_type": "audio", "bit_rate": "N/A", "sample_rate": "48000", "channels": []},
        ],
    }
    probe = await MediaProber(script(f"cat <<'END'\n{json.dumps(answer)}\nEND")).probe(path)
    assert probe.duration_seconds is None
    assert probe.video == dict.fromkeys(("codec", "width", "height", "bit_rate", "frame_rate"))
    assert probe.audio == {
        "codec": None,
        "sample_rate": 48000,
        "channels": None,
        "bit_rate": None,
    }
    assert probe.playable is False
    assert probe.prober == "ffprobe 9" + "v" * 199


async def test_the_child_is_poor_and_polite(monkeypatch: pytest.MonkeyPatch) -> None:
    """No secrets in its environment, no file to write, little memory, low priority."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    environment = await run_bounded(("/usr/bin/env",), timeout_seconds=5)
    assert environment == b"LC_ALL=C.UTF-8\nAV_LOG_FORCE_NOCOLOR=1\nHOME=/\n"
    telling = "sleep 0.3; ulimit -f; ulimit -n; pwd; /usr/bin/nice"
    told = await run_bounded(("/bin/sh", "-c", telling), timeout_seconds=5)
    assert told.decode().split() == ["0", "64", "/", "19"]


async def test_a_program_that_cannot_be_started_is_a_problem(
    script: Callable[[str], str], path: str
) -> None:
    """As when it was removed since."""
    program = script("exit 0")
    prober = MediaProber(program)
    os.unlink(program)
    problem = (await prober.probe(path)).problem
    assert problem == "ffprobe: cannot be started: No such file or directory"


def test_without_ffprobe_pyav_is_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A wrong FFPROBE_PATH or none at all still gives an answer."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert MediaProber().name == "pyav"
    assert MediaProber("/nowhere/ffprobe").name == "pyav"
