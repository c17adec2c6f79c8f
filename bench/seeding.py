"""Streams in flight, as an earlier run of the daemon would have left them.

Sparse recordings of which the first part is stored: written down through the project's own
checkpoints, and known to the sink as uploads.
"""

import asyncio
import os
import secrets
import time
import uuid
from dataclasses import dataclass

from awscrt import checksums

from bench.daemon import key_of
from bench.footage import growing_mp4
from bench.measure import Numbers
from bench.stores import BUCKET, SinkControl
from cefmp4.adapters.checkpoints import RedisCheckpoints, open_checkpoints
from cefmp4.core.geometry import Geometry
from cefmp4.core.model import Checkpoint, Part, Parts
from cefmp4.core.stream_ids import instance_tag, stream_id_from

PART_BYTES = 5 * 1024**2
"""The smallest part there is: so that parts are due as often as can be."""
_STRIDE = 7919
"""A prime: neighbours in the directory are not neighbours in size."""
_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Planted:
    """One recording that is in flight."""

    path: str
    size_bytes: int


def plant(
    watch_dir: str, redis_url: str, instance: str, control: SinkControl, count: int
) -> list[Planted]:
    """So many recordings; each has one part stored, and some of the next is there."""
    os.makedirs(watch_dir, exist_ok=True)
    crc = _crc_of_first_part(watch_dir)
    planted = []
    for number in range(count):
        size = PART_BYTES + 64 + PART_BYTES * ((number * _STRIDE) % count) // (count + 1)
        planted.append(Planted(os.path.join(watch_dir, f"in-flight-{number:05}.mp4"), size))
        growing_mp4(planted[-1].path, size)
    root = os.stat(watch_dir)
    checkpoints = [
        _checkpoint(each.path, instance, (root.st_dev, root.st_ino), crc) for each in planted
    ]
    asyncio.run(_write_down(redis_url, instance, checkpoints))
    control.plant([_upload(checkpoint) for checkpoint in checkpoints])
    return planted


def _crc_of_first_part(folder: str) -> int:
    path = os.path.join(folder, ".first-part")
    growing_mp4(path, PART_BYTES)
    with open(path, "rb") as file:
        crc = int(checksums.crc64nvme(file.read()))
    os.remove(path)
    return crc


def _checkpoint(path: str, instance: str, root: tuple[int, int], crc: int) -> Checkpoint:
    stream_id = stream_id_from(uuid.uuid4(), instance_tag(instance))
    seen, now = os.stat(path), time.time()
    return Checkpoint(
        stream_id=stream_id,
        path=path,
        identity=(seen.st_dev, seen.st_ino),
        bucket=BUCKET,
        key=key_of(stream_id, os.path.basename(path)),
        geometry=Geometry(PART_BYTES),
        started_at=now,
        root=root,
        upload_id=secrets.token_hex(16),
        parts=Parts.of([Part(1, PART_BYTES, secrets.token_hex(16), crc, now)]),
        last_activity_at=now,
    )


def _upload(checkpoint: Checkpoint) -> Numbers:
    parts = [(part.number, part.size_bytes, part.etag) for part in checkpoint.parts.values()]
    return {"upload_id": checkpoint.upload_id, "key": checkpoint.key, "parts": parts}


async def _write_down(redis_url: str, instance: str, streams: list[Checkpoint]) -> None:
    async with open_checkpoints(redis_url, instance) as checkpoints:
        await checkpoints.claim()
        for begin in range(0, len(streams), _AT_ONCE):
            some = streams[begin : begin + _AT_ONCE]
            await asyncio.gather(*(_save(checkpoints, stream) for stream in some))
            if begin % 5_000 == 0:
                await checkpoints.renew()
        await checkpoints.set_whole()
        await checkpoints.release()


async def _save(checkpoints: RedisCheckpoints, stream: Checkpoint) -> None:
    await checkpoints.save(None, stream)
