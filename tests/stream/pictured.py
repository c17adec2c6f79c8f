"""Twins whose recordings have video, and of which pictures are wanted."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from cefmp4.ports import NoPicture, Picture, Probe
from stream.twins import Twins

SHOWN = Picture(b"\xff\xd8 a picture \xff\xd9", 640, 360)


@dataclass
class VideoProber:
    """Finds a video in every file, unless told otherwise."""

    video: dict[str, int] | None = field(default_factory=lambda: {"width": 1920})

    async def probe(self, path: str) -> Probe:
        return Probe(duration_seconds=10.0, video=self.video, prober="twin")


@dataclass
class PlainIllustrator:
    """Makes the same of every file; `during` is called meanwhile."""

    found: Picture | NoPicture = SHOWN
    during: Callable[[], None] = lambda: None
    asked: list[str] = field(default_factory=list)

    async def picture(self, path: str) -> Picture | NoPicture:
        self.asked.append(path)
        self.during()
        return self.found


@dataclass
class Pictured(Twins):
    """A world with POSTER=true."""

    illustrator: PlainIllustrator = field(default_factory=PlainIllustrator)
    prober: VideoProber = field(default_factory=VideoProber)

    def new_process(self) -> None:
        super().new_process()
        self.world = replace(self.world, illustrator=self.illustrator, prober=self.prober)
