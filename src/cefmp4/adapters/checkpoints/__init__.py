"""Checkpoints in Redis or Valkey, one server or a cluster: the door.

`open_checkpoints` is all that is needed from outside. What must stay true: one atomic
write for each change of a stream, refused by the server itself unless it comes from the
process that holds the claim. How: `keys` names what is kept, `codec` is its form,
`changes` decides what to write, `scripts` writes it, `claim` says who may, `reading` is
for everybody; `server` and `outages` are the only places that know redis-py.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cefmp4.adapters.checkpoints.checkpoints import RedisCheckpoints
from cefmp4.adapters.checkpoints.claim import Claim, Holder
from cefmp4.adapters.checkpoints.keys import Keyspace
from cefmp4.adapters.checkpoints.server import Server
from cefmp4.adapters.checkpoints.showing import Event

__all__ = ["Event", "Holder", "RedisCheckpoints", "open_checkpoints"]


@asynccontextmanager
async def open_checkpoints(
    redis_url: str,
    instance_id: str,
    *,
    lease_seconds: float = 30.0,
    ca_bundle: str | None = None,
    holder: Holder | None = None,
) -> AsyncIterator[RedisCheckpoints]:
    """The checkpoints of `instance_id`; nothing is sent before the first question.

    The caller claims before it writes, and renews every third of `lease_seconds`.
    `holder` is who claims, this process if not told. Raises RedisOperationError for a
    URL that cannot be understood.
    """
    keys = Keyspace(instance_id)
    server = Server(redis_url, keys.claim, ca_bundle)
    claim = Claim(server, keys, holder or Holder.of(os.getpid()), lease_seconds)
    try:
        yield RedisCheckpoints(server, keys, claim)
    finally:
        await server.close()
