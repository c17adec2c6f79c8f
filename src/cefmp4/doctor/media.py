"""Who looks into the media: ffprobe, or PyAV in a child process; and who makes pictures."""

import sys
from dataclasses import replace

from cefmp4.adapters.probe import MediaProber
from cefmp4.adapters.probe_bounds import ProbeFailed, first_line, run_bounded
from cefmp4.config import Settings
from cefmp4.doctor.report import Row, fine, warning

SECONDS = 10.0
MEND = "install ffmpeg, or set FFPROBE_PATH; without it recordings are stored, not described"


WITHOUT = "install the `av` package anew; without it recordings are stored without a picture"
PYAV = "import av; print('PyAV', av.__version__)"
PICTURES = f"{PYAV}; av.codec.Codec('h264'); av.codec.Codec('mjpeg', 'w')"


async def examine_media(settings: Settings) -> list[Row]:
    """Whether it can be started, and its version; and who makes posters, where wanted."""
    prober = MediaProber(settings.ffprobe_path)
    named = prober.ffprobe or "no ffprobe"
    command = [prober.ffprobe, "-version"] if prober.ffprobe else _python(PYAV)
    rows = [await _asked("media", command, named, warning("media", prober.name, MEND))]
    if settings.poster:
        none = warning("posters", "PyAV", WITHOUT)
        rows.append(await _asked("posters", _python(PICTURES), "one of each recording", none))
    return rows


def _python(code: str) -> list[str]:
    return [sys.executable, "-I", "-B", "-c", code]


async def _asked(what: str, command: list[str], named: str, silent: Row) -> Row:
    """Its version; `silent`, with the reason, when it does not answer."""
    try:
        told = (await run_bounded(command, SECONDS)).decode(errors="replace")
    except ProbeFailed as error:
        return replace(silent, found=f"{silent.found} {first_line(str(error))}")
    version = told.partition("\n")[0].partition(" Copyright")[0]
    return fine(what, f"{named}: {version}")
