"""Checkpoints in Redis or Valkey, one server or a cluster: the door.

`open_checkpoints` is all that is needed from outside. What must stay true: one atomic
write for each change of a stream, refused by the server itself unless it comes from the
process that holds the claim. How: `keys` names what is kept, `codec` is its form,
`changes` decides what to write, `scripts` writes it, `claim` says who may, `outboxes` hold
what others are to be told, `reading` is for everybody; `server` and `outages` are the only
places that know redis-py.
"""

import os
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager

from cefmp4.adapters.checkpoints.checkpoints import RedisCheckpoints
from cefmp4.adapters.checkpoints.claim import Claim, Holder
from cefmp4.adapters.checkpoints.keys import Keyspace
from cefmp4.adapters.checkpoints.outboxes import RedisOutboxes
from cefmp4.adapters.checkpoints.server import Server
from cefmp4.adapters.checkpoints.showing import Event
from cefmp4.core.happenings import Sink

__all__ = ["Event", "Holder", "RedisCheckpoints", "open_checkpoints"]


@asynccontextmanager
async def open_checkpoints(
    redis_url: str,
    instance_id: str,
    *,
    lease_seconds: float = 30.0,
    ca_bundle: str | None = None,
    holder: Holder | None = None,
    sinks: Collection[Sink] = (),
    events_kept: int = 10_000,
    failed: Callable[[str, str], None] = lambda operation, code: None,
) -> AsyncIterator[RedisCheckpoints]:
    """The checkpoints of `instance_id`; nothing is sent before the first question.

    The caller claims before it writes, and renews every third of `lease_seconds`.
    `holder` is who claims, this process if not told. `sinks` are told what happens;
    `cefmp4:events` keeps about `events_kept` of it. `failed` is told what was asked, by one
    of few names, and why it was not answered. Raises RedisOperationError for a
    URL that cannot be understood.
    """
    keys = Keyspace(instance_id)
    server = Server(redis_url, keys.claim, ca_bundle, failed)
    claim = Claim(server, keys, holder or Holder.of(os.getpid()), lease_seconds)
    try:
        outboxes = RedisOutboxes(server, keys, claim, sinks, events_kept)
        yield RedisCheckpoints(server, keys, claim, outboxes)
    finally:
        await server.close()
