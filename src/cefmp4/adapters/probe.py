"""What the media of a recording says of itself: asked of ffprobe, else of PyAV.

A child process within bounds (`probe_bounds.py`) is told the format instead of guessing it
(guessing opens the local files and addresses that a playlist named .mp4 lists), with files
as the only protocol.

What must stay true: no file makes this raise, hang or leave a process behind.
"""

import asyncio
import json
import os
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from cefmp4.adapters.probe_bounds import (
    MediaRefused,
    ProbeFailed,
    boxes_of_mp4,
    first_line,
    run_bounded,
    text_of,
)
from cefmp4.core.mp4 import Boxes
from cefmp4.ports import Probe

MOST = 2**53
"""No figure about media is larger, and JSON carries this exactly."""
ENTRIES = (
    "program_version=version"
    ":format=duration"
    ":stream=codec_type,codec_name,width,height,avg_frame_rate,bit_rate,sample_rate,channels"
    ":stream_disposition=attached_pic"
)


class MediaProber:
    """The Prober port. `ffprobe_path` None: ffprobe from PATH; without one, PyAV."""

    def __init__(
        self, ffprobe_path: str | None = None, timeout_seconds: float = 30.0, children: int = 2
    ) -> None:
        found = shutil.which(ffprobe_path or "ffprobe")
        self.ffprobe = os.path.abspath(found) if found else None
        self._timeout_seconds = timeout_seconds
        self._children = asyncio.Semaphore(children)

    @property
    def name(self) -> str:
        """Who will be asked: ffprobe or pyav."""
        return "ffprobe" if self.ffprobe else "pyav"

    async def probe(self, path: str) -> Probe:
        try:
            boxes = await boxes_of_mp4(path, self._timeout_seconds)
        except ProbeFailed as failure:
            return Probe(problem=str(failure))
        try:
            async with self._children:
                output = await run_bounded(self._command(path), self._timeout_seconds)
            return described(output, self.name, boxes)
        except ProbeFailed as failure:
            playable = False if isinstance(failure, MediaRefused) else None
            why = first_line(str(failure).replace(path, "the file"))
            return Probe(playable=playable, prober=self.name, problem=f"{self.name}: {why}")

    def _command(self, path: str) -> Sequence[str]:
        if self.ffprobe is None:
            return (sys.executable, "-I", "-B", "-m", "cefmp4.adapters.probe_child", path)
        safely = ("-v", "error", "-f", "mov", "-protocol_whitelist", "file", "-threads", "1")
        asking = ("-show_entries", ENTRIES, "-of", "json")
        return (self.ffprobe, *safely, *asking, "-i", path)


# --- the answer -------------------------------------------------------------------------


def described(output: bytes, name: str, boxes: Boxes) -> Probe:
    """The answer, in ffprobe's JSON, as a Probe. Nothing in it is taken on trust.

    Raises ProbeFailed when it is not JSON of that shape.
    """
    try:
        answer = json.loads(output)
    except (ValueError, RecursionError) as error:
        raise ProbeFailed("the answer is not JSON") from error
    answer = _mapping(answer)
    video, audio = _stream(answer, "video"), _stream(answer, "audio")
    duration = _number(_mapping(answer.get("format")).get("duration"))
    version = text_of(_mapping(answer.get("program_version")).get("version"))
    decoded = answer.get("playable")
    problem = None if video or audio else "there is neither video nor audio in it"
    return Probe(
        duration_seconds=duration,
        video=video and _video(video),
        audio=audio and _audio(audio),
        playable=decoded
        if isinstance(decoded, bool)
        else bool(video or audio) and bool(duration),
        prober=f"{name} {version}" if version else name,
        problem=problem or boxes.problem,
    )


def _stream(answer: Mapping[str, Any], kind: str) -> Mapping[str, Any] | None:
    """The first stream of a kind that is not a cover picture."""
    streams = answer.get("streams")
    for stream in map(_mapping, streams if isinstance(streams, list) else ()):
        picture = _mapping(stream.get("disposition")).get("attached_pic")
        if stream.get("codec_type") == kind and not picture:
            return stream
    return None


def _video(stream: Mapping[str, Any]) -> Mapping[str, Any]:
    rate = {"frame_rate": _rate(stream.get("avg_frame_rate"))}
    return _codec_and(stream, "width", "height", "bit_rate") | rate


def _audio(stream: Mapping[str, Any]) -> Mapping[str, Any]:
    return _codec_and(stream, "sample_rate", "channels", "bit_rate")


def _codec_and(stream: Mapping[str, Any], *numbers: str) -> dict[str, Any]:
    codec = {"codec": text_of(stream.get("codec_name"))}
    return codec | {number: _whole(stream.get(number)) for number in numbers}


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: object) -> float | None:
    """ffprobe gives numbers as strings, and N/A for what it does not know."""
    try:
        number = float(value) if isinstance(value, str | int | float) else 0.0
    except (ValueError, OverflowError):
        return None
    return number if 0 < number < MOST else None


def _whole(value: object) -> int | None:
    number = _number(value)
    return int(number) if number else None


def _rate(value: object) -> float | None:
    """Frames per second, from a fraction like 30000/1001; 0/0 is unknown."""
    parts = re.fullmatch(
        r"([0-9]{1,10})/([0-9]{1,10})", value if isinstance(value, str) else ""
    )
    if not parts or not int(parts[2]):
        return None
    return round(int(parts[1]) / int(parts[2]), 3) or None
