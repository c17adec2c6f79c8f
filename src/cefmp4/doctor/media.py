"""Who looks into the media: ffprobe, or PyAV in a child process."""

import sys

from cefmp4.adapters.probe import MediaProber
from cefmp4.adapters.probe_bounds import ProbeFailed, run_bounded
from cefmp4.config import Settings
from cefmp4.doctor.report import Row, fine, warning

SECONDS = 10.0
MEND = "install ffmpeg, or set FFPROBE_PATH; without it recordings are stored, not described"


async def examine_media(settings: Settings) -> list[Row]:
    """Whether it can be started, and its version."""
    prober = MediaProber(settings.ffprobe_path)
    if prober.ffprobe is None:
        asking = "import av; print('PyAV', av.__version__)"
        command = [sys.executable, "-I", "-B", "-c", asking]
    else:
        command = [prober.ffprobe, "-version"]
    try:
        told = (await run_bounded(command, SECONDS)).decode(errors="replace")
    except ProbeFailed as error:
        return [warning("media", f"{prober.name} {error}", MEND)]
    version = told.partition("\n")[0].partition(" Copyright")[0]
    return [fine("media", f"{prober.ffprobe or 'no ffprobe'}: {version}")]
