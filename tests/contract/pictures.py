"""Recordings of a picture that tells which way up it is, and pictures taken apart again."""

import io
import os
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import av
from av.stream import Disposition
from av.video.stream import VideoStream

from contract import media
from hostile.boxes import changed, patched

DARK, BRIGHT = 40, 200
SQUARE = Fraction(1)
TKHD_MATRIX = 40
TURNED = {
    90: (0, 1, -1, 0),
    180: (-1, 0, 0, -1),
    270: (0, -1, 1, 0),
}
"""Degrees clockwise, as a telephone writes them; a b c d of the matrix."""


def record(
    path: str,
    width: int,
    height: int,
    *,
    flavour: media.Flavour = media.ORDINARY,
    codec: str = "libx264",
    frames: int = 50,
    pixel: Fraction = SQUARE,
    black: int = 0,
    key_frame_every: int = 5,
) -> None:
    """Dark above, bright below; the first `black` frames are black."""
    options: Mapping[str, str] = flavour.options
    with av.open(path, "w", format="mp4", options=dict(options)) as container:
        video = container.add_stream(codec, rate=media.FRAMES_PER_SECOND)
        assert isinstance(video, VideoStream)
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        video.gop_size = key_frame_every
        video.codec_context.sample_aspect_ratio = pixel
        for number in range(frames):
            shades = (0, 0) if number < black else (DARK, BRIGHT)
            container.mux(video.encode(halves(width, height, shades)))
        container.mux(video.encode(None))


def record_sound(path: str, *, cover: bool = False) -> None:
    """A recording without video; a cover picture is stored like a stream of one frame."""
    with av.open(path, "w", format="mp4") as container:
        audio = container.add_stream("aac", rate=media.SAMPLES_PER_SECOND, layout="mono")
        if cover:
            picture = container.add_stream("mjpeg", rate=1)
            picture.width, picture.height, picture.pix_fmt = 64, 64, "yuvj420p"
            picture.disposition = Disposition.attached_pic
            container.mux(picture.encode(halves(64, 64, (DARK, BRIGHT))))
        for number in range(40):
            container.mux(audio.encode(media.silence(number)))
        container.mux(audio.encode(None))


def halves(width: int, height: int, shades: tuple[int, int]) -> av.VideoFrame:
    frame = av.VideoFrame(width, height, "yuv420p")
    for number, plane in enumerate(frame.planes):
        above, below = (128, 128) if number else shades
        half = plane.line_size * (plane.height // 2)
        rest = plane.buffer_size - half
        plane.update(bytes([above]) * half + bytes([below]) * rest)
    return frame


def damage_from(path: str, number: int) -> None:
    """Nothing but zeros in place of the frame of this number, and of all that follow."""
    with av.open(path) as container:
        place = [packet.pos for packet in container.demux(video=0) if packet.size][number]
    assert place is not None
    with open(path, "r+b") as file:
        file.seek(place)
        file.write(bytes(os.path.getsize(path) - place))


def turn(path: str, degrees: int) -> None:
    """Say of a recording that it is to be shown turned so far, clockwise."""
    a, b, c, d = (value * 2**16 for value in TURNED[degrees])
    with open(path, "r+b") as file:
        matrix = patched(TKHD_MATRIX, ">iiiiiiiii", a, b, 0, c, d, 0, 0, 0, 2**30)
        content = changed(file.read(), "moov/trak/tkhd", matrix)
        file.seek(0)
        file.write(content)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a decoder makes of a JPEG: its size, and how bright it is near each edge."""

    width: int
    height: int
    top: int
    bottom: int
    left: int
    right: int


def seen(jpeg: bytes) -> Seen:
    with av.open(io.BytesIO(jpeg), "r", format="jpeg_pipe") as container:
        (frame,) = container.decode(video=0)
    plane = frame.planes[0]
    shades, line, width, height = bytes(plane), plane.line_size, frame.width, frame.height

    def at(x: int, y: int) -> int:
        return shades[y * line + x]

    return Seen(
        width,
        height,
        top=at(width // 2, 1),
        bottom=at(width // 2, height - 2),
        left=at(1, height // 2),
        right=at(width - 2, height // 2),
    )
