"""A person who asks for things, and the ear of a daemon: what upkeep and supervisor do."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from cefmp4.core.model import Wish
from cefmp4.core.wishes import concerns
from cefmp4.stream import Stream
from stream.twins import Twins


def ask(twins: Twins, wish: Wish) -> int:
    """Wish this for every stream that it asks something of; for how many."""
    server = twins.checkpoints._server
    meant = [name for name, cp in server.streams.items() if concerns(wish, cp)]
    server.wishes.update(dict.fromkeys(meant, wish))
    return len(meant)


def waiting(twins: Twins) -> bool:
    """Something that was asked for is not done."""
    return bool(twins.checkpoints._server.wishes)


@dataclass
class Ear:
    """Hears wishes for one process; `guests` are streams that were set aside."""

    twins: Twins
    guests: dict[str, Stream] = field(default_factory=dict)

    async def hear(self, current: Stream | None) -> AsyncIterator[Stream]:
        """Tell the streams; those that were set aside, and that a person wants something of."""
        checkpoints = self.twins.checkpoints
        mine = current.checkpoint.stream_id if current and current.checkpoint else None
        for stream_id, wish in (await checkpoints.wishes()).items():
            stream = current if stream_id == mine else self.guests.get(stream_id)
            cp = stream.checkpoint if stream else await checkpoints.load(stream_id)
            taken = current is not None and cp is not None and current.path == cp.path
            stored_twice = taken and stream is not current and wish is Wish.RETRY
            if cp is None or not concerns(wish, cp) or stored_twice:
                if stream is not None:
                    stream.sight.wish = None
                self.guests.pop(stream_id, None)
                await checkpoints.drop_wish(stream_id, wish)
                continue
            if stream is None:
                stream = self.guests[stream_id] = Stream(self.twins.world, cp.path, cp)
            stream.sight.wish = wish
            if stream is not current:
                yield stream
