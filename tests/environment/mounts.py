"""Filesystems of a test's own, mounted for real; all of them are gone when it ends.

Where mounting is not permitted the test is skipped, and says why.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

EXT4_BYTES = 64 * 1024**2


class Mounts:
    """What a test mounts by itself."""

    def __init__(self, folder: str, stack: ExitStack) -> None:
        self.folder, self._stack = folder, stack
        self._mounted: dict[str, int] = {}

    def directory(self, name: str) -> str:
        """A directory of the test's own that is not watched."""
        path = os.path.join(self.folder, name)
        os.makedirs(path, exist_ok=True)
        return path

    def tmpfs(self, place: str, size_bytes: int) -> None:
        """A filesystem in memory, mounted on this directory."""
        self._mount(place, "-t", "tmpfs", "-o", f"size={size_bytes}", "cefmp4-test")

    def resize(self, place: str, size_bytes: int) -> None:
        asked("mount", "-o", f"remount,size={size_bytes}", place)

    def bind(self, source: str, place: str) -> None:
        """`source` stands on `place` now, as a disk does on its mount point."""
        self._mount(place, "--bind", source)

    def unmount(self, place: str) -> None:
        """As when a disk is pulled: those who use it do not keep it."""
        asked("umount", "--lazy", place)
        self._mounted[place] -= 1

    def image(self, name: str) -> str:
        """A new ext4 filesystem in a file."""
        path = os.path.join(self.folder, name)
        with open(path, "wb") as file:
            file.truncate(EXT4_BYTES)
        asked("mkfs.ext4", "-q", "-F", path)
        return path

    def loop_device(self, image: str) -> str:
        """Another block device for this image: its filesystem has a number of its own."""
        device = asked("losetup", "--find", "--show", image)
        self._stack.callback(asked, "losetup", "--detach", device)
        return device

    def mount_device(self, device: str, place: str) -> None:
        self._mount(place, device)

    def _mount(self, place: str, *arguments: str) -> None:
        asked("mount", *arguments, place)
        self._mounted[place] = self._mounted.get(place, 0) + 1

    def unmount_all(self) -> None:
        for place, times in reversed(self._mounted.items()):
            for _ in range(times):
                asked("umount", "--lazy", place)


def asked(*command: str) -> str:
    """What the command printed. Skips the test where it may not do this here."""
    program = shutil.which(command[0], path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if program is None:
        pytest.skip(f"there is no {command[0]} here")
    done = subprocess.run(
        [program, *command[1:]], capture_output=True, text=True, timeout=30, check=False
    )
    if done.returncode:
        pytest.skip(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout.strip()


@contextmanager
def mounting(folder: str) -> Iterator[Mounts]:
    """Mounts that are undone in the end, whatever becomes of the test."""
    with ExitStack() as stack:
        mounts = Mounts(folder, stack)
        stack.callback(mounts.unmount_all)
        yield mounts
