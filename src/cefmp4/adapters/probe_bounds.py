"""A child process that looks into a recording: what it may be given, and what it may take.

The recording comes from outside and may be hostile; the decoders that look into it are
large and written in C. So the top-level boxes are checked first, by ourselves; then the
child gets next to nothing in its environment, and limits on time, memory, files and output.

What must stay true: no file makes this hang or leave a process behind.
"""

import asyncio
import errno
import os
import re
import resource
import signal
import stat
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from cefmp4.core.mp4 import Boxes, read_boxes

OUTPUT_BYTES = 1024**2
COMPLAINT_BYTES = 16 * 1024
TEXT_CHARACTERS = 200
KILLED_WITHIN_SECONDS = 5.0
NICENESS = 19
LIMITS = {
    resource.RLIMIT_AS: 2 * 1024**3,
    resource.RLIMIT_NOFILE: 64,
    resource.RLIMIT_FSIZE: 0,
    resource.RLIMIT_CORE: 0,
}
ENVIRONMENT = {"LC_ALL": "C.UTF-8", "AV_LOG_FORCE_NOCOLOR": "1", "HOME": "/"}
"""Without HOME, Python would look up its user: in a directory server, where there is one."""


class ProbeFailed(Exception):
    """The child gave no answer that can be used: nothing is known of the media."""


class MediaRefused(ProbeFailed):
    """The child looked, and could make nothing of the file; the message is its complaint."""


async def boxes_of_mp4(path: str, timeout_seconds: float) -> Boxes:
    """The boxes of what a child may be given. Raises ProbeFailed for anything else."""
    if not path.startswith("/"):  # it could be taken for an option or an address
        raise ProbeFailed("the path is not absolute")
    try:
        async with asyncio.timeout(timeout_seconds):
            boxes = await asyncio.to_thread(_boxes, path)
    except OSError as error:  # TimeoutError is one: a mount that hangs
        raise ProbeFailed(f"cannot read the file: {error.strerror or 'no answer'}") from error
    if not boxes.is_mp4:
        raise ProbeFailed(boxes.problem or "it is not an MP4")
    return boxes


def _boxes(path: str) -> Boxes:
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        return read_boxes(lambda offset, length: os.pread(fd, length, offset), status.st_size)
    finally:
        os.close(fd)


async def run_bounded(
    command: Sequence[str], timeout_seconds: float, output_bytes: int = OUTPUT_BYTES
) -> bytes:
    """The standard output of a child process that is gone when this returns.

    Raises ProbeFailed when it fails, takes too long or writes too much.
    """
    try:
        child = await asyncio.create_subprocess_exec(
            *command,
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
            cwd="/",
            env=ENVIRONMENT,
            start_new_session=True,
        )
    except OSError as error:
        raise ProbeFailed(f"cannot be started: {error.strerror}") from error
    _restrain(child.pid, timeout_seconds)
    ended = asyncio.create_task(_ended(child, output_bytes))
    try:
        async with asyncio.timeout(timeout_seconds):
            output, complaint = await asyncio.shield(ended)
    except TimeoutError as error:
        raise ProbeFailed(f"no answer within {timeout_seconds:g} s") from error
    finally:
        await _kill_and_wait(child, ended)
    if len(output) > output_bytes:
        raise ProbeFailed(f"the answer is longer than {output_bytes} bytes")
    if child.returncode:
        said = complaint.decode("utf-8", "surrogateescape")
        failed = MediaRefused if child.returncode > 0 else ProbeFailed
        raise failed(said.strip() or f"it ended with {child.returncode}")
    return output


async def _ended(child: Process, output_bytes: int) -> tuple[bytes, bytes]:
    """Standard output and standard error, each up to a byte more than allowed."""
    output, complaint, _ = await asyncio.gather(
        _read(child.stdout, output_bytes, lambda: _kill(child)),
        _read(child.stderr, COMPLAINT_BYTES, lambda: None),
        child.wait(),
    )
    return output, complaint


async def _read(
    stream: asyncio.StreamReader | None, limit_bytes: int, too_much: Callable[[], None]
) -> bytes:
    """Read to the end, as the pipe must be emptied for the child to end; keep a part."""
    kept = bytearray()
    while stream and (block := await stream.read(64 * 1024)):
        room = limit_bytes + 1 - len(kept)
        kept += block[:room]
        if 0 < room <= len(block):
            too_much()
    return bytes(kept)


def _restrain(pid: int, timeout_seconds: float) -> None:
    """Low priority and limits: from here, because code between fork and exec is unsafe."""
    limits = LIMITS | {resource.RLIMIT_CPU: int(timeout_seconds) + 1}
    with suppress(ProcessLookupError, PermissionError):
        os.setpriority(os.PRIO_PROCESS, pid, NICENESS)
        for kind, wanted in limits.items():
            _, most = resource.prlimit(pid, kind)
            limit = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
            resource.prlimit(pid, kind, (limit, limit))


async def _kill_and_wait(child: Process, ended: asyncio.Task[Any]) -> None:
    """One that hangs in the kernel (a dead mount) is given up after a while."""
    if ended.done():
        return
    _kill(child)
    await asyncio.wait({ended}, timeout=KILLED_WITHIN_SECONDS)
    ended.cancel()


def _kill(child: Process) -> None:
    """The whole group: FFPROBE_PATH may name a script that starts ffprobe."""
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)


# --- what it said -----------------------------------------------------------------------


def text_of(value: object) -> str | None:
    """What can be shown of it."""
    if not isinstance(value, str):
        return None
    return "".join(letter for letter in value if letter.isprintable())[:TEXT_CHARACTERS] or None


def first_line(complaint: str) -> str:
    """The first thing said, without the part of the library that says it."""
    for line in complaint.splitlines():
        if told := text_of(re.sub(r"^\[[^]]*\]\s*", "", line).strip()):
            return told
    return "it did not say why"
