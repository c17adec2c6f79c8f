"""What is remembered."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from cefmp4.core.fingerprint import Fingerprint
from cefmp4.core.happenings import Happening
from cefmp4.core.model import (
    Checkpoint,
    Wish,
)
from cefmp4.ports.figures import Figures, Presence, Shown
from cefmp4.ports.values import Asked


class Checkpoints(Protocol):
    """What is remembered, in Redis or Valkey, of one instance.

    Every write carries the claim and is refused with Fenced when another process holds
    it. An outage raises a transient RedisOperationError; the write may have happened.
    """

    async def claim(self) -> None:
        """Become the one process of this instance. Raises InstanceClaimed.

        A holder known to be dead (same host, boot and pid namespace, no such process)
        is replaced at once; else its claim is waited out, one lease at most.
        """
        ...

    async def renew(self) -> None:
        """Keep the claim. Raises Fenced when it was lost to another process."""
        ...

    async def assure(self) -> None:
        """Right before an effect that no server would refuse: the claim is ours.

        Free while the last renewal is younger than a lease, else one. Raises as `renew`.
        """
        ...

    @property
    def losses(self) -> int:
        """How often the server was seen to have lost its data, and StateLost was raised."""
        ...

    async def release(self) -> None:
        """Give the claim back, so that a successor need not wait."""
        ...

    async def save(self, before: Checkpoint | None, after: Checkpoint) -> None:
        """Write what changed between the two, atomically, in one round trip.

        The status sets, the index of paths and the fingerprints of stored files follow
        from the value and are written with it, and so is what others are to be told of
        the change. A path held by another live stream is taken over by `after`.
        """
        ...

    async def tell(self, happening: Happening) -> None:
        """Have others told of what no checkpoint says: it goes into every outbox."""
        ...

    async def load(self, stream_id: str) -> Checkpoint | None:
        """One stream, None when nothing is remembered of it."""
        ...

    async def load_unfinished(self) -> list[Checkpoint]:
        """Every live, parked or aborted stream that still holds its path."""
        ...

    async def load_set_aside(self) -> list[Checkpoint]:
        """Every stream that failed or was aborted, whoever holds its path by now."""
        ...

    async def load_ended(self, limit: int) -> list[Checkpoint]:
        """The latest `limit` streams that are over, the latest first, without their parts.

        Those set aside are not among them.
        """
        ...

    async def wish(self, stream_id: str, wish: Wish) -> None:
        """Ask for something; the last wish for a stream counts. Needs no claim."""
        ...

    async def wishes(self) -> dict[str, Wish]:
        """What is asked for, by stream id. Needs no claim."""
        ...

    async def limit_upload(self, limit: str | None) -> None:
        """Put this in place of the setting, or with None nothing. Needs no claim."""
        ...

    async def asked(self) -> Asked:
        """All that people ask for, in one round trip. Needs no claim."""
        ...

    async def watch(self) -> bool:
        """Look on for `WATCHED_SECONDS` from now; `asked` tells it. Whether somebody did
        already. Needs no claim.
        """
        ...

    async def shown(self) -> Shown:
        """What the daemon last said, unless that is `SHOWN_SECONDS` ago. Needs no claim."""
        ...

    async def publish(
        self,
        presence: Presence,
        changed: Mapping[str, Figures],
        gone: Sequence[str],
        *,
        anew: bool,
    ) -> None:
        """Show what only this process knows of its streams, by their ids.

        What was said before stands, but for those in `gone`; with `anew` none of it does.
        Not atomic: whoever reads meanwhile may find some of it.
        """
        ...

    async def enlist(self, at: float) -> None:
        """Have this instance known to whoever asks the state server which there are.

        Those that were not heard of for `INSTANCE_KEPT_SECONDS` are dropped. No claim.
        """
        ...

    async def drop_wish(self, stream_id: str, wish: Wish) -> None:
        """It is fulfilled, or asks for nothing. Another wish made since is kept."""
        ...

    async def is_whole(self) -> bool:
        """Whether all that was ever written down is still known.

        False when the server has lost its data, or never had any, until `set_whole`.
        """
        ...

    async def set_whole(self) -> None:
        """What was lost has been found again, as far as it can be."""
        ...

    async def stream_of_key(self, key: str) -> str | None:
        """The id of the stream that has reserved this object key, if it is remembered."""
        ...

    async def reserve_key(self, key: str, stream_id: str) -> bool:
        """Make sure that no other stream of this instance uses `key`."""
        ...

    async def fingerprints(self) -> dict[str, Fingerprint]:
        """Path to fingerprint of every recording that is already stored."""
        ...

    async def move_fingerprint(
        self, old_path: str, new_path: str, fingerprint: Fingerprint
    ) -> None:
        """The stored recording with this fingerprint was renamed, or only touched.

        The old path may belong to another by now, and is then left to it.
        """
        ...

    async def remember_stored(self, fingerprints: Mapping[str, Fingerprint]) -> None:
        """Stored recordings by path, for a server that forgot them; what it knows stays."""
        ...

    async def forget_fingerprints(self, paths: Sequence[str]) -> None:
        """Stored recordings that are no longer on the disk."""
        ...

    async def purge(self, ended_before: float) -> int:
        """Drop streams that ended well before this time; how many."""
        ...
