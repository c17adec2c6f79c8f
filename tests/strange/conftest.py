"""Strange files before a real daemon: what each test is given."""

from pathlib import Path

import pytest

from cefmp4.demo.recorder import Kind, record
from story.bucket import Bucket
from story.conftest import daemon as daemon
from story.conftest import store as store
from story.daemon import Daemon
from strange.scene import Scene


@pytest.fixture(scope="session")
def mp4(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A whole recording of a few kilobytes."""
    path = tmp_path_factory.mktemp("mp4") / "a.mp4"
    record(str(path), Kind.ORDINARY, seconds=0.2, bits_per_second=1_000_000, realtime=False)
    return path.read_bytes()


@pytest.fixture
def scene(daemon: Daemon, store: Bucket, mp4: bytes) -> Scene:
    """A daemon of short patience, not started yet."""
    daemon.environment |= {
        "STREAM_TIMEOUT_SECONDS": "1",
        "CLOSE_SETTLE_SECONDS": "0.2",
        "MISSING_GRACE_SECONDS": "1",
        "SCAN_INTERVAL_SECONDS": "2",
    }
    return Scene(daemon, store, mp4, Path(daemon.watch_dir))
