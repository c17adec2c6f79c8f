"""What the media in a recording say of themselves."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Probe:
    """What the media says of itself. Unknown fields are None; `problem` says why."""

    duration_seconds: float | None = None
    video: Mapping[str, Any] | None = None
    """codec, width, height, frame_rate, bit_rate"""
    audio: Mapping[str, Any] | None = None
    """codec, sample_rate, channels, bit_rate"""
    playable: bool | None = None
    prober: str | None = None
    """ffprobe or pyav, with its version"""
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Poster:
    """A picture out of the recording, as it stands beside its object: a JPEG."""

    key: str
    width: int
    height: int
    size_bytes: int
