"""Keeps up with the file: looks into it, follows its renames, and writes down its end."""

from cefmp4.core.model import Seal, SealReason
from cefmp4.ledger import Ledger
from cefmp4.sight import Sight
from cefmp4.telling import Telling
from cefmp4.world import World


class Following:
    """Carries out Inspect, Follow, SealNow and Unseal for one stream."""

    def __init__(self, world: World, ledger: Ledger, sight: Sight, telling: Telling) -> None:
        self.world, self.ledger, self.sight, self.telling = world, ledger, sight, telling

    async def inspect(self, path: str) -> None:
        """Read its boxes and ask for its writer; of no use when it changes meanwhile."""
        version, closes = self.world.disk.stat(path), self.sight.closes
        found = await self.world.disk.inspect(path)
        if self.world.disk.stat(path) == version and self.sight.closes == closes:
            self.sight.inspected(version, found, self.world.clock.monotonic())

    async def follow(self, path: str) -> bool:
        """Go on under its new path; False when it is not there any more."""
        there = self.world.disk.stat(path)
        if there is None or there.inode != self.ledger.current.identity[1]:
            self.sight.moved_to = None
            return False  # it went on since that was told
        await self.ledger.record(lambda c: c.following(path))
        self.sight.moved_to = None
        self.telling.renamed(path)
        return True

    async def seal(self, reason: SealReason, why: str) -> None:
        """The recording has ended, as the version that is there now."""
        version = self.sight.version
        if version is not None:
            seal = Seal(version, reason, self.world.clock.now())
            await self.ledger.record(lambda c: c.sealed(seal))
            self.telling.sealed(reason.value, why, version.size_bytes)

    async def unseal(self, why: str) -> None:
        """It goes on after all."""
        await self.ledger.record(lambda c: c.unsealed(why))
        self.telling.unsealed(why)
