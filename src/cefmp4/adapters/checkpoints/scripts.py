"""The Lua that runs inside the state server, because only there it is atomic.

`WRITE` is generic: it checks that the writer still holds the claim, then carries out a
list of ordinary commands, and a few conditional ones of its own. What is written is
decided in Python, by `changes.py`. Values are never parsed, so any bytes survive.

What must stay true: everything that can refuse a write comes before the first effect,
for a script that fails halfway is not rolled back.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

Item = TypeVar("Item")
Command = tuple[bytes, ...]
"""A command's name, its key, and the rest of its arguments."""

UNPACK_LIMIT = 1_000
"""Arguments of one command; Lua's `unpack` gives up at some thousands."""


@dataclass(frozen=True, slots=True)
class Script:
    """A Lua source and the name the server caches it under."""

    source: str
    sha: str = field(init=False)

    def __post_init__(self) -> None:
        digest = hashlib.sha1(self.source.encode(), usedforsecurity=False).hexdigest()
        object.__setattr__(self, "sha", digest)


_OLDER = """\
local function older(epoch, ours)  -- by the counts before the colon
  local there, here = string.match(epoch, '^%d+'), string.match(ours, '^%d+')
  return (tonumber(there) or 0) < (tonumber(here) or 0)
end
"""

TAKE = Script("""\
-- KEYS: claim, epoch. ARGV: our token, our id, lease in ms, the token of a dead holder.
-- The epoch carries the id of its holder: a bare counter would begin anew, and could
-- meet its old values again, after the server has lost its data.
local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[1] and held ~= ARGV[4] then
  return {'HELD', held, redis.call('PTTL', KEYS[1])}
end
local count = tonumber(string.match(redis.call('GET', KEYS[2]) or '', '^%d+')) or 0
local epoch = string.format('%d:%s', count + 1, ARGV[2])
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
redis.call('SET', KEYS[2], epoch)
return {'OURS', epoch}
""")

KEEP = Script(
    _OLDER
    + """\
-- KEYS: claim, epoch. ARGV: our token, our epoch, lease in ms.
-- Both missing, or an epoch older than ours, means that the server has lost data, or came
-- back with those of an earlier day: whoever is here first goes on.
local held = redis.call('GET', KEYS[1])
local epoch = redis.call('GET', KEYS[2])
local lost = not epoch or older(epoch, ARGV[2])
if (held and held ~= ARGV[1]) or (epoch ~= ARGV[2] and not lost) then
  return {'FENCED'}
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
if not lost then
  return {'DONE'}
end
redis.call('SET', KEYS[2], ARGV[2])
return {'LOST'}
"""
)

RELEASE = Script("""\
-- KEYS: claim. ARGV: our token.
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('DEL', KEYS[1])
end
return {'DONE'}
""")

WRITE = Script(
    _OLDER
    + """\
-- KEYS: epoch, then every key named below. ARGV: our epoch, then for each command its
-- name, the index of its key, the count of its other arguments, and those.
local epoch = redis.call('GET', KEYS[1])
if not epoch or older(epoch, ARGV[1]) then return {'LOST'} end
if epoch ~= ARGV[1] then return {'FENCED'} end
local own = {}
function own.HDELIF(key, field, value)  -- delete a field that still has this value
  if redis.call('HGET', key, field) == value then redis.call('HDEL', key, field) end
end
function own.LEAVE(paths, meta, id)  -- a stream lets go of the path it is stored under
  local path = redis.call('HGET', meta, 'original_path')
  if path and redis.call('HGET', paths, path) == id then redis.call('HDEL', paths, path) end
end
local answer = false
local at = 2
while at <= #ARGV do
  local name, key, count = ARGV[at], KEYS[tonumber(ARGV[at + 1])], tonumber(ARGV[at + 2])
  local first, last = at + 3, at + 2 + count
  if name == 'EXPECT' then  -- go on only if a field has this value
    if redis.call('HGET', key, ARGV[first]) ~= ARGV[last] then return {'STALE'} end
  elseif own[name] then
    own[name](key, unpack(ARGV, first, last))
  else
    answer = redis.call(name, key, unpack(ARGV, first, last))
  end
  at = last + 1
end
return {'DONE', answer}
"""
)

PUBLISH = Script("""\
-- KEYS: a stream. ARGV: about how many entries it keeps, how many arguments make one, and
-- those of the new ones. All or none: no entry may come before an older one of its outbox.
local size = tonumber(ARGV[2])
for at = 3, #ARGV, size do
  local last = at + size - 1
  redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', unpack(ARGV, at, last))
end
return {'DONE'}
""")


def arguments(
    epoch_key: bytes, epoch: bytes, commands: Sequence[Command]
) -> tuple[list[bytes], list[bytes]]:
    """KEYS and ARGV of `WRITE` for these commands."""
    index = {epoch_key: 1}
    argv = [epoch]
    for name, key, *rest in commands:
        place = index.setdefault(key, len(index) + 1)
        argv += [name, b"%d" % place, b"%d" % len(rest), *rest]
    return list(index), argv


def batches(items: Sequence[Item], size: int) -> list[Sequence[Item]]:
    """Slices of at most `size`."""
    return [items[start : start + size] for start in range(0, len(items), size)]
