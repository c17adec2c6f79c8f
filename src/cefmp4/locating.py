"""Which file is looked into for a recording: its own, or the one a followed link leads to."""

import os
from dataclasses import dataclass

from cefmp4.ports import Illustrator, NoPicture, Picture, Probe, Prober
from cefmp4.selection import Selection


@dataclass(frozen=True, slots=True)
class LocatedProber:
    """Has the file looked into that a recording's path stands for: its own, or a link's."""

    prober: Prober
    selection: Selection

    async def probe(self, path: str) -> Probe:
        """See Prober."""
        place, problem = _located(self.selection, path)
        return Probe(problem=problem) if problem else await self.prober.probe(place)


@dataclass(frozen=True, slots=True)
class LocatedIllustrator:
    """Has the picture made of the file that a recording's path stands for."""

    illustrator: Illustrator
    selection: Selection

    async def picture(self, path: str) -> Picture | NoPicture:
        """See Illustrator."""
        place, problem = _located(self.selection, path)
        return NoPicture(problem) if problem else await self.illustrator.picture(place)


def _located(selection: Selection, path: str) -> tuple[str, str]:
    """The file to look into, or why there is none."""
    try:
        place = selection.locate(path)
    except OSError as error:
        return "", f"cannot be reached: {os.strerror(error.errno or 0)}"
    return place or "", "" if place else "it is behind a link that is not followed"
