"""What a recorder does to its file, on the real disk, in the words of the in-memory twin."""

import os
from typing import Protocol


class Recorder(Protocol):
    """The verbs that `MemoryDisk` has and `LocalRecorder` gives to real files."""

    def write(self, path: str, data: bytes, offset: int | None = None) -> None: ...
    def patch(self, path: str, offset: int, data: bytes) -> None: ...
    def truncate(self, path: str, size_bytes: int) -> None: ...
    def replace(self, path: str, data: bytes) -> None: ...
    def rename(self, old_path: str, new_path: str) -> None: ...
    def delete(self, path: str) -> None: ...
    def open_writer(self, path: str) -> None: ...
    def close_writer(self, path: str) -> None: ...


class LocalRecorder:
    """Writes real files. `close` what it still has open."""

    def __init__(self) -> None:
        self._writers: dict[str, int] = {}

    def write(self, path: str, data: bytes, offset: int | None = None) -> None:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
        try:
            os.pwrite(fd, data, os.fstat(fd).st_size if offset is None else offset)
        finally:
            os.close(fd)

    def patch(self, path: str, offset: int, data: bytes) -> None:
        self.write(path, data, offset)

    def truncate(self, path: str, size_bytes: int) -> None:
        os.truncate(path, size_bytes)

    def replace(self, path: str, data: bytes) -> None:
        self.write(path + ".new", data)
        os.replace(path + ".new", path)

    def rename(self, old_path: str, new_path: str) -> None:
        os.rename(old_path, new_path)

    def delete(self, path: str) -> None:
        os.unlink(path)

    def open_writer(self, path: str) -> None:
        self._writers[path] = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)

    def close_writer(self, path: str) -> None:
        os.close(self._writers.pop(path))

    def close(self) -> None:
        for path in list(self._writers):
            self.close_writer(path)
