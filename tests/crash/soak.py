"""Hundreds of random deaths over many recordings growing at once, and the account of them.

Where the cases of `test_every_effect` are exact, this one is blind: the daemon is killed
at any instant, also while it starts; now and then the state server is, too.
"""

import asyncio
import os
import random
from collections import Counter
from dataclasses import asdict, dataclass

from cefmp4.core.model import Checkpoint, Status
from crash.crowd import Crowd
from crash.ending import streams_of
from crash.life import Lives
from crash.sends import accounts
from crash.state import MortalValkey
from story.bucket import Bucket
from waiting import wait_until

FINISHING_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Figures:
    """What a soak came to."""

    seed: int
    recordings: int
    recorded_bytes: int
    daemon_kills: int
    state_server_kills: int
    lost: int
    """Recordings without an object."""
    different: int
    """Recordings whose object has other bytes."""
    left_over: tuple[str, ...]
    """Uploads, objects and files nobody asked for."""
    unfinished: tuple[str, ...]
    """Streams in a status other than completed_with_meta, or surplus ones."""
    parts_sent: int
    parts_changed_by_muxers: int
    parts_sent_twice: int
    sent_without_reason: int
    bytes_sent: int
    bytes_sent_twice: int
    bytes_sent_twice_per_kill: int

    def table(self) -> str:
        """One figure a line, for people."""
        rows = asdict(self).items()
        return "\n".join(f"{name.replace('_', ' '):>26}  {value}" for name, value in rows)


@dataclass
class Soak:
    """Kills `lives` until `kills` is reached, while a crowd records."""

    lives: Lives
    valkey: MortalValkey
    crowd: Crowd
    kills: int
    random: random.Random
    daemon_kills: int = 0
    state_server_kills: int = 0

    async def run(self) -> None:
        """All deaths, then one life in peace."""
        while self.daemon_kills < self.kills or not self.crowd.is_done:
            await self._one_life()
        self.lives.start(once=True)
        assert await self.lives.ended(FINISHING_SECONDS) == 0

    async def _one_life(self) -> None:
        after_upload = self.random.choice(["keep", "delete", "move"])
        self.lives.start(AFTER_UPLOAD=after_upload)
        if self.random.random() < 0.2:
            await self._pass(self.random.uniform(0.0, 0.5))
        else:
            await wait_until(lambda: self.lives.is_ready or self._tend(), timeout_seconds=60)
            await self._pass(min(3.0, self.random.expovariate(1.2)))
        if self.random.random() < 0.15:
            await self._lose_state_server()
        self.lives.kill()
        self.daemon_kills += 1

    async def _lose_state_server(self) -> None:
        """For a moment; sometimes the daemon dies before it is back."""
        self.valkey.kill()
        self.state_server_kills += 1
        await self._pass(self.random.uniform(0.0, 1.0))
        if self.random.random() < 0.3:
            self.lives.kill()
        self.valkey.start()
        await self._pass(self.random.uniform(0.0, 2.0))

    async def _pass(self, seconds: float) -> None:
        """Let time go by; the recorders go on."""
        self._tend()
        await asyncio.sleep(seconds)

    def _tend(self) -> bool:
        self.crowd.tend(self.daemon_kills / self.kills)
        return False


async def figures(soak: Soak, seed: int, store: Bucket) -> Figures:
    """Hold the store, the state and the disk against what was recorded."""
    crowd, lives = soak.crowd, soak.lives
    streams = await streams_of(lives.environment)
    by_name = {os.path.basename(stream.path): stream for stream in streams}
    keys = await store.keys()
    lost, different, sizes = 0, 0, 0
    for name in crowd.names:
        truth, key = crowd.truth(name), by_name[name].key if name in by_name else ""
        sizes += len(truth)
        lost += key not in keys
        different += key in keys and await store.content(key) != truth
    sent = [account for account in accounts(lives.effects()).values() if account.sendings]
    all_sendings = [sending for account in sent for sending in account.sendings]
    twice = sum(account.wasted_bytes for account in sent)
    return Figures(
        seed=seed,
        recordings=len(crowd.names),
        recorded_bytes=sizes,
        daemon_kills=soak.daemon_kills,
        state_server_kills=soak.state_server_kills,
        lost=lost,
        different=different,
        left_over=tuple(await _left_over(lives, store, streams, crowd.names)),
        unfinished=tuple(_unfinished(streams)),
        parts_sent=len(all_sendings),
        parts_changed_by_muxers=sum(account.changes for account in sent),
        parts_sent_twice=len(all_sendings) - len(sent) - sum(a.changes for a in sent),
        sent_without_reason=sum(account.without_reason for account in sent),
        bytes_sent=sum(sending.size_bytes for sending in all_sendings),
        bytes_sent_twice=twice,
        bytes_sent_twice_per_kill=twice // (soak.daemon_kills + soak.state_server_kills),
    )


def _unfinished(streams: list[Checkpoint]) -> list[str]:
    surplus = Counter(stream.path for stream in streams)
    return [
        f"{stream.path}: {stream.status}, {stream.reason}"
        for stream in streams
        if stream.status is not Status.COMPLETED_WITH_META or surplus[stream.path] > 1
    ]


async def _left_over(
    lives: Lives, store: Bucket, streams: list[Checkpoint], names: list[str]
) -> list[str]:
    wanted = {key for s in streams for key in (s.key, f"{s.key}.metadata.json")}
    objects = [key for key in await store.keys() if key not in wanted]
    uploads = [f"upload of {key}" for key, _ in await store.all_uploads()]
    folders = (lives.watch_dir, lives.environment["ARCHIVE_DIR"])
    there = [name for folder in folders for _, _, found in os.walk(folder) for name in found]
    return objects + uploads + [name for name in there if name not in names]
