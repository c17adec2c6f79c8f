"""`pip install cefmp4[embedded]`, and then `cefmp4 run --embedded`, away from the sources.

`make dist-test` runs this on the wheel in `dist/`: in an environment of its own, with what the
wheel asks for, in the versions of the lock.
"""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cefmp4 import __version__
from ship.reading import HOUSE
from waiting import wait_until

pytestmark = pytest.mark.dist
PINNED = re.compile(r"^([\w.-]+)(?:\[.*?\])?(==[^\\]+)\\?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Installed:
    """An environment with the wheel in it, and an empty directory to work in."""

    bin: Path
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """Nothing of ours: no path to the sources, no settings."""
        return {
            "PATH": f"{self.bin}:/usr/bin:/bin",
            "HOME": str(self.folder),
            "PROM_PORT": "0",
            "CHUNK_SIZE_BYTES": str(5 * 1024**2),
        }

    def run(self, *command: str) -> str:
        """What a command of the environment prints; it has to succeed."""
        ran = subprocess.run(
            [self.bin / command[0], *command[1:]],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout

    def streams(self) -> list[dict[str, Any]]:
        found = json.loads(self.run("cefmp4", "streams", "--embedded", "--json"))
        rows: list[dict[str, Any]] = found if isinstance(found, list) else found["streams"]
        return rows


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    (wheel,) = (HOUSE / "dist").glob(f"cefmp4-{__version__}-*.whl")
    folder = tmp_path_factory.mktemp("installed")
    constraints = folder / "constraints.txt"
    locked = PINNED.findall((HOUSE / "requirements-dev.txt").read_text(encoding="utf-8"))
    constraints.write_text("".join(f"{name}{rest.rstrip()}\n" for name, rest in locked))
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    venv = folder / "venv"
    pip = (
        f"{venv}/bin/python -m pip install --quiet --only-binary=:all: -c {constraints}".split()
    )
    wanted = f"cefmp4[embedded] @ {wheel.as_uri()}"
    for command in ([sys.executable, "-m", "venv", str(venv)], [*pip, wanted]):
        subprocess.run(command, cwd=folder, env=environment, check=True)
    work = folder / "work"
    work.mkdir()
    return Installed(venv / "bin", work)


@pytest.fixture
def running(installed: Installed) -> Iterator[subprocess.Popen[bytes]]:
    with (installed.folder / "log").open("ab") as log:
        process = subprocess.Popen(
            [installed.bin / "cefmp4", "run", "--embedded"],
            cwd=installed.folder,
            env=installed.environment,
            stdout=log,
            stderr=log,
        )
    yield process
    if process.poll() is None:
        process.kill()
    process.wait()
    print((installed.folder / "log").read_text())  # noqa: T201 - shown when it failed


def test_it_is_the_wheel_that_is_run(installed: Installed) -> None:
    """The package comes from the environment, and says its version."""
    where = installed.run("python", "-c", "import cefmp4; print(cefmp4.__file__)")
    assert Path(where).is_relative_to(installed.bin.parent)
    assert installed.run("cefmp4", "--version").strip() == __version__


def address(installed: Installed) -> str:
    """Of the page, once it is there."""
    found = re.findall(r"(http://[\d.:]+)/metrics", (installed.folder / "log").read_text())
    return str(found[-1]) if found else ""


def ask(url: str) -> str:
    """What is answered, with a 200."""
    with urllib.request.urlopen(url, timeout=10) as answer:
        return bytes(answer.read()).decode()


async def test_it_records_stores_verifies_and_stops(
    installed: Installed, running: subprocess.Popen[bytes]
) -> None:
    """A real recorder, the embedded servers, the page, a proof of the object, and Ctrl-C.

    Seen failing with the page left out of the wheel, and without the extra `embedded`.
    """
    page = await wait_until(lambda: address(installed), timeout_seconds=60)
    recording = installed.folder / "local_watch_dir" / "a.mp4"
    recorder = ("python", "-m", "cefmp4.demo.recorder", str(recording))
    installed.run(*recorder, "--seconds", "4", "--bits-per-second", "24000000")

    def stored() -> bool:
        return [row["status"] for row in installed.streams()] == ["completed_with_meta"]

    await wait_until(stored, timeout_seconds=60, every_seconds=0.5)
    installed.run("cefmp4", "verify", "--embedded", "--all")
    linked = re.findall(r'(?:href|src)="(/page/[^"]+)"', ask(page + "/"))
    assert linked
    for path in ("/healthz", "/readyz", "/metrics", "/api/streams", *linked):
        assert ask(page + path), path
    running.send_signal(signal.SIGINT)
    assert running.wait(60) == 0
    left = [
        entry
        for entry in Path("/proc").glob("[0-9]*/cmdline")
        if str(installed.folder).encode() in _read(entry)
    ]
    assert left == []


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""  # it has just ended
