"""What processes cost: commands as a whole, and a daemon between two moments.

CPU is user and system time together, in seconds. Everything waits with a limit, and
whatever was started is ended.
"""

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
TIMED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "timed.py")
Numbers = dict[str, Any]
"""What a bench found: only what JSON can hold."""


class BenchFailed(Exception):
    """Something did not do its work, so that there is nothing to measure."""


class NotHere(BenchFailed):
    """What a bench needs is not installed on this machine: it is left out."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What one command cost, from exec to exit."""

    seconds: float
    cpu_seconds: float
    peak_rss_bytes: int


def run_command(
    command: Sequence[str], environment: Mapping[str, str], timeout_seconds: float
) -> Usage:
    """Run it to its end; what it cost. Raises BenchFailed with what it said."""
    with (
        tempfile.NamedTemporaryFile() as result,
        tempfile.TemporaryFile() as said,
        started(
            [sys.executable, "-I", "-S", TIMED, result.name, *command], environment, said
        ) as process,
    ):
        try:
            process.wait(timeout_seconds)
        except subprocess.TimeoutExpired as error:
            raise BenchFailed(f"{command[0]} took over {timeout_seconds:.0f} s") from error
        told = json.loads(result.read() or b'{"code": -1}')
        if told["code"]:
            said.seek(0)
            text = said.read().decode(errors="replace")[-800:]
            raise BenchFailed(f"{os.path.basename(command[0])} failed: {text}")
    return Usage(told["seconds"], told["cpu_seconds"], told["peak_rss_bytes"])


@contextmanager
def started(
    command: Sequence[str], environment: Mapping[str, str] | None, output: Any
) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a session of its own; it and its children are ended with the block."""
    process = subprocess.Popen(
        command, env=environment, stdout=output, stderr=output, start_new_session=True
    )
    try:
        yield process
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask, then make it."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is None:
            os.killpg(process.pid, number)
            try:
                process.wait(10.0)
            except subprocess.TimeoutExpired:
                continue


def cpu_seconds(pid: int) -> float:
    """What a process has used so far, the children it has waited for included."""
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
        fields = file.read().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / TICKS_PER_SECOND


def memory_bytes(pid: int, field: str) -> int:
    """`VmHWM`, the peak of what was resident, or `VmRSS`, what is resident now."""
    with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:
        return int(file.read().split(f"{field}:")[1].split()[0]) * 1024


def open_files(pid: int) -> int:
    """How many file descriptors it has open."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def wait_until(
    done: Callable[[], bool], what: str, timeout_seconds: float, every_seconds: float = 0.01
) -> float:
    """When it was so (monotonic seconds). Raises BenchFailed."""
    deadline = time.monotonic() + timeout_seconds
    while not done():
        if time.monotonic() > deadline:
            raise BenchFailed(f"after {timeout_seconds:.0f} s still not: {what}")
        time.sleep(every_seconds)
    return time.monotonic()


def wait_until_idle(pid: int, timeout_seconds: float = 10.0) -> None:
    """Until it uses next to nothing for a while."""
    deadline = time.monotonic() + timeout_seconds
    while time.monotonic() < deadline:
        before = cpu_seconds(pid)
        time.sleep(0.5)
        if cpu_seconds(pid) - before <= 2 / TICKS_PER_SECOND:
            return


def spread(values: Sequence[float]) -> Numbers:
    """Median, least and most of several rounds."""
    if not values:
        return {"median": None, "least": None, "most": None, "rounds": 0}
    return {
        "median": statistics.median(values),
        "least": min(values),
        "most": max(values),
        "rounds": len(values),
    }


def percentiles(values: Sequence[float]) -> Numbers:
    """p50, p99 and the most, of what there is enough of."""
    ordered = sorted(values)
    if not ordered:
        return {"count": 0, "p50": None, "p99": None, "most": None}
    last = len(ordered) - 1
    return {
        "count": len(ordered),
        "p50": ordered[round(0.5 * last)],
        "p99": ordered[round(0.99 * last)],
        "most": ordered[-1],
    }
