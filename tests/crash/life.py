"""Lives of one daemon, one after the other, on the same files, store and state."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.process import BaseProcess

from crash.doom import Doom
from crash.doomed import live
from crash.effects import Effect, Line, Step, written_down
from crash.recordings import Growing
from waiting import wait_until

nursery = get_context("forkserver")
nursery.set_forkserver_preload(["cefmp4.app"])
"""Where lives begin: a process that has imported the daemon already, and is forked."""

PATIENCE_SECONDS = 60.0


@dataclass
class Lives:
    """The daemon with a witness; started, killed by its doom, and started again."""

    folder: str
    environment: dict[str, str]
    process: BaseProcess | None = None
    _log_begins: int = 0

    @property
    def effects_path(self) -> str:
        return os.path.join(self.folder, "effects.jsonl")

    @property
    def log_path(self) -> str:
        return os.path.join(self.folder, "daemon.log")

    @property
    def watch_dir(self) -> str:
        return self.environment["WATCH_DIR"]

    def path(self, name: str) -> str:
        return os.path.join(self.watch_dir, name)

    def start(self, *, once: bool = False, doom: Doom | None = None, **settings: str) -> None:
        """Begin a life."""
        self.end()
        self._log_begins = len(self.log)
        own = {"CRASH_EFFECTS": self.effects_path, "CRASH_AT": str(doom or "")}
        environment = self.environment | own | settings
        self.process = nursery.Process(
            target=live,
            args=(environment, self.folder, self.log_path, once),
            daemon=True,  # or Python waits for it at the exit, however long it lives
        )
        self.process.start()

    def kill(self) -> None:
        """SIGKILL, at this very instant."""
        assert self.process is not None
        self.process.kill()
        self.process.join()

    def end(self) -> None:
        """Nothing of it is left running."""
        if self.process is not None:
            self.kill()

    @property
    def code(self) -> int | None:
        """How it ended; None while it lives."""
        assert self.process is not None
        return self.process.exitcode

    async def ended(self, timeout_seconds: float = PATIENCE_SECONDS) -> int:
        """The exit code, once it has ended."""
        await wait_until(lambda: self.code is not None, timeout_seconds=timeout_seconds)
        assert self.code is not None
        return self.code

    @property
    def log(self) -> str:
        if not os.path.exists(self.log_path):
            return ""
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return log.read()

    @property
    def is_ready(self) -> bool:
        """In this life."""
        return "/metrics" in self.log[self._log_begins :]

    def effects(self) -> list[Line]:
        """What was written down, of every life so far."""
        return written_down(self.effects_path)

    def count(self, effect: Effect, step: Step = Step.DONE) -> int:
        """How often it was done, or begun."""
        return sum((line.effect, line.step) == (effect, step) for line in self.effects())

    async def killed(self) -> None:
        """It has been, by itself or by somebody else."""
        assert await self.ended() == -signal.SIGKILL, "it outlived its doom"

    async def finish(self) -> None:
        """A whole life, at the end of which nothing is left to do."""
        self.start(once=True)
        assert await self.ended() == 0

    @asynccontextmanager
    async def recorder(self, growing: Growing) -> AsyncIterator[None]:
        """Closes its file as soon as all that can be sent before has been."""
        closing = asyncio.create_task(self._close_in_time(growing))
        try:
            yield
        finally:
            closing.cancel()
            await asyncio.gather(closing, return_exceptions=True)

    async def _close_in_time(self, growing: Growing) -> None:
        def enough() -> bool:
            # A write may land whose end nobody lived to see: that it was begun must do.
            begun = [line for line in self.effects() if line.step is Step.BEGUN]
            parts = {
                number
                for line in begun
                if line.effect is Effect.PART_RECORDED
                for number in line.parts
            }
            known = any(line.effect is Effect.INTENT_RECORDED for line in begun)
            return known and len(parts) >= growing.content.early_parts

        await wait_until(enough, timeout_seconds=2 * PATIENCE_SECONDS)
        growing.close()
