"""Fixtures for the Disposal port, as a plugin of its test modules."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cefmp4.adapters.disk import prepare_process
from contract.disposing import Place


@pytest.fixture
def prepared() -> Iterator[None]:
    """Leases may be asked for, as in the daemon."""
    before = signal.getsignal(signal.SIGIO)
    prepare_process()
    yield
    signal.signal(signal.SIGIO, before)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "watched", tmp_path / "archive")


@pytest.fixture
def another_filesystem(tmp_path: Path) -> Iterator[Path]:
    """A directory on another filesystem than the recording's."""
    memory = "/dev/shm"
    if not os.access(memory, os.W_OK) or os.stat(memory).st_dev == os.stat(tmp_path).st_dev:
        pytest.skip(f"no second filesystem: {memory} cannot be written to, or is the same")
    directory = tempfile.mkdtemp(dir=memory)
    yield Path(directory)
    shutil.rmtree(directory)
