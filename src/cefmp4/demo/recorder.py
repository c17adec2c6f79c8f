"""Recorders that write a real MP4 as real ones do: paced, growing, patched at the close.

The muxer is FFmpeg's own, so what changes in the file after it was written is what changes
in the field. The picture is one second, encoded once and muxed over and over, which makes
ten recorders cost a small part of a core. The bit rate is met by a comment in front of each
picture (H.264 SEI, user data unregistered) of random bytes: every second of the file
differs from every other, so that a part stored in the wrong place cannot go unnoticed.

    python -m cefmp4.demo.recorder PATH --kind ordinary --seconds 20 --bits-per-second 10000000
"""

import argparse
import heapq
import math
import os
import sys
import time
from array import array
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

import av
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Stream

_WIDTH, _HEIGHT = 320, 180
_SAMPLE_RATE = 48_000
_SAMPLES_PER_PACKET = 1024
_PACKETS_UNTIL_STEADY = 16
_ZERO_TO_ONE = bytes.maketrans(b"\0", b"\1")
"""Without zeros, random bytes cannot look like the start of a NAL unit."""


class Kind(StrEnum):
    """How a muxer lays out the file, and so which written bytes change later."""

    ORDINARY = "ordinary"
    """The length of `mdat`, near the beginning, is patched at the close; `moov` comes last."""
    FRAGMENTED = "fragmented"
    """Append-only: a small `moov`, then `moof` + `mdat` pairs, `mfra` at the close."""
    FASTSTART = "faststart"
    """As ordinary, then nearly all of the file is rewritten to move `moov` to the front."""


_MUXER_OPTIONS: dict[Kind, dict[str, str]] = {
    Kind.ORDINARY: {},
    Kind.FRAGMENTED: {"movflags": "frag_keyframe+empty_moov+default_base_moof"},
    Kind.FASTSTART: {"movflags": "faststart"},
}


@dataclass(frozen=True, slots=True)
class _Track:
    """One stream of the file: a few encoded packets, repeated as long as it takes."""

    stream: Stream
    loop: Sequence[bytes]
    """The first one needs none before it, each other the one before it."""
    tick: Fraction
    """Length of a tick, in seconds."""
    ticks: int
    """Length of a packet."""
    least_bytes: int = 0
    """Smaller packets are filled up with a comment."""

    def packets(self, seconds: float) -> Iterator["Packet[Stream]"]:
        for number in range(round(seconds / (self.ticks * self.tick))):
            in_loop = number % len(self.loop)
            data = self.loop[in_loop]
            packet = Packet(_comment(self.least_bytes - len(data)) + data)
            packet.stream = self.stream
            packet.time_base = self.tick
            packet.pts = packet.dts = number * self.ticks
            packet.duration = self.ticks
            packet.is_keyframe = in_loop == 0
            yield packet


def record(
    path: str,
    kind: Kind,
    *,
    seconds: float,
    bits_per_second: int,
    realtime: bool = True,
    fps: int = 25,
) -> None:
    """Write an MP4 to `path`, in real time or as fast as the disk takes it.

    Below some 0.3 Mbit/s the picture and the sound alone are larger than what was asked for.
    Ctrl-C (KeyboardInterrupt, which goes on) leaves a shorter file, closed as usual.
    """
    # Without flush_packets FFmpeg holds up to 32 KiB back: seconds, at a low bit rate.
    options = {**_MUXER_OPTIONS[kind], "flush_packets": "1"}
    with av.open(os.path.abspath(path), "w", format="mp4", options=options) as container:
        audio = _sound(container)
        audio_bits = 8 * len(audio.loop[0]) // (audio.ticks * audio.tick)
        video = _picture(container, fps, (bits_per_second - audio_bits) // (8 * fps))
        tracks = (track.packets(seconds) for track in (audio, video))
        began = time.monotonic()
        for packet in heapq.merge(*tracks, key=_presented_at):
            if realtime:
                time.sleep(max(0.0, began + _presented_at(packet) - time.monotonic()))
            container.mux(packet)


def _presented_at(packet: "Packet[Stream]") -> float:
    """Seconds from the beginning."""
    return float((packet.pts or 0) * packet.time_base)


def _picture(container: OutputContainer, fps: int, picture_bytes: int) -> _Track:
    """A ramp that moves, one second of it."""
    options = {"preset": "ultrafast", "tune": "zerolatency"}
    stream = container.add_stream("libx264", rate=fps, options=options)
    stream.width, stream.height, stream.pix_fmt = _WIDTH, _HEIGHT, "yuv420p"
    stream.gop_size = fps
    stream.thread_count = 1
    frame = av.VideoFrame(_WIDTH, _HEIGHT, "yuv420p")
    loop: list[bytes] = []
    for number in range(fps):
        luma, *chroma = frame.planes
        line = bytes((x + 256 * number // fps) % 256 for x in range(luma.line_size))
        luma.update(line * luma.height)
        for plane in chroma:
            plane.update(bytes([128]) * plane.buffer_size)
        frame.pts = number
        loop += map(bytes, stream.encode(frame))
    return _Track(stream, loop, Fraction(1, fps), 1, picture_bytes)


def _sound(container: OutputContainer) -> _Track:
    """A quiet tone of ten whole periods a packet, so that each may follow any other."""
    stream = container.add_stream("aac", rate=_SAMPLE_RATE, layout="mono")
    turn = 2 * math.pi * 10 / _SAMPLES_PER_PACKET
    tone = array("f", (0.1 * math.sin(turn * n) for n in range(_SAMPLES_PER_PACKET)))
    frame = av.AudioFrame("fltp", "mono", _SAMPLES_PER_PACKET)
    frame.sample_rate = _SAMPLE_RATE
    frame.planes[0].update(tone.tobytes())
    encoded: list[bytes] = []
    for number in range(_PACKETS_UNTIL_STEADY):
        frame.pts = number * _SAMPLES_PER_PACKET
        encoded += map(bytes, stream.encode(frame))
    stream.encode(None)  # or FFmpeg complains at the close about frames left in its queue
    return _Track(stream, encoded[-1:], Fraction(1, _SAMPLE_RATE), _SAMPLES_PER_PACKET)


def _comment(size_bytes: int) -> bytes:
    """An SEI NAL unit of about this size that decoders skip; nothing if it would be tiny."""
    payload_bytes = size_bytes - size_bytes // 255 - 8
    if payload_bytes < 16:
        return b""
    noise = os.urandom(payload_bytes).translate(_ZERO_TO_ONE)
    many, rest = divmod(payload_bytes, 255)
    return b"\0\0\0\1\x06\x05" + b"\xff" * many + bytes([rest]) + noise + b"\x80"


def recorder_command(
    path: str, kind: Kind, *, seconds: float, bits_per_second: int, part_suffix: bool = False
) -> list[str]:
    """The command that makes a child process of such a recorder."""
    command = [sys.executable, "-m", "cefmp4.demo.recorder", path, "--kind", kind.value]
    command += ["--seconds", str(seconds), "--bits-per-second", str(bits_per_second)]
    return [*command, "--part-suffix"] if part_suffix else command


def main() -> None:
    parser = argparse.ArgumentParser(description="Record an MP4 as a camera would.")
    parser.add_argument("path")
    parser.add_argument("--kind", type=Kind, choices=list(Kind), default=Kind.ORDINARY)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--bits-per-second", type=int, default=10_000_000)
    parser.add_argument("--fast", action="store_true", help="do not wait for real time")
    parser.add_argument(
        "--part-suffix", action="store_true", help="write to PATH.part, rename it at the end"
    )
    asked = parser.parse_args()
    unfinished = asked.path + ".part" if asked.part_suffix else asked.path
    with suppress(KeyboardInterrupt):
        record(
            unfinished,
            asked.kind,
            seconds=asked.seconds,
            bits_per_second=asked.bits_per_second,
            realtime=not asked.fast,
        )
    if asked.part_suffix:
        os.rename(unfinished, asked.path)


if __name__ == "__main__":
    main()
