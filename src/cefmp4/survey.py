"""All recordings of the watched tree, and a watch on every directory of it.

The two belong together: a directory is watched before it is listed, so nothing that
appears in it falls between. What must stay true: a survey tells either the whole truth
or that the watched directory is away; what cannot be read is not called gone.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence, Set
from concurrent.futures import Executor
from typing import TypeVar, TypeVarTuple

import structlog

from cefmp4.core.model import FileVersion
from cefmp4.notices import Notifier, WatchLimit
from cefmp4.root import Root
from cefmp4.selection import Listing, Selection, is_within, list_directories

Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")
log = structlog.get_logger(__name__)

WATCHES_AT_A_TIME = 256
"""How many are added before others on the event loop get their turn."""


class Survey:
    """The watched tree as it was last found, and which directories of it are watched."""

    def __init__(
        self, selection: Selection, notifier: Notifier | None, threads: Executor
    ) -> None:
        self._selection = selection
        self._notifier = notifier
        self._threads = threads
        self.root = Root(selection.watch_dir)
        self.found: Mapping[str, FileVersion] = {}
        """Every recording, as of the last time the directory was there."""
        self.hidden: Sequence[str] = ()
        """Recordings hidden to be disposed of, of the same time."""
        self.away = ""
        """Why the watched directory is away; empty while it is there."""
        self.watched: set[str] = set()
        self.unnotified = notifier is None
        """Notifications do not come, or not for everything: scans must make up for them."""
        self.trouble: tuple[str, str] | None = None
        """Why they were given up, and what a person can do."""
        self.unreadable: frozenset[str] = frozenset()
        """Files and directories that could not be read the last time."""

    async def take(self) -> Mapping[str, FileVersion]:
        """Look at everything. Empty and `away` when the watched directory is away."""
        found, why = await self._look()
        if why and not self.away:
            log.warning("the watched directory is away", file_path=self.root.path, why=why)
        if self.away and not why:
            log.warning("the watched directory is back", file_path=self.root.path)
        self.away = why
        if not why:
            self.found = found
        return found

    async def walk(self, directories: Sequence[str]) -> Listing:
        """Everything in these directories and below; each is watched, then listed."""
        whole, level = Listing(), directories
        while level:
            await self._watch(level)
            listing = await self._in_thread(
                list_directories, self._selection, level, self.found
            )
            whole.add(listing)
            level = listing.directories
        return whole

    def forget(self, directories: Set[str]) -> None:
        """Watch these directories no longer."""
        if self._notifier is not None:
            self._notifier.remove_directories(directories)
        self.watched -= directories

    def forget_below(self, directory: str) -> None:
        """Watch this directory and all below it no longer."""
        self.forget({path for path in self.watched if is_within(path, directory)})

    def forget_root(self) -> None:
        """The watched directory is no longer the one it was: every watch on it is dead."""
        self.root.identity = None
        self.forget_below(self.root.path)

    def give_up_notifications(self, why: str, hint: str) -> None:
        """For good: look again and again instead. Said once."""
        if not self.unnotified:
            log.warning("looking again and again, as notifications fail", why=why, hint=hint)
            self.trouble = (f"looking again and again, as notifications fail: {why}", hint)
        self.unnotified = True

    async def _look(self) -> tuple[Mapping[str, FileVersion], str]:
        identity, why = await self._in_thread(self.root.look)
        if identity != self.root.identity:
            self.forget_root()
        self.root.identity = identity
        if identity is None:
            return {}, why
        listing = await self.walk([self.root.path])
        again, why = await self._in_thread(self.root.look)
        if again != identity:
            return {}, why or "replaced while it was read"
        if self.root.path in listing.unreadable:
            return {}, listing.unreadable[self.root.path]
        found = {**self._last_found_in(listing.unreadable), **listing.files}
        if why := self.root.why_not_believed(identity, len(found) + len(listing.hidden)):
            return {}, why
        self.root.settle(identity, len(found))
        self.hidden = listing.hidden
        return found, ""

    async def _watch(self, directories: Sequence[str]) -> None:
        """Add what is not watched yet, letting others run now and then."""
        for count, directory in enumerate(directories, 1):
            if self._notifier is None or self.unnotified:
                return
            if directory not in self.watched:
                try:
                    if self._notifier.add_directory(directory):
                        self.watched.add(directory)
                except WatchLimit as error:
                    self.give_up_notifications(str(error), error.hint)
                    return
            if count % WATCHES_AT_A_TIME == 0:
                await asyncio.sleep(0)

    def _last_found_in(self, unreadable: Mapping[str, str]) -> dict[str, FileVersion]:
        """What cannot be read now stands as it was last found. Logged once."""
        for path in sorted(unreadable.keys() - self.unreadable):
            log.warning("cannot be read", file_path=path, why=unreadable[path])
        self.unreadable = frozenset(unreadable)
        if not unreadable:
            return {}
        return {
            path: version
            for path, version in self.found.items()
            if any(is_within(path, place) for place in unreadable)
        }

    async def _in_thread(
        self, function: Callable[[*Arguments], Result], *arguments: *Arguments
    ) -> Result:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, function, *arguments)
