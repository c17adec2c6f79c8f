"""The child process that looks into the media where there is no ffprobe.

`python -I -m cefmp4.adapters.probe_child /absolute/path` answers on its standard output
in the shape of ffprobe's JSON, so that one reader in the parent serves both, or ends
with one line on its standard error. The parent sets the limits of this process.

What must stay true: the format is given, never guessed, and files are the only protocol.
Guessing takes a playlist named .mp4 for a playlist, and opens what is listed in it.
"""

import json
import sys
from collections.abc import Mapping
from itertools import islice
from typing import Any

import av
from av.audio.stream import AudioStream
from av.codec import CodecContext
from av.container import InputContainer
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

PACKETS_TRIED = 64
"""A decoder that has given no frame by then gives none."""


def describe(path: str) -> Mapping[str, Any]:
    """What ffprobe would say, and whether a first frame can be decoded.

    Raises av.FFmpegError, which is an OSError or ValueError for some failures.
    """
    with av.open(path, format="mp4", options={"protocol_whitelist": "file"}) as container:
        duration = container.duration
        return {
            "program_version": {"version": av.__version__},
            "format": {"duration": duration / av.time_base if duration else None},
            "streams": [_described(stream) for stream in container.streams],
            "playable": _decodes(container),
        }


def _described(stream: Stream) -> Mapping[str, Any]:
    described: dict[str, Any] = {
        "codec_type": stream.type,
        "disposition": {"attached_pic": int(_is_picture(stream))},
    }
    codec = _decoder(stream)
    if codec is None:
        return described
    described |= {"codec_name": codec.name, "bit_rate": codec.bit_rate}
    if isinstance(stream, VideoStream):
        rate = stream.average_rate
        described |= {"width": stream.width, "height": stream.height}
        described["avg_frame_rate"] = f"{rate.numerator}/{rate.denominator}" if rate else None
    if isinstance(stream, AudioStream):
        described |= {"sample_rate": stream.sample_rate, "channels": stream.channels}
    return described


def _decodes(container: InputContainer) -> bool | None:
    """Whether the first frame comes out; None when there is no decoder to try."""
    streams = [stream for stream in container.streams if _can_be_played(stream)]
    if not streams:
        return None
    stream = min(streams, key=lambda stream: stream.type != "video")
    stream.codec_context.thread_count = 1
    for packet in islice(container.demux(stream), PACKETS_TRIED):
        try:
            if packet.decode():
                return True
        except av.FFmpegError:
            continue
    return False


def _can_be_played(stream: Stream) -> bool:
    is_media = isinstance(stream, VideoStream | AudioStream) and not _is_picture(stream)
    return is_media and _decoder(stream) is not None


def _decoder(stream: Stream) -> CodecContext | None:
    """None, whatever PyAV's types say, where this build has no decoder for a stream."""
    decoder: CodecContext | None = getattr(stream, "codec_context", None)
    return decoder


def _is_picture(stream: Stream) -> bool:
    """A cover picture is stored as a video stream of one frame."""
    return bool(stream.disposition & Disposition.attached_pic)


def main() -> None:
    try:
        sys.stdout.write(json.dumps(describe(sys.argv[1])))
    except (av.FFmpegError, OSError, MemoryError) as error:
        sys.exit(getattr(error, "strerror", None) or type(error).__name__)


if __name__ == "__main__":
    main()
