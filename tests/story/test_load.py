"""Many recordings at once, and a large one: everything arrives, and memory stays bounded."""

import os
import subprocess
from pathlib import Path

import pytest

from cefmp4.demo.recorder import Kind, record, recorder_command
from story.bucket import Bucket
from story.daemon import Daemon
from waiting import wait_until

MIB = 1024**2


@pytest.mark.timeout(180)
async def test_ten_recordings_growing_at_once(daemon: Daemon, store: Bucket) -> None:
    """All have parts in the store while they record, and all end up byte-identical."""
    daemon.start()
    await wait_until(daemon.is_ready)
    paths = [daemon.path(f"{number}.mp4") for number in range(10)]
    kinds = list(Kind) * 4
    recorders = [
        subprocess.Popen(recorder_command(path, kind, seconds=12, bits_per_second=10_000_000))
        for path, kind in zip(paths, kinds, strict=False)
    ]
    try:

        async def all_in_flight() -> bool:
            return len(await store.parts_in_flight()) == len(paths)

        await wait_until(all_in_flight, timeout_seconds=20, every_seconds=0.2)
        assert all(process.poll() is None for process in recorders)
        keys = await store.wait_for_videos(len(paths), timeout_seconds=60)
    finally:
        for process in recorders:
            process.kill()
            process.wait()
    for key in keys:
        assert await store.content(key) == Path(daemon.path(os.path.basename(key))).read_bytes()
    assert await store.uploads() == []
    assert daemon.command("streams").stdout.count("completed_with_meta") == len(paths)


@pytest.mark.timeout(240)
async def test_memory_does_not_depend_on_file_or_part_size(
    daemon: Daemon, store: Bucket, tmp_path: Path
) -> None:
    """2 GB in parts of 64 MiB, within 150 MB of resident memory."""
    daemon.environment["CHUNK_SIZE_BYTES"] = str(64 * MIB)
    big = str(tmp_path / "big.mp4")
    record(big, Kind.ORDINARY, seconds=40, bits_per_second=400_000_000, realtime=False)
    assert os.stat(big).st_size > 2_000_000_000 * 0.99
    daemon.start()
    await wait_until(daemon.is_ready)
    os.rename(big, daemon.path("big.mp4"))
    (key,) = await store.wait_for_videos(1, timeout_seconds=120)
    assert (await store.metadata(key))["total_size_bytes"] > 2_000_000_000 * 0.99
    assert daemon.process is not None
    status = Path(f"/proc/{daemon.process.pid}/status").read_text(encoding="ascii")
    peak_kib = int(status.split("VmHWM:")[1].split()[0])
    assert peak_kib < 150_000_000 / 1024
