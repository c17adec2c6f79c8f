"""A terminal in surroundings of its own, in which the commands of one page are typed.

    unshare --net --mount --pid --fork --mount-proc --kill-child python terminal.py SPEC

The page has a network of its own with nothing in it but loopback: its ports are nobody
else's, and it shows that nothing outside is called. It has a /tmp of its own, and cannot
write to the repository it is read from. Nothing outlives it: this is the first process of
its process namespace, and with it all others end.

What a reader's shell remembers from one block to the next is remembered here, too: the
directory and the exported variables. A command that fails ends the page.
"""

import fcntl
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any

BLOCK_SECONDS, READY_SECONDS, LEAVING_SECONDS = 60.0, 60.0, 20.0
_OTHERS_LEAVING_SECONDS = 1.0
"""SeaweedFS takes half a minute, and nobody needs what it tidies up."""
_SETTLED_SECONDS = 0.3
_BASH, _MOUNT = (shutil.which(name) or name for name in ("bash", "mount"))
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 0x1
_DAEMON = re.compile(r"\bcefmp4 run\b|\bmake run\b")
_READY = re.compile(r"http://\S+/metrics")


class Failed(Exception):
    """A command did not do what the page says."""


@dataclass(slots=True)
class Running:
    """A block at work."""

    line: int
    text: str
    process: "subprocess.Popen[bytes]"
    log: str

    @property
    def output(self) -> str:
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read()

    @property
    def is_ours(self) -> bool:
        return bool(_DAEMON.search(self.text))

    def is_ready(self) -> bool:
        return not self.is_ours or bool(_READY.search(self.output))

    def signal(self, number: signal.Signals) -> None:
        """As the terminal does it: to all that run in it."""
        os.killpg(self.process.pid, number)


def main(spec_path: str) -> int:
    with open(spec_path, encoding="utf-8") as file:
        spec = json.load(file)
    signal.signal(signal.SIGALRM, lambda *_: os._exit(2))  # the first process needs a handler
    signal.alarm(spec["limit_seconds"])
    _loopback_up()
    _shield(spec)
    said, page = [], Terminal(spec)
    try:
        for block in spec["blocks"]:
            page.type(block)
        page.leave()
    except Failed as error:
        said = [str(error), *(f"meanwhile:\n{run.output}" for run in page.beside)]
    json.dump({"problem": "\n".join(said)}, sys.stdout)
    return 1 if said else 0


class Terminal:
    """Types one block after the other."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self._spec, self._folder = spec, spec["folder"]
        self._environment = os.path.join(self._folder, "environment")
        self.beside: list[Running] = []

    def type(self, block: dict[str, Any]) -> None:
        self._furnish()
        self._none_has_failed()
        run = self._started(block)
        if block["background"]:
            self.beside.append(run)
            self._until_ready(run)
            return
        try:
            code = run.process.wait(BLOCK_SECONDS)
        except subprocess.TimeoutExpired:
            run.signal(signal.SIGKILL)
            raise Failed(_told(run, f"has not ended after {BLOCK_SECONDS:g} s")) from None
        if code:
            raise Failed(_told(run, f"ended with {code}"))

    def leave(self) -> None:
        """Ctrl-C in every terminal, the last one first; the daemon has to obey."""
        self._none_has_failed()
        for run in reversed(self.beside):
            if run.process.poll() is not None:
                continue
            run.signal(signal.SIGINT)
            try:
                run.process.wait(LEAVING_SECONDS if run.is_ours else _OTHERS_LEAVING_SECONDS)
            except subprocess.TimeoutExpired:
                if run.is_ours:
                    raise Failed(_told(run, "does not end on Ctrl-C")) from None

    def _started(self, block: dict[str, Any]) -> Running:
        log = os.path.join(self._folder, f"{block['line']}.log")
        remember = f'declare -px > "{self._environment}"; pwd > "{self._environment}.cwd"'
        recall = f'source "{self._environment}"; cd "$(cat "{self._environment}.cwd")"'
        if not os.path.exists(self._environment):
            recall = f'cd "{self._spec["begin"]}"'
        script = f"{recall}\n{block['text']}\n{'' if block['background'] else remember}"
        with open(log, "wb") as output:
            process = subprocess.Popen(
                [_BASH, "-e", "-o", "pipefail", "-c", script],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return Running(block["line"], block["text"], process, log)

    def _until_ready(self, run: Running) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not run.is_ready():
            if run.process.poll() is not None:
                raise Failed(_told(run, f"ended with {run.process.returncode}"))
            if time.monotonic() > deadline:
                raise Failed(_told(run, f"is not ready after {READY_SECONDS:g} s"))
            time.sleep(0.05)
        time.sleep(_SETTLED_SECONDS)

    def _none_has_failed(self) -> None:
        for run in self.beside:
            if run.process.poll():
                raise Failed(_told(run, f"ended with {run.process.returncode}"))

    def _furnish(self) -> None:
        """A checkout has its .venv, as after `make setup`: ours, and nothing is installed."""
        for entry in os.scandir(self._spec["desk"]):
            place = os.path.join(entry.path, ".venv")
            if os.path.exists(os.path.join(entry.path, "Makefile")) and not os.path.exists(
                place
            ):
                os.mkdir(place)
                for name in ("bin", "lib", "include", "pyvenv.cfg"):
                    os.symlink(
                        os.path.join(self._spec["venv"], name), os.path.join(place, name)
                    )
                with open(os.path.join(place, ".installed"), "wb"):
                    pass


def _told(run: Running, what: str) -> str:
    return f"the block at line {run.line} {what}:\n{run.text}\nIt said:\n{run.output}"


def _loopback_up() -> None:
    """Done by hand: not every machine has `ip`."""
    with socket.socket() as any_socket:
        request = struct.pack("16sH14x", b"lo", _IFF_UP)
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, request)


def _shield(spec: dict[str, Any]) -> None:
    """A /tmp of its own, for sockets that programs put there; and what the page must not
    change is read-only."""
    kept = {path: os.open(path, os.O_PATH) for path in (spec["root"], *spec["read_only"])}
    private = os.path.join(spec["folder"], "tmp")
    os.mkdir(private)
    _mount("--bind", private, "/tmp")
    for path, held in kept.items():
        if path.startswith("/tmp/"):
            os.makedirs(path, exist_ok=True)
            _mount("--no-canonicalize", "--bind", f"/proc/{os.getpid()}/fd/{held}", path)
        os.close(held)
    for path in spec["read_only"]:
        _mount("--bind", path, path)
        _mount("-o", "remount,bind,ro", path)


def _mount(*arguments: str) -> None:
    subprocess.run([_MOUNT, *arguments], check=True)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
