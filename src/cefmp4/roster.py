"""Which streams there are, found by the path or the inode of their recordings."""

from collections.abc import Iterator

from cefmp4.stream import Stream


class Roster:
    """Every stream that has not ended."""

    def __init__(self) -> None:
        self.by_path: dict[str, Stream] = {}
        self._known_as: dict[Stream, str] = {}
        """The path under which each was added; it may have been renamed since."""
        self._by_inode: dict[int, Stream] = {}

    def __iter__(self) -> Iterator[Stream]:
        return iter(self._known_as)

    def __contains__(self, stream: Stream) -> bool:
        return stream in self._known_as

    def of_inode(self, inode: int) -> Stream | None:
        """The stream whose recording has this inode."""
        return self._by_inode.get(inode)

    def add(self, stream: Stream) -> None:
        """It works on what stands under its path."""
        self.by_path[stream.path] = stream
        self._known_as[stream] = stream.path
        self.note_inode(stream)

    def add_beside(self, stream: Stream) -> None:
        """Another one works on what stands under its path."""
        self._known_as[stream] = stream.path

    def note_inode(self, stream: Stream) -> None:
        """It may have begun since it was added."""
        if stream.checkpoint is not None and self.by_path.get(stream.path) is stream:
            self._by_inode[stream.checkpoint.identity[1]] = stream

    def known_as(self, stream: Stream) -> str:
        """The path under which it was added."""
        return self._known_as[stream]

    def is_wished_at(self, path: str) -> bool:
        """A person asked for something of the stream under this path."""
        stream = self.by_path.get(path)
        return stream is not None and stream.wished

    def drop(self, stream: Stream) -> str | None:
        """The path that is nobody's now, if it was this stream's."""
        if stream.checkpoint is not None:
            inode = stream.checkpoint.identity[1]
            if self._by_inode.get(inode) is stream:
                del self._by_inode[inode]
        path = self._known_as.pop(stream)
        if self.by_path.get(path) is not stream:
            return None
        del self.by_path[path]
        return path
