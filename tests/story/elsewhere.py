"""Another host, as far as one machine can be one: commands that know REDIS_URL alone."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from redis import Redis

SLOW = 45
"""Seconds that a machine with much to do may need."""
ONE = "cam-1:/recordings"


def cefmp4(
    environment: Mapping[str, str], folder: Path, *arguments: str
) -> subprocess.CompletedProcess[str]:
    told = subprocess.run(
        [sys.executable, "-m", "cefmp4", *arguments],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in told.stderr
    return told


def enlist(redis_url: str, **instances: float) -> None:
    with Redis.from_url(redis_url) as client:
        client.zadd("cefmp4:instances", instances)


def tell(redis_url: str, kind: str, path: str, instance: str = ONE, **data: object) -> None:
    """What a daemon tells of a stream."""
    event = {
        "specversion": "1.0",
        "id": path,
        "type": f"stream.{kind}",
        "time": "2026-11-25T10:00:00+00:00",
        "data": {"original_file_path": path, **data},
    }
    entry = {"event": json.dumps(event), "instance": instance}
    with Redis.from_url(redis_url) as client:
        client.xadd("cefmp4:events", entry)
