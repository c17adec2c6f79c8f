"""What the media of a recording says of itself: asked of ffprobe, else of PyAV.

The recording comes from outside and may be hostile; the decoders that look into it are
large and written in C. So the top-level boxes are checked first, by ourselves; then a
child process is told the format instead of guessing it (guessing opens the local files
and addresses that a playlist named .mp4 lists), with files as the only protocol, next to
nothing in its environment, and limits on time, memory, files and output.

What must stay true: no file makes this raise, hang or leave a process behind.
"""

import asyncio
import errno
import json
import os
import re
import resource
import shutil
import signal
import stat
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from cefmp4.core.mp4 import Boxes, read_boxes
from cefmp4.ports import Probe

OUTPUT_BYTES = 1024**2
COMPLAINT_BYTES = 16 * 1024
TEXT_CHARACTERS = 200
KILLED_WITHIN_SECONDS = 5.0
NICENESS = 19
MOST = 2**53
"""No figure about media is larger, and JSON carries this exactly."""
LIMITS = {
    resource.RLIMIT_AS: 2 * 1024**3,
    resource.RLIMIT_NOFILE: 64,
    resource.RLIMIT_FSIZE: 0,
    resource.RLIMIT_CORE: 0,
}
ENVIRONMENT = {"LC_ALL": "C.UTF-8", "AV_LOG_FORCE_NOCOLOR": "1", "HOME": "/"}
"""Without HOME, Python would look up its user: in a directory server, where there is one."""
ENTRIES = (
    "program_version=version"
    ":format=duration"
    ":stream=codec_type,codec_name,width,height,avg_frame_rate,bit_rate,sample_rate,channels"
    ":stream_disposition=attached_pic"
)


class ProbeFailed(Exception):
    """The child gave no answer that can be used: nothing is known of the media."""


class MediaRefused(ProbeFailed):
    """The child looked, and could make nothing of the file; the message is its complaint."""


class MediaProber:
    """The Prober port. `ffprobe_path` None: ffprobe from PATH; without one, PyAV."""

    def __init__(
        self, ffprobe_path: str | None = None, timeout_seconds: float = 30.0, children: int = 2
    ) -> None:
        found = shutil.which(ffprobe_path or "ffprobe")
        self.ffprobe = os.path.abspath(found) if found else None
        self._timeout_seconds = timeout_seconds
        self._children = asyncio.Semaphore(children)

    @property
    def name(self) -> str:
        """Who will be asked: ffprobe or pyav."""
        return "ffprobe" if self.ffprobe else "pyav"

    async def probe(self, path: str) -> Probe:
        if not path.startswith("/"):  # it could be taken for an option or an address
            return Probe(problem="the path is not absolute")
        try:
            async with asyncio.timeout(self._timeout_seconds):
                boxes = await asyncio.to_thread(_boxes, path)
        except OSError as error:  # TimeoutError is one: a mount that hangs
            return Probe(problem=f"cannot read the file: {error.strerror or 'no answer'}")
        if not boxes.is_mp4:
            return Probe(problem=boxes.problem)
        try:
            async with self._children:
                output = await run_bounded(self._command(path), self._timeout_seconds)
            return described(output, self.name, boxes)
        except ProbeFailed as failure:
            playable = False if isinstance(failure, MediaRefused) else None
            why = first_line(str(failure).replace(path, "the file"))
            return Probe(playable=playable, prober=self.name, problem=f"{self.name}: {why}")

    def _command(self, path: str) -> Sequence[str]:
        if self.ffprobe is None:
            return (sys.executable, "-I", "-B", "-m", "cefmp4.adapters.probe_child", path)
        safely = ("-v", "error", "-f", "mov", "-protocol_whitelist", "file", "-threads", "1")
        asking = ("-show_entries", ENTRIES, "-of", "json")
        return (self.ffprobe, *safely, *asking, "-i", path)


def _boxes(path: str) -> Boxes:
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        return read_boxes(lambda offset, length: os.pread(fd, length, offset), status.st_size)
    finally:
        os.close(fd)


# --- the child --------------------------------------------------------------------------


async def run_bounded(command: Sequence[str], timeout_seconds: float) -> bytes:
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
    ended = asyncio.create_task(_ended(child))
    try:
        async with asyncio.timeout(timeout_seconds):
            output, complaint = await asyncio.shield(ended)
    except TimeoutError as error:
        raise ProbeFailed(f"no answer within {timeout_seconds:g} s") from error
    finally:
        await _kill_and_wait(child, ended)
    if len(output) > OUTPUT_BYTES:
        raise ProbeFailed(f"the answer is longer than {OUTPUT_BYTES} bytes")
    if child.returncode:
        said = complaint.decode("utf-8", "surrogateescape")
        failed = MediaRefused if child.returncode > 0 else ProbeFailed
        raise failed(said.strip() or f"it ended with {child.returncode}")
    return output


async def _ended(child: Process) -> tuple[bytes, bytes]:
    """Standard output and standard error, each up to a byte more than allowed."""
    output, complaint, _ = await asyncio.gather(
        _read(child.stdout, OUTPUT_BYTES, lambda: _kill(child)),
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


# --- the answer -------------------------------------------------------------------------


def described(output: bytes, name: str, boxes: Boxes) -> Probe:
    """The answer, in ffprobe's JSON, as a Probe. Nothing in it is taken on trust.

    Raises ProbeFailed when it is not JSON of that shape.
    """
    try:
        answer = json.loads(output)
    except (ValueError, RecursionError) as error:
        raise ProbeFailed("the answer is not JSON") from error
    answer = _mapping(answer)
    video, audio = _stream(answer, "video"), _stream(answer, "audio")
    duration = _number(_mapping(answer.get("format")).get("duration"))
    version = _text(_mapping(answer.get("program_version")).get("version"))
    decoded = answer.get("playable")
    problem = None if video or audio else "there is neither video nor audio in it"
    return Probe(
        duration_seconds=duration,
        video=video and _video(video),
        audio=audio and _audio(audio),
        playable=decoded
        if isinstance(decoded, bool)
        else bool(video or audio) and bool(duration),
        prober=f"{name} {version}" if version else name,
        problem=problem or boxes.problem,
    )


def _stream(answer: Mapping[str, Any], kind: str) -> Mapping[str, Any] | None:
    """The first stream of a kind that is not a cover picture."""
    streams = answer.get("streams")
    for stream in map(_mapping, streams if isinstance(streams, list) else ()):
        picture = _mapping(stream.get("disposition")).get("attached_pic")
        if stream.get("codec_type") == kind and not picture:
            return stream
    return None


def _video(stream: Mapping[str, Any]) -> Mapping[str, Any]:
    rate = {"frame_rate": _rate(stream.get("avg_frame_rate"))}
    return _codec_and(stream, "width", "height", "bit_rate") | rate


def _audio(stream: Mapping[str, Any]) -> Mapping[str, Any]:
    return _codec_and(stream, "sample_rate", "channels", "bit_rate")


def _codec_and(stream: Mapping[str, Any], *numbers: str) -> dict[str, Any]:
    codec = {"codec": _text(stream.get("codec_name"))}
    return codec | {number: _whole(stream.get(number)) for number in numbers}


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    if not isinstance(value, str):
        return None
    return "".join(letter for letter in value if letter.isprintable())[:TEXT_CHARACTERS] or None


def _number(value: object) -> float | None:
    """ffprobe gives numbers as strings, and N/A for what it does not know."""
    try:
        number = float(value) if isinstance(value, str | int | float) else 0.0
    except (ValueError, OverflowError):
        return None
    return number if 0 < number < MOST else None


def _whole(value: object) -> int | None:
    number = _number(value)
    return int(number) if number else None


def _rate(value: object) -> float | None:
    """Frames per second, from a fraction like 30000/1001; 0/0 is unknown."""
    parts = re.fullmatch(
        r"([0-9]{1,10})/([0-9]{1,10})", value if isinstance(value, str) else ""
    )
    if not parts or not int(parts[2]):
        return None
    return round(int(parts[1]) / int(parts[2]), 3) or None


def first_line(complaint: str) -> str:
    """The first thing said, without the part of the library that says it."""
    for line in complaint.splitlines():
        if told := _text(re.sub(r"^\[[^]]*\]\s*", "", line).strip()):
            return told
    return "it did not say why"
