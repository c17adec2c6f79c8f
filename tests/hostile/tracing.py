"""What a process and its children opened, started and sent, as strace saw it."""

import re
import shutil
import subprocess
from dataclasses import dataclass, field

_CALL = re.compile(r"^\d+ +(?:<\.\.\. )?(\w+)(?:\(| resumed)")
_PATH = re.compile(r'"((?:[^"\\]|\\.)*)"')
_OPENING = ("open", "openat", "openat2", "creat")
_SENDING = ("socket", "connect", "bind", "listen", "accept", "accept4", "sendmsg")


@dataclass
class Trace:
    """The system calls that reach out of a process."""

    opened: set[str] = field(default_factory=set)
    started: set[str] = field(default_factory=set)
    sent: list[str] = field(default_factory=list)
    """Calls for sockets, but for the pairs a process talks to itself with."""


def tracer(log: str) -> list[str]:
    """The command that traces the one put after it; empty where that cannot be done."""
    strace = shutil.which("strace")
    if strace is None:
        return []
    following = [strace, "-f", "--seccomp-bpf", "-qq", "-s", "4096"]
    what = ["-e", "trace=network,open,openat,openat2,creat,execve", "-o", log]
    tried = subprocess.run([*following, *what, "true"], capture_output=True, check=False)
    return [*following, *what] if tried.returncode == 0 else []


def traced(log: str) -> Trace:
    trace = Trace()
    with open(log, encoding="utf-8", errors="surrogateescape") as lines:
        for line in lines:
            call = _CALL.match(line)
            path = _PATH.search(line)
            name = call[1] if call else ""
            if name in _OPENING and path:
                trace.opened.add(path[1])
            if name == "execve" and path:
                trace.started.add(path[1])
            if name in _SENDING:
                trace.sent.append(line)
    return trace
