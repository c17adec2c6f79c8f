"""A picture out of a recording, made by PyAV in a child process with the bounds of a probe.

What must stay true: no file makes this raise, hang or leave a process behind, and what is
given back is a JPEG of a size that was asked for, whatever the child was made to say.
"""

import asyncio
import sys
from collections.abc import Sequence

from cefmp4.adapters.probe_bounds import ProbeFailed, boxes_of_mp4, first_line, run_bounded
from cefmp4.core.jpeg import jpeg_extent
from cefmp4.ports import NoPicture, Picture

LONGEST_SIDE = 640
PICTURE_BYTES = 1024**2


class PictureMaker:
    """The Illustrator port. One child at a time: pictures are never urgent."""

    def __init__(self, timeout_seconds: float = 30.0) -> None:
        self._timeout_seconds = timeout_seconds
        self._children = asyncio.Semaphore(1)

    def command(self, path: str) -> Sequence[str]:
        """What the child is."""
        return (sys.executable, "-I", "-B", "-m", "cefmp4.adapters.poster_child", path)

    async def picture(self, path: str) -> Picture | NoPicture:
        command, seconds = self.command(path), self._timeout_seconds
        try:
            await boxes_of_mp4(path, seconds)
            async with self._children:
                jpeg = await run_bounded(command, seconds, PICTURE_BYTES)
        except ProbeFailed as failure:
            return NoPicture(first_line(str(failure).replace(path, "the file")))
        extent = jpeg_extent(jpeg)
        if extent is None or max(extent) > LONGEST_SIDE:
            return NoPicture("what was made of it is not such a picture")
        return Picture(jpeg, extent.width, extent.height)
