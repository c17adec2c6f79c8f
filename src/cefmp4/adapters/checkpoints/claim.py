"""Who works under an INSTANCE_ID: one process at a time, and a dead one at no cost.

The claim is a token with an expiry that its holder renews. A newcomer replaces a holder
that it knows to be dead, and else waits: a claim that lapses is free, one that is renewed
meanwhile belongs to a living process. Each claim begins a new epoch. Every write is
compared with the epoch inside the server, so a holder that was paused, lost its claim and
woke up again cannot write. What no server would refuse, the holder does only while it has
renewed its claim within the lease: its clock counts the time that a machine sleeps.
"""

import asyncio
import json
import os
import socket
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import uuid4

import structlog

from cefmp4.adapters.checkpoints.keys import Keyspace
from cefmp4.adapters.checkpoints.scripts import (
    KEEP,
    RELEASE,
    TAKE,
    WRITE,
    Command,
    arguments,
)
from cefmp4.adapters.checkpoints.server import Server
from cefmp4.errors import Fenced, InstanceClaimed, StateLost

log = structlog.get_logger(__name__)


def lost() -> StateLost:
    """The server forgot everything, and we hold the claim again."""
    return StateLost(
        "the state server has lost its data; the claim was taken again",
        hint="let the server keep its data on disk (appendonly yes)",
    )


def _seconds() -> float:
    """A clock that no one sets, and that goes on while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(frozen=True, slots=True)
class Holder:
    """A process, told apart from every other that ever ran. Empty fields are unknown."""

    id: str
    host: str
    boot_id: str
    pid_namespace: str
    pid: int
    started: str
    """Field 22 of /proc/<pid>/stat: a process that has the same pid later differs in it."""

    @classmethod
    def of(cls, pid: int) -> "Holder":
        """The process that has this pid now, here."""
        return cls(
            id=str(uuid4()),
            host=socket.gethostname(),
            boot_id=_read("/proc/sys/kernel/random/boot_id").strip(),
            pid_namespace=_pid_namespace(),
            pid=pid,
            started=_state_and_start(pid)[1],
        )

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"

    def pack(self) -> bytes:
        return json.dumps(asdict(self), separators=(",", ":")).encode()

    @classmethod
    def unpack(cls, token: bytes) -> "Holder":
        """A token nobody can read is that of an unknown process elsewhere."""
        try:
            return cls(**json.loads(token))
        except (ValueError, TypeError):
            return cls("", "an unknown host", "", "", 0, "")

    def is_dead_here(self, here: "Holder") -> bool:
        """Whether it ran where `here` runs, and certainly runs no more."""
        place = (self.host, self.boot_id, self.pid_namespace)
        if not all(place) or place != (here.host, here.boot_id, here.pid_namespace):
            return False
        try:
            os.kill(self.pid, 0)  # asked first: /proc can hide what other users run
        except ProcessLookupError:
            return True
        except PermissionError:
            pass
        state, started = _state_and_start(self.pid)
        # A zombie has no threads left: its parent has only not yet asked after it.
        return state == "Z" or bool(started and self.started and started != self.started)


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def _pid_namespace() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def _state_and_start(pid: int) -> tuple[str, str]:
    """Fields 3 and 22 of /proc/<pid>/stat. The name before them may hold anything."""
    after_name = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return (after_name[0], after_name[19]) if len(after_name) > 19 else ("", "")


@dataclass(frozen=True, slots=True)
class _Sighting:
    """The claim of another, as it was seen."""

    token: bytes
    milliseconds_left: int
    """Negative when it never lapses."""

    def is_followed_by(self, later: "_Sighting") -> bool:
        """Whether somebody alive did something between the two."""
        renewed = later.milliseconds_left > self.milliseconds_left
        return renewed or later.token != self.token


class Claim:
    """Our hold on the instance; `epoch` is what every write must carry."""

    def __init__(
        self, server: Server, keys: Keyspace, holder: Holder, lease_seconds: float
    ) -> None:
        self._server = server
        self._keys = keys
        self._holder = holder
        self._token = holder.pack()
        self._lease_seconds = lease_seconds
        self._lease_ms = b"%d" % max(1, round(lease_seconds * 1000))
        self._epoch: bytes | None = None
        self._ours_until = 0.0
        self.losses = 0
        """How often the server was seen to have lost its data."""

    @property
    def epoch(self) -> bytes:
        """Raises Fenced when there is no claim, or not any more."""
        if self._epoch is None:
            raise Fenced("this process does not hold the claim of its INSTANCE_ID")
        return self._epoch

    async def take(self) -> None:
        """Wait for the claim, one lease of its holder at most. Raises InstanceClaimed."""
        now = asyncio.get_running_loop().time
        last: _Sighting | None = None
        deadline, dead = 0.0, b""
        while (seen := await self._try(dead)) is not None:
            holder = Holder.unpack(seen.token)
            if holder.is_dead_here(self._holder):
                dead = seen.token
                continue
            if last is None:
                left = seen.milliseconds_left / 1000
                wait_seconds = left if left >= 0 else self._lease_seconds
                deadline = now() + wait_seconds + max(1.0, self._lease_seconds / 10)
                log.info(
                    "this instance is claimed: waiting whether its holder is alive",
                    holder=str(holder),
                    at_most_seconds=round(wait_seconds),
                )
            elif last.is_followed_by(seen) or now() > deadline:
                raise self._claimed_by(holder)
            last = seen
            await asyncio.sleep(min(0.5, self._lease_seconds / 20))

    async def _try(self, dead: bytes) -> _Sighting | None:
        """Take the claim if it is free or held by `dead`; else who holds it."""
        keys = (self._keys.claim, self._keys.epoch)
        argv = (self._token, self._holder.id.encode(), self._lease_ms, dead)
        asked_at = _seconds()
        verdict, *told = await self._server.run("claim", TAKE, keys, argv)
        if verdict == b"HELD":
            return _Sighting(*told)
        self._epoch, self._ours_until = told[0], asked_at + self._lease_seconds
        return None

    async def keep(self) -> None:
        """Renew the claim. Raises Fenced when another process has it.

        A server that has lost its data is claimed anew in the same step, before anybody
        else is; that it happened is told by a transient error.
        """
        keys = (self._keys.claim, self._keys.epoch)
        argv = (self._token, self.epoch, self._lease_ms)
        asked_at = _seconds()
        [verdict] = await self._server.run("renew", KEEP, keys, argv)
        if verdict == b"FENCED":
            raise self.fenced()
        self._ours_until = asked_at + self._lease_seconds
        if verdict == b"LOST":
            self.losses += 1
            raise lost()

    async def write(self, operation: str, commands: Sequence[Command]) -> tuple[bool, Any]:
        """Whether the commands were carried out, and what the last plain one answered.

        Nothing was written when this raises Fenced, or because the server's data are
        gone; after an outage nobody knows.
        """
        keys, argv = arguments(self._keys.epoch, self.epoch, commands)
        verdict, *answer = await self._server.run(operation, WRITE, keys, argv)
        match verdict:
            case b"DONE":
                return True, answer[0]
            case b"FENCED":
                raise self.fenced()
            case b"LOST":
                await self.keep()
                raise lost()
            case _:  # STALE: the server holds another value than we thought
                return False, None

    async def assure(self) -> None:
        """Renew the claim if it may have lapsed. Raises as `keep` does."""
        if self._epoch is None or _seconds() >= self._ours_until:
            await self.keep()

    def fenced(self) -> Fenced:
        """Nothing is written from here on, whatever becomes of the other process."""
        self._epoch = None
        return Fenced(
            "another process has taken over this INSTANCE_ID",
            hint="run one process for each INSTANCE_ID; this one was silent for too long",
        )

    async def release(self) -> None:
        """Give the claim back, if it is still ours; nothing can be written afterwards."""
        if self._epoch is not None:
            await self._server.run("release", RELEASE, (self._keys.claim,), (self._token,))
            self._epoch = None

    def _claimed_by(self, holder: Holder) -> InstanceClaimed:
        return InstanceClaimed(
            f"INSTANCE_ID {self._keys.instance_id} is in use by {holder}",
            hint="stop that process; another INSTANCE_ID is only for another directory",
        )
