"""The Disk port on the local file system: the door to recordings, their writers and mounts."""

from cefmp4.adapters.disk.mounts import filesystem_of, is_network_filesystem
from cefmp4.adapters.disk.recording import LocalDisk
from cefmp4.adapters.disk.writers import has_writer, prepare_process

__all__ = [
    "LocalDisk",
    "filesystem_of",
    "has_writer",
    "is_network_filesystem",
    "prepare_process",
]
