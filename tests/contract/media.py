"""Tiny real MP4s, made by a real muxer: 64 x 64 pixels of noise and, if wanted, sound."""

import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache

import av

WIDTH = HEIGHT = 64
FRAMES_PER_SECOND = 25
SAMPLES_PER_SECOND = 48_000
SAMPLES_PER_FRAME = 1024


@dataclass(frozen=True, slots=True)
class Flavour:
    """How a recorder lets its muxer write."""

    name: str
    options: Mapping[str, str] = field(default_factory=dict, hash=False)


ORDINARY = Flavour("ordinary")
FASTSTART = Flavour("faststart", {"movflags": "faststart"})
FRAGMENTED = Flavour("fragmented", {"movflags": "frag_keyframe+empty_moov"})
HYBRID = Flavour("hybrid", {"movflags": "frag_keyframe+hybrid_fragmented"})
RESERVED_MOOV = Flavour("reserved moov", {"moov_size": "20000"})
FLAVOURS = (ORDINARY, FASTSTART, FRAGMENTED, HYBRID, RESERVED_MOOV)


def record(
    path: str,
    flavour: Flavour = ORDINARY,
    *,
    frames: int = 25,
    sound: bool = False,
    before_close: Callable[[], None] | None = None,
) -> None:
    """Write a recording; `before_close` sees it as it is before the muxer finishes it."""
    with av.open(path, "w", format="mp4", options=dict(flavour.options)) as container:
        video = container.add_stream("mpeg4", rate=FRAMES_PER_SECOND)
        video.width, video.height, video.pix_fmt, video.gop_size = WIDTH, HEIGHT, "yuv420p", 5
        audio = None
        if sound:
            audio = container.add_stream("aac", rate=SAMPLES_PER_SECOND, layout="mono")
        for _ in range(frames):
            container.mux(video.encode(noise()))
        if audio:
            samples = frames * SAMPLES_PER_SECOND // FRAMES_PER_SECOND
            for number in range(samples // SAMPLES_PER_FRAME):
                container.mux(audio.encode(silence(number)))
            container.mux(audio.encode(None))
        container.mux(video.encode(None))
        if before_close:
            before_close()


@cache
def recorded(flavour: Flavour, *, frames: int = 25, sound: bool = False) -> bytes:
    """The bytes of a recording, made once."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "x.mp4")
        record(path, flavour, frames=frames, sound=sound)
        with open(path, "rb") as file:
            return file.read()


def noise() -> av.VideoFrame:
    frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
    for plane in frame.planes:
        plane.update(os.urandom(plane.buffer_size))
    return frame


def silence(number: int) -> av.AudioFrame:
    frame = av.AudioFrame("fltp", "mono", SAMPLES_PER_FRAME)
    frame.sample_rate, frame.pts = SAMPLES_PER_SECOND, number * SAMPLES_PER_FRAME
    for plane in frame.planes:
        plane.update(bytes(plane.buffer_size))
    return frame
