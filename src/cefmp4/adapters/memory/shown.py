"""What a daemon shows to others, in memory: a part of the twin."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from cefmp4.ports import Figures, Presence, Shown
from cefmp4.ports.figures import NOTHING_SHOWN


@dataclass(slots=True)
class Board:
    """What a state server holds of it."""

    watched: bool = False
    shown: Shown = NOTHING_SHOWN
    enlisted_at: float | None = None

    def let_expire(self) -> None:
        """Nobody has looked on, and no daemon has said anything, for long."""
        self.watched, self.shown = False, NOTHING_SHOWN


class ShownTwin:
    """As the port says."""

    @property
    @abstractmethod
    def board(self) -> Board:
        """The server's."""

    @abstractmethod
    def _operation(self, name: str) -> AbstractAsyncContextManager[None]: ...

    @abstractmethod
    def _check_claim(self) -> None: ...

    async def watch(self) -> bool:
        async with self._operation("watch"):
            already, self.board.watched = self.board.watched, True
            return already

    async def shown(self) -> Shown:
        async with self._operation("shown"):
            return self.board.shown

    async def publish(
        self,
        presence: Presence,
        changed: Mapping[str, Figures],
        gone: Sequence[str],
        *,
        anew: bool,
    ) -> None:
        async with self._operation("publish"):
            self._check_claim()
            said = {} if anew else dict(self.board.shown.figures)
            for name in gone:
                said.pop(name, None)
            self.board.shown = Shown(presence, said | dict(changed))

    async def enlist(self, at: float) -> None:
        async with self._operation("enlist"):
            self.board.enlisted_at = at
