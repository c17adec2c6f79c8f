"""A finished recording, and seams that make the twins fail once or many times."""

from collections.abc import Callable

from cefmp4.core.mp4 import Boxes
from cefmp4.errors import S3OperationError
from cefmp4.stream import Stream
from stream.twins import PATH, Twins

CLOSED_MP4 = Boxes(is_mp4=True, complete=True)


class Killed(BaseException):
    """SIGKILL: no handler runs."""


class Lost(Exception):
    """The process died here."""


def on(operation: str, error: BaseException, times: int = 1) -> Callable[[str], None]:
    """A seam that raises at an operation, so many times."""
    left = [times]

    def seam(name: str) -> None:
        if name == operation and left[0]:
            left[0] -= 1
            raise error

    return seam


def outage(operation: str) -> S3OperationError:
    return S3OperationError(operation, "ServiceUnavailable", "try later")


async def recorded(twins: Twins, size: int = 21) -> Stream:
    """A finished recording of `size` bytes, and its stream."""
    await twins.start()
    twins.disk.write(PATH, bytes(range(size)))
    twins.disk.files[PATH].boxes = CLOSED_MP4
    return twins.stream()


async def growing(twins: Twins) -> Stream:
    """A recording in the middle, its whole parts sent, and its stream."""
    await twins.start()
    twins.disk.open_writer(PATH)
    twins.disk.write(PATH, bytes(30))
    stream = twins.stream()
    await twins.rest(stream)
    return stream
