"""A process that can be stopped at any call of a port, and woken when another has its claim.

Before the call it is stopped where that is already on its way, as the first byte of a body
can be: no check of its own holds it back any more. After the answer, it is stopped where
it had all the checks behind it that it makes before the next call.
"""

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field, replace
from typing import Any

from cefmp4.ports import Body
from cefmp4.world import World

EFFECTS = (
    "create_upload",
    "upload_part",
    "complete",
    "abort",
    "put",
    "put_document",
    "dispose",
)
"""What changes something outside, and is not refused by the state server."""


@dataclass
class Pause:
    """Stops the process that comes to its `nth` call, once; counts from 1."""

    nth: int
    calls: int = 0
    at: str = ""
    """The call it was stopped in."""
    late: list[str] = field(default_factory=list)
    """What it called after it was woken."""
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    async def come_by(self, name: str) -> None:
        self.calls += 1
        if self.woken.is_set():
            self.late.append(name)
        elif self.calls == self.nth:
            self.at = name
            self.reached.set()
            await self.woken.wait()

    @property
    def late_effects(self) -> list[str]:
        return [name for name in self.late if name in EFFECTS]


class Pausable:
    """A port whose every call comes by the pause."""

    def __init__(self, port: Any, pause: Pause) -> None:
        self._port, self._pause = port, pause

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        return self._paused(name, found) if inspect.iscoroutinefunction(found) else found

    def _paused(
        self, name: str, call: Callable[..., Coroutine[Any, Any, object]]
    ) -> Callable[..., Coroutine[Any, Any, object]]:
        async def paused(*arguments: Any) -> object:
            await self._pause.come_by(name)
            if name in ("upload_part", "put"):
                *others, body = arguments
                arguments = (*others, PausableBody(body, self._pause))
            answer = await call(*arguments)
            if name != "assure":  # the effect that follows at once is on its way
                await self._pause.come_by(f"{name} answered")
            return answer

        return paused


@dataclass
class PausableBody:
    """A body that can get stuck before any of its blocks."""

    body: Body
    pause: Pause

    def __getattr__(self, name: str) -> Any:
        return getattr(self.body, name)

    async def blocks(self) -> AsyncIterator[bytes]:
        await self.pause.come_by("bytes")
        async for block in self.body.blocks():
            yield block


def pausable(world: World, pause: Pause) -> World:
    """The same world, for a process that is stopped in it."""
    return replace(
        world,
        store=Pausable(world.store, pause),
        checkpoints=Pausable(world.checkpoints, pause),
        disposal=Pausable(world.disposal, pause),
    )
