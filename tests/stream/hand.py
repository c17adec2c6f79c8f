"""The recorder of a history: what its steps do to the file."""

from cefmp4.adapters.memory.disk import MemoryFile
from cefmp4.core.mp4 import Boxes
from stream.steps import Change, Close, Event, Grow, Patch, Replace, Shrink, SwapIn
from stream.twins import PATH, Twins

OTHER = "/w/b.mp4"


class Hand:
    """Works on one file, under whatever name it has by now."""

    def __init__(self, twins: Twins) -> None:
        self.path = PATH
        self._disk = twins.disk
        self._aside: MemoryFile | None = None
        self._written = 0

    @property
    def file(self) -> MemoryFile | None:
        """What stands under the name now."""
        return self._disk.files.get(self.path)

    def do(self, step: Change) -> bool:
        """Nothing where there is nothing to do it to. Whether a writer closed the file."""
        disk, file = self._disk, self.file
        match step:
            case Grow(size):
                disk.write(self.path, self._fresh(size))
                disk.files[self.path].boxes = Boxes(is_mp4=True, complete=False)
                if not disk.files[self.path].writers:
                    disk.open_writer(self.path)
            case Replace(size):
                disk.replace(self.path, self._fresh(size))
            case SwapIn(size):
                self._aside = disk.files.pop(self.path, self._aside)
                disk.write(self.path, self._fresh(size))
            case Event.SWAP_BACK if self._aside:
                disk.files[OTHER + ".aside"] = self._aside
                disk.rename(OTHER + ".aside", self.path)
                self._aside = None
            case Close(complete) if file and file.writers:
                disk.close_writer(self.path)
                file.boxes = Boxes(is_mp4=True, complete=complete)
                return True
            case _ if file:
                self._change(step, file)
        return False

    def _change(self, step: Change, file: MemoryFile) -> None:
        disk, path, size = self._disk, self.path, len(file.content)
        match step:
            case Patch(at, data) if size >= len(data):
                disk.patch(path, int(at * (size - len(data))), data)
            case Shrink(to):
                disk.truncate(path, int(to * size))
            case Event.VANISH:
                disk.delete(path)
            case Event.RENAME:
                self.path = OTHER if path == PATH else PATH
                disk.rename(path, self.path)
            case Event.TOUCH:
                disk.rename(path, path)
            case Event.REOPEN:
                disk.open_writer(path)

    def _fresh(self, size: int) -> bytes:
        self._written += 1
        return bytes([self._written % 251]) * size
