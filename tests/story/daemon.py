"""A real daemon as its users have it: a process of its own, told by its environment."""

import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from cefmp4.demo.recorder import Kind, recorder_command
from servers import S3Server
from waiting import wait_until

PART_BYTES = 5 * 1024**2


@dataclass
class Daemon:
    """`cefmp4 run` on a directory of its own; started, killed and started again at will."""

    watch_dir: str
    log_path: str
    environment: dict[str, str]
    process: subprocess.Popen[bytes] | None = None
    module: str = "cefmp4"
    """What is run: ours, or one that puts something odd around it."""
    prefix: Sequence[str] = ()
    """A command that runs it in surroundings of its own."""

    def start(self, *arguments: str) -> "Daemon":
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [*self.prefix, sys.executable, "-m", self.module, "run", *arguments],
                env=self.environment,
                cwd=os.path.dirname(self.log_path),
                stdout=log,
                stderr=log,
            )
        return self

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def wait(self, timeout_seconds: float = 30.0) -> int:
        assert self.process is not None
        return self.process.wait(timeout_seconds)

    def kill(self) -> None:
        """SIGKILL: nothing is tidied up."""
        self.signal(signal.SIGKILL)
        self.wait()

    def terminate(self) -> int:
        self.signal(signal.SIGTERM)
        return self.wait()

    def end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    @property
    def log(self) -> str:
        if not os.path.exists(self.log_path):
            return ""
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return log.read()

    def is_ready(self) -> bool:
        return "/metrics" in self.log

    @property
    def address(self) -> str:
        """Of the web server, as the last start has printed it."""
        return str(re.findall(r"(http://\S+)/metrics", self.log)[-1])

    def metrics(self) -> str:
        """The exposition text."""
        with urllib.request.urlopen(f"{self.address}/metrics", timeout=5) as answer:
            return bytes(answer.read()).decode()

    def call(self, path: str, token: str | None = None, method: str = "POST") -> int:
        """The status of a call that makes the daemon do something."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        call = urllib.request.Request(f"{self.address}{path}", method=method, headers=headers)
        try:
            with urllib.request.urlopen(call, timeout=5) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    def path(self, *names: str) -> str:
        return os.path.join(self.watch_dir, *names)

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Another `cefmp4` command with the same settings."""
        return subprocess.run(
            [sys.executable, "-m", "cefmp4", *arguments],
            env=self.environment,
            cwd=os.path.dirname(self.log_path),
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )


def whole_lines(log: str) -> list[str]:
    """The last one may still be being written."""
    return log[: log.rfind("\n") + 1].splitlines()


def settings_of(folder: str, server: S3Server, bucket: str, redis_url: str) -> dict[str, str]:
    """The environment of a daemon on these servers; nothing is inherited but the paths."""
    return {
        **{name: os.environ[name] for name in ("PATH", "PYTHONPATH")},
        "WATCH_DIR": os.path.join(folder, "recordings"),
        "CHUNK_SIZE_BYTES": str(PART_BYTES),
        "S3_ENDPOINT_URL": server.endpoint_url,
        "S3_ACCESS_KEY_ID": server.access_key_id,
        "S3_SECRET_ACCESS_KEY": server.secret_access_key,
        "S3_REGION_NAME": server.region,
        "S3_BUCKET_NAME": bucket,
        "REDIS_URL": redis_url,
        "INSTANCE_ID": bucket,
        "PROM_PORT": "0",
        "LOG_LEVEL": "DEBUG",
    }


@contextmanager
def recorder(
    path: str,
    kind: Kind = Kind.ORDINARY,
    *,
    seconds: float = 4.0,
    bits_per_second: int = 24_000_000,
    part_suffix: bool = False,
) -> Iterator[subprocess.Popen[bytes]]:
    """A recorder at work in a process of its own, for so long unless it is `stopped`."""
    command = recorder_command(
        path, kind, seconds=seconds, bits_per_second=bits_per_second, part_suffix=part_suffix
    )
    process = subprocess.Popen(command)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def stopped(recording: subprocess.Popen[bytes]) -> None:
    """A person has stopped the recorder: it has closed its file and left.

    A recording that is to be seen growing must not end by itself: on a machine with much to do
    it would end before anybody looked.
    """
    assert recording.poll() is None, "the recording has ended by itself"
    recording.send_signal(signal.SIGINT)
    await wait_until(lambda: recording.poll() is not None, timeout_seconds=30)
    assert recording.returncode == 0
