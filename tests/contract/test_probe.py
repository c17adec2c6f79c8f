"""The contract of the Prober port, kept with ffprobe and PyAV, on good and hostile files."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from cefmp4.adapters.probe import MediaProber
from cefmp4.adapters.probe_bounds import MediaRefused, run_bounded
from cefmp4.ports import Probe
from contract import media

NO_FFPROBE = "/nowhere/ffprobe"
NAMES = [
    "-x.mp4",
    "http:x.mp4",
    "a\nb.mp4",
    "q'u\"o te.mp4",
    "%03d.mp4",
    "$(id);.mp4",
    "\udcff.mp4",
]


@pytest.fixture(params=["pyav", "ffprobe"])
def prober(request: pytest.FixtureRequest) -> MediaProber:
    if request.param == "pyav":
        return MediaProber(NO_FFPROBE)
    if shutil.which("ffprobe") is None:
        pytest.skip("no ffprobe here: only PyAV is tried")
    return MediaProber()


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "x.mp4")


def cut_off(path: str, missing_bytes: int) -> None:
    os.truncate(path, os.path.getsize(path) - missing_bytes)


@contextmanager
def damaged(path: str, place: int) -> Iterator[None]:
    """Eight bytes are anything for a while."""
    with open(path, "r+b") as file:
        were = os.pread(file.fileno(), 8, place)
        os.pwrite(file.fileno(), os.urandom(8), place)
        yield
        os.pwrite(file.fileno(), were, place)


@pytest.mark.parametrize("flavour", media.FLAVOURS, ids=lambda flavour: flavour.name)
async def test_a_recording_is_described(
    prober: MediaProber, path: str, flavour: media.Flavour
) -> None:
    """Duration, video and sound, whatever way the muxer wrote it."""
    media.record(path, flavour, frames=50, sound=True)
    probe = await prober.probe(path)
    assert probe.duration_seconds == pytest.approx(2.0, abs=0.1)
    assert probe.video is not None
    assert probe.audio is not None
    video, audio = dict(probe.video), dict(probe.audio)
    assert video.pop("bit_rate") > 1000
    assert video.pop("frame_rate") == pytest.approx(25, abs=0.5)
    assert video == {"codec": "mpeg4", "width": 64, "height": 64}
    assert audio.pop("bit_rate") > 0
    assert audio == {"codec": "aac", "sample_rate": 48000, "channels": 1}
    assert (probe.playable, probe.problem) == (True, None)
    assert probe.prober is not None
    assert probe.prober.startswith(f"{prober.name} ")


@pytest.mark.parametrize("name", NAMES)
async def test_a_name_is_only_a_name(prober: MediaProber, tmp_path: Path, name: str) -> None:
    """No name is taken for an option, an address, a pattern or a command."""
    path = str(tmp_path / name)
    media.record(str(tmp_path / "plain"))
    os.rename(tmp_path / "plain", path)
    probe = await prober.probe(path)
    assert (probe.playable, probe.problem) == (True, None)


async def test_a_relative_path_is_not_even_tried(prober: MediaProber) -> None:
    """It could be taken for an option or an address."""
    assert (await prober.probe("-version")).problem == "the path is not absolute"


async def test_a_file_that_is_not_there_is_a_problem(prober: MediaProber, path: str) -> None:
    """Vanished, a directory or a FIFO: said, not raised, and not waited for."""
    problem = (await prober.probe(path)).problem
    assert problem == "cannot read the file: No such file or directory"
    os.mkfifo(path)
    assert (
        await prober.probe(path)
    ).problem == "cannot read the file: it is not a regular file"
    problem = (await prober.probe(os.path.dirname(path))).problem
    assert problem == "cannot read the file: it is not a regular file"


async def test_an_unfinished_recording_is_not_playable(prober: MediaProber, path: str) -> None:
    """An ordinary MP4 without its moov: the prober says why."""
    media.record(path)
    cut_off(path, 5000)
    probe = await prober.probe(path)
    assert probe.playable is False
    assert probe.duration_seconds is None
    assert probe.problem is not None
    assert probe.problem.startswith(f"{prober.name}: ")
    assert path not in probe.problem


async def test_a_cut_off_recording_is_described_and_flagged(
    prober: MediaProber, path: str
) -> None:
    """What is there may well play; the boxes tell what the probers overlook."""
    media.record(path, media.FASTSTART, frames=50)
    cut_off(path, 100)
    probe = await prober.probe(path)
    assert probe.playable is True
    assert probe.video is not None
    assert probe.problem is not None
    assert probe.problem.endswith("is cut off, 100 bytes are missing")


async def test_damaged_media_is_answered(prober: MediaProber, path: str) -> None:
    """Any byte may be wrong: there is always an answer, and always soon."""
    media.record(path, media.FASTSTART, sound=True)
    for place in range(40, 2400, 200):
        with damaged(path, place):
            assert isinstance(await asyncio.wait_for(prober.probe(path), 20), Probe)


# --- files that point elsewhere ---------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What a hostile file may point to: an address that listens, and a file of others."""

    port: int
    secret: str
    visits: list[str]


@pytest.fixture
async def elsewhere(tmp_path: Path) -> AsyncIterator[Elsewhere]:
    visits: list[str] = []

    async def visited(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visits.append("TCP")
        writer.close()

    secret = tmp_path / "secret.mp4"
    await asyncio.to_thread(media.record, str(secret), media.FRAGMENTED)
    async with await asyncio.start_server(visited, "127.0.0.1", 0) as server:
        yield Elsewhere(server.sockets[0].getsockname()[1], str(secret), visits)


HOSTILE = {
    "HLS": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{secret}\n"
    "#EXTINF:1,\nhttp://127.0.0.1:{port}/x.mp4\n#EXT-X-ENDLIST\n",
    "ffconcat": "ffconcat version 1.0\nfile '{secret}'\nfile 'http://127.0.0.1:{port}/x.mp4'\n",
    "SDP": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
    "m=video {port} RTP/AVP 96\na=rtpmap:96 H264/90000\n",
    "DASH": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
    'mediaPresentationDuration="PT1S"><Period><AdaptationSet mimeType="video/mp4">'
    '<Representation id="1" bandwidth="1"><BaseURL>http://127.0.0.1:{port}/x.mp4</BaseURL>'
    "</Representation></AdaptationSet></Period></MPD>",
}


@pytest.mark.parametrize("kind", HOSTILE)
async def test_a_file_that_points_elsewhere_is_not_followed(
    prober: MediaProber, path: str, elsewhere: Elsewhere, kind: str
) -> None:
    """Our own look at its first bytes ends it; the child alone would not follow either."""
    text = HOSTILE[kind].format(port=elsewhere.port, secret=elsewhere.secret)
    await asyncio.to_thread(Path(path).write_text, text)
    assert await prober.probe(path) == Probe(problem="the file does not begin as an MP4 does")
    with pytest.raises(MediaRefused) as caught:
        await run_bounded(prober._command(path), timeout_seconds=10)
    assert "secret" not in str(caught.value)
    assert elsewhere.visits == []
