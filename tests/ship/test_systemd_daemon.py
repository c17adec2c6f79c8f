"""The real daemon under what the unit allows: it does all of its work with that."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from ctypes.util import find_library
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from dotenv import dotenv_values

from servers import S3Server
from ship.units import ENV_FILE, allowed_syscalls, seconds, service
from story.daemon import settings_of, whole_lines
from story.test_recordings import make_mp4
from waiting import wait_until

CONFINED = Path(__file__).with_name("confined.py")
FAMILIES = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10}
SOMEBODY = 61_184
"""A user of those that DynamicUser= takes."""
ASK = """
    import os, sys
    from cefmp4.adapters.disk.writers import ask_writer, prepare_process
    print("able")
    prepare_process()
    fd = os.open(sys.argv[1], os.O_RDONLY)
    print(ask_writer(fd, sys.argv[1]).name)
"""


@pytest.fixture
def confined() -> list[str]:
    """A command that runs another under the filters of the unit."""
    if not find_library("seccomp"):
        pytest.skip("libseccomp is not installed")
    (families,) = service()["RestrictAddressFamilies"]
    numbers = ",".join(str(FAMILIES[name]) for name in families.split())
    calls = ",".join(sorted(allowed_syscalls()))
    command = [sys.executable, str(CONFINED), calls, numbers]
    tried = subprocess.run([*command, "/bin/true"], capture_output=True, text=True, check=False)
    if tried.stderr.startswith("no filter"):
        pytest.skip(f"seccomp is not to be had here: {tried.stderr.strip()}")
    return command


@pytest.fixture
def environment(
    tmp_path: Path, s3_server: S3Server, bucket: str, redis_url: str
) -> dict[str, str]:
    """That of cefmp4.env, on the servers of the test; the keys of the store are in a file.

    As LoadCredential= has it: the SDK finds them by AWS_SHARED_CREDENTIALS_FILE.
    """
    of_file = {name: value for name, value in dotenv_values(ENV_FILE).items() if value}
    here = settings_of(str(tmp_path), s3_server, bucket, redis_url)
    key, secret = here.pop("S3_ACCESS_KEY_ID"), here.pop("S3_SECRET_ACCESS_KEY")
    credentials = tmp_path / "aws"
    credentials.write_text(
        f"[default]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n"
    )
    here["S3_ENDPOINT_URL"] = here["S3_ENDPOINT_URL"].replace("127.0.0.1", "localhost")
    os.mkdir(here["WATCH_DIR"])
    return {
        **of_file,
        **here,
        "AWS_SHARED_CREDENTIALS_FILE": str(credentials),
        "LOG_LEVEL": "INFO",
        "POSTER": "true",
    }


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "journal"


@pytest.fixture
def running(
    confined: list[str], environment: dict[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """As a service: no terminal, nothing to read, and only standard error is kept."""
    with open(log, "wb") as journal:
        process = subprocess.Popen(
            [*confined, sys.executable, "-m", "cefmp4", "run"],
            env=environment,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=journal,
            start_new_session=True,
        )
    yield process
    process.kill()
    process.wait()


def _told(log: Path, event: str) -> Mapping[str, Any] | None:
    """The first such line. Every line is one JSON object, or this raises."""
    lines = map(json.loads, whole_lines(log.read_text(encoding="utf-8")))
    return next((line for line in lines if line["event"] == event), None)


async def test_a_recording_is_stored_with_what_the_unit_allows(
    running: subprocess.Popen[bytes], environment: dict[str, str], log: Path
) -> None:
    """Sent, probed, pictured and described; then it leaves when it is told to.

    A system call, an address family, a mapping or a namespace that the unit denies would
    have ended it or its probe. Seen failing without `prlimit64 setpriority`, without AF_INET,
    and with `~@network-io`.
    """
    make_mp4(os.path.join(environment["WATCH_DIR"], "a.mp4"))
    await wait_until(
        lambda: running.poll() is not None or _told(log, "finished"), timeout_seconds=60
    )
    assert running.poll() is None, log.read_text(encoding="utf-8")
    described = _told(log, "described")
    assert described is not None
    assert described.get("problem") is None
    assert described["duration_seconds"]
    assert _told(log, "no poster") is None
    running.send_signal(signal.SIGTERM)
    assert running.wait(seconds("TimeoutStopSec")) == 0


async def test_the_filter_filters(confined: list[str]) -> None:
    """Else the test above would show nothing."""
    for forbidden in (
        "import socket; socket.socket(socket.AF_PACKET)",
        "import os; os.sched_setaffinity(0, {0})",
        "import mmap; mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC)",
        "import os; os.chroot('/')",
    ):
        tried = subprocess.run([*confined, sys.executable, "-c", forbidden], check=False)
        assert tried.returncode == -signal.SIGSYS, forbidden


@pytest.fixture
def recording() -> Iterator[str]:
    """One that everybody may read; pytest's own directories are closed to others."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)  # noqa: S103 - there is nothing else in it
        path = os.path.join(folder, "a.mp4")
        with open(path, "wb") as file:
            file.write(bytes(4096))
        os.chmod(path, 0o644)
        yield path


def _asked_by_somebody(recording: str, capabilities: str) -> str:
    """Whether it has a writer, asked by a user of systemd's with these capabilities alone."""
    wholly = {"--bounding-set", "--inh-caps", "--ambient-caps"}
    asked = subprocess.run(
        [
            *("setpriv", f"--reuid={SOMEBODY}", f"--regid={SOMEBODY}", "--clear-groups"),
            *(f"{option}={capabilities}" for option in sorted(wholly)),
            *("--no-new-privs", sys.executable, "-B", "-c", dedent(ASK), recording),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    able, _, answer = asked.stdout.partition("\n")
    if not able:
        pytest.skip(f"others cannot run Python from here: {asked.stderr.splitlines()[-1]}")
    assert asked.returncode == 0, asked.stderr
    return answer.strip()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize(
    ("capabilities", "while_open", "when_closed"),
    [("-all,+lease", "OPEN", "CLOSED"), ("-all", "UNKNOWN", "UNKNOWN")],
)
def test_the_capability_tells_it_who_still_writes(
    capabilities: str, while_open: str, when_closed: str, recording: str
) -> None:
    """Of a recording that is somebody else's, so that a paused recorder is waited for.

    Without it nothing is known. Seen failing with +chown in place of +lease.
    """
    assert service()["AmbientCapabilities"] == service()["CapabilityBoundingSet"]
    assert service()["AmbientCapabilities"] == ["CAP_LEASE"]
    with open(recording, "ab"):
        assert _asked_by_somebody(recording, capabilities) == while_open
    assert _asked_by_somebody(recording, capabilities) == when_closed
