"""The child process that makes a picture of a recording: one JPEG on its standard output.

`python -I -m cefmp4.adapters.poster_child /absolute/path` writes the picture, or ends with
one line on its standard error. The parent sets the limits of this process and looks at what
comes back. The picture is from about a tenth into the play time, as first pictures are often
black; upright and in the right proportions, whatever way up and however squeezed it is stored.

What must stay true: the format is given, never guessed, and files are the only protocol, as
in `probe_child.py`.
"""

import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from fractions import Fraction
from itertools import islice

import av
from av.codec import CodecContext
from av.container import InputContainer
from av.filter import Graph
from av.stream import Disposition
from av.video.stream import VideoStream

LONGEST_SIDE = 640
INTO_IT = 10
"""The picture is from this fraction of the play time."""
OPENING_SECONDS = 2
"""What is later than that is taken for a picture of the matter."""
QUANTIZER = 4
"""Of 1 (best) to 31: ordinary pictures take some tens of KB, noise of full size 250 KB."""
PACKETS_TRIED = 256
"""A decoder that has given no picture by then gives none."""
TURNS = {90: ("cclock",), -90: ("clock",), 180: ("clock", "clock"), -180: ("clock", "clock")}
"""Degrees counter-clockwise to what `transpose` is told."""


class NoPicture(Exception):
    """Nothing in it can be shown."""


def picture(path: str) -> bytes:
    """A JPEG of the recording. Raises NoPicture or av.FFmpegError."""
    with av.open(path, format="mp4", options={"protocol_whitelist": "file"}) as container:
        stream = _video(container)
        stream.codec_context.thread_count = 1
        pixel = stream.sample_aspect_ratio or Fraction(1)
        for place in _places(container):
            frame = _first_from(_frames(container, stream, place), _enough(container, place))
            if frame is not None:
                return _jpeg(_upright(frame, pixel))
    raise NoPicture("no picture in it can be decoded")


def _video(container: InputContainer) -> VideoStream:
    for stream in container.streams.video:
        is_cover = bool(stream.disposition & Disposition.attached_pic)
        # None, whatever PyAV's types say, where this build has no decoder.
        if not is_cover and getattr(stream, "codec_context", None) is not None:
            return stream
    raise NoPicture("there is no video in it that can be decoded")


def _places(container: InputContainer) -> Iterator[int]:
    """Where to look for a picture, in microseconds: a tenth into it, then the beginning."""
    begin = container.start_time or 0
    if container.duration:
        yield begin + container.duration // INTO_IT
    yield begin


def _frames(
    container: InputContainer, stream: VideoStream, place: int
) -> Iterator[av.VideoFrame]:
    """What can be decoded from there on, of the first packets."""
    with suppress(av.FFmpegError):
        container.seek(place)
    with suppress(av.FFmpegError):
        for packet in islice(container.demux(stream), PACKETS_TRIED):
            with suppress(av.FFmpegError):
                yield from packet.decode()


def _enough(container: InputContainer, place: int) -> int:
    """From when on a picture will do: a seek can end at the very first frame."""
    return min(place, (container.start_time or 0) + OPENING_SECONDS * av.time_base)


def _first_from(frames: Iterable[av.VideoFrame], enough: int) -> av.VideoFrame | None:
    """The first one from then on; the last one, where all are earlier."""
    frame = None
    for frame in frames:
        if frame.pts is None or frame.time * av.time_base >= enough:
            break
    return frame


def _upright(frame: av.VideoFrame, pixel: Fraction) -> av.VideoFrame:
    """The frame as it is meant to be seen, and no larger than need be."""
    width, height = shown_size(frame.width, frame.height, pixel)
    graph = Graph()
    graph.threads = 1
    steps = [
        graph.add_buffer(
            width=frame.width,
            height=frame.height,
            format=frame.format,
            time_base=Fraction(1, av.time_base),
        ),
        graph.add("scale", f"{width}:{height}:flags=area:out_range=pc"),
        graph.add("setsar", "1"),
        *(graph.add("transpose", turn) for turn in TURNS.get(frame.rotation, ())),
        graph.add("format", "yuvj420p"),
        graph.add("buffersink"),
    ]
    graph.link_nodes(*steps).configure()
    graph.vpush(frame)
    return graph.vpull()


def shown_size(width: int, height: int, pixel: Fraction) -> tuple[int, int]:
    """Width and height of the picture, for a frame of pixels that may be oblong."""
    shown = (width * max(pixel, Fraction(1)), height * max(1 / pixel, Fraction(1)))
    shrink = min(Fraction(1), LONGEST_SIDE / max(shown))
    return max(2, round(shown[0] * shrink)), max(2, round(shown[1] * shrink))


def _jpeg(frame: av.VideoFrame) -> bytes:
    encoder = CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt = frame.width, frame.height, "yuvj420p"
    encoder.time_base, encoder.thread_count = Fraction(1, av.time_base), 1
    encoder.qmin = encoder.qmax = QUANTIZER
    frame.pts, frame.time_base = 0, encoder.time_base
    return b"".join(bytes(packet) for packet in (*encoder.encode(frame), *encoder.encode(None)))


def main() -> None:
    try:
        sys.stdout.buffer.write(picture(sys.argv[1]))
    except NoPicture as error:
        sys.exit(str(error))
    except (av.FFmpegError, OSError, MemoryError, ValueError) as error:
        sys.exit(getattr(error, "strerror", None) or type(error).__name__)


if __name__ == "__main__":
    main()
