"""Whether a writer is there: asked of the kernel in each way, and where it cannot be."""

import fcntl
import mmap
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cefmp4.adapters.disk import LocalDisk
from cefmp4.adapters.disk.mounts import is_network_filesystem, mount_table
from cefmp4.adapters.disk.writers import (
    ask_writer,
    prepare_process,
    writer_by_lease,
    writer_seen_in_proc,
)
from cefmp4.core.model import Writer

WRITING = """
import os, sys
fd = os.open(sys.argv[1], os.O_RDWR)
sys.stdout.write("open\\n"); sys.stdout.flush()
sys.stdin.read()
"""
OPENING = """
import os, sys
for _ in range(int(sys.argv[2])):
    os.close(os.open(sys.argv[1], os.O_WRONLY))
"""
AS_NOBODY = """
import os, sys
from cefmp4.adapters.disk.writers import ask_writer, prepare_process, writer_by_lease
prepare_process()
fd = os.open(sys.argv[1], os.O_RDONLY)
os.setresuid(65534, 65534, 65534)
sys.stdout.write(f"{writer_by_lease(fd)} {ask_writer(fd, sys.argv[1], lambda _: False)}")
"""


@pytest.fixture(autouse=True)
def prepared() -> Iterator[None]:
    before = signal.getsignal(signal.SIGIO)
    prepare_process()
    yield
    signal.signal(signal.SIGIO, before)


@pytest.fixture
def path(tmp_path: Path) -> str:
    path = tmp_path / "x.mp4"
    path.write_bytes(b"x" * 4096)
    return str(path)


@pytest.fixture
def fd(path: str) -> Iterator[int]:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    yield fd
    os.close(fd)


@contextmanager
def other_process_writing(path: str) -> Iterator[None]:
    command = [sys.executable, "-c", WRITING, path]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"open\n"
        yield


async def test_a_writer_in_another_process_is_seen_until_it_closes(path: str) -> None:
    """The question that decides whether a silent recorder is only pausing."""
    disk = LocalDisk()
    with other_process_writing(path):
        assert (await disk.inspect(path)).writer is Writer.OPEN
    assert (await disk.inspect(path)).writer is Writer.CLOSED
    disk.close()


def test_readers_are_no_writers(path: str, fd: int) -> None:
    """Nobody who only reads keeps a recording open."""
    other = os.open(path, os.O_RDONLY)
    assert ask_writer(fd, path) is Writer.CLOSED
    os.close(other)


def test_a_shared_mapping_is_a_writer(path: str, fd: int) -> None:
    """It can write although its descriptor is closed."""
    writer = os.open(path, os.O_RDWR)
    mapping = mmap.mmap(writer, 4096)
    os.close(writer)
    assert writer_by_lease(fd) is Writer.OPEN
    mapping.close()
    assert writer_by_lease(fd) is Writer.CLOSED


async def test_no_lease_is_left_behind(path: str) -> None:
    """A recorder that opens the file afterwards does not even wait."""
    disk = LocalDisk()
    assert (await disk.inspect(path)).writer is Writer.CLOSED
    os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))  # refused while a lease stands
    disk.close()


def test_a_writer_that_comes_during_a_lease_waits_and_kills_nobody(path: str, fd: int) -> None:
    """Breaking a lease sends SIGIO, which is ignored."""
    fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    with subprocess.Popen([sys.executable, "-c", OPENING, path, "1"]) as child:
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(0.5)
        assert fcntl.fcntl(fd, fcntl.F_GETLEASE) == fcntl.F_UNLCK  # asked to give it back
        assert ask_writer(fd, path) is Writer.OPEN
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        assert child.wait(10) == 0


def test_writers_may_come_and_go_while_it_is_asked(path: str, fd: int) -> None:
    """Hundreds of openings between our leases: each gets through, and we live."""
    with subprocess.Popen([sys.executable, "-c", OPENING, path, "2000"]) as child:
        while child.poll() is None:
            assert ask_writer(fd, path) in (Writer.OPEN, Writer.CLOSED)
        assert child.returncode == 0
    assert ask_writer(fd, path) is Writer.CLOSED


def test_no_lease_is_asked_for_where_its_breaking_would_kill(path: str, fd: int) -> None:
    """SIGIO not ignored: /proc is looked through instead."""
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    assert writer_by_lease(fd) is None
    with other_process_writing(path):
        assert ask_writer(fd, path) is Writer.OPEN
    prepare_process()
    assert writer_by_lease(fd) is Writer.CLOSED


def test_proc_shows_writers_of_all_processes(path: str, fd: int) -> None:
    """Found is found; not found is sure only where nobody can hide."""
    with other_process_writing(path):
        assert writer_seen_in_proc(fd) is Writer.OPEN
    assert writer_seen_in_proc(fd) in (Writer.CLOSED, Writer.UNKNOWN)


def test_on_a_network_filesystem_only_a_writer_that_is_seen_counts(path: str, fd: int) -> None:
    """Another host may have the file open, whatever this kernel says."""
    assert ask_writer(fd, path, lambda _: True) is Writer.UNKNOWN
    with other_process_writing(path):
        assert ask_writer(fd, path, lambda _: True) is Writer.OPEN


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become someone else")
def test_a_file_of_another_owner_cannot_be_asked_about(path: str) -> None:
    """Neither lease nor other processes' files are for everyone: the answer is unknown."""
    answer = subprocess.check_output([sys.executable, "-c", AS_NOBODY, path], timeout=10)
    assert answer == b"None unknown"


MOUNTS = rb"""22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard
40 27 0:45 / /media/a\040b\134c rw shared:9 master:2 - nfs4 nas:/cam rw,vers=4.2
41 27 0:46 / /media/ssh rw - fuse.sshfs me@there:/ rw
"""


def test_the_mount_table_is_read_as_the_kernel_writes_it() -> None:
    """Optional fields come before the dash, spaces are written in octal."""
    table = mount_table(MOUNTS)
    assert table.by_device[os.makedev(254, 0)] == "ext4"
    assert table.by_mount_point["/media/a b\\c"] == "nfs4"
    assert table.type_below("/media/a b\\c/cam/x.mp4") == "nfs4"
    assert table.type_below("/media/ssh") == "fuse.sshfs"
    assert table.type_below("/media/sshx/y.mp4") == "ext4"


def test_a_local_filesystem_is_told_from_what_cannot_be_told(tmp_path: Path) -> None:
    """A path that cannot be looked at may lie anywhere."""
    assert not is_network_filesystem("/proc/self/status")
    assert is_network_filesystem(str(tmp_path / "nowhere"))
