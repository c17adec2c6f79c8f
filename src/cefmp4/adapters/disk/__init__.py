"""The Disk port on the local file system: the door to recordings, their writers and mounts."""

from cefmp4.adapters.disk.mounts import is_network_filesystem
from cefmp4.adapters.disk.recording import LocalDisk
from cefmp4.adapters.disk.writers import prepare_process

__all__ = ["LocalDisk", "is_network_filesystem", "prepare_process"]
