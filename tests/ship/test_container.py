"""The Dockerfile: clean, closed to what it does not need, and its steps work.

What is not tried here is its base image; `make image-root` builds and runs all of it on a
stand-in for that.
"""

import os
import re
import socket
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

from cefmp4 import __version__
from story.daemon import Daemon
from waiting import wait_until

HOUSE = Path(__file__).parents[2]
SCRIPTS = HOUSE / "deploy" / "container"
DOCKERFILE = (HOUSE / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
HEALTHCHECK = SCRIPTS / "healthcheck.py"
PIN = re.compile(r"^([a-zA-Z0-9._-]+)==(\S+)", re.MULTILINE)
NOBODY = "http://127.0.0.1:9"


def instructions(name: str) -> list[str]:
    """What follows each instruction of that name in the Dockerfile."""
    return re.findall(rf"^{name} +(.*)$", DOCKERFILE, re.MULTILINE)


def copied() -> list[str]:
    """What is copied from the checkout."""
    return [
        source
        for line in instructions("COPY")
        if not line.startswith("--from")
        for source in line.split()[:-1]
    ]


def test_hadolint_has_nothing_to_say() -> None:
    """Seen failing with `apt-get install` in a RUN."""
    found = subprocess.run(
        [f"{os.path.dirname(sys.executable)}/hadolint", "Dockerfile"],
        cwd=HOUSE,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (found.returncode, found.stdout) == (0, "")


def test_every_step_is_a_script_that_can_be_tried() -> None:
    """Else `make image-root` and the test below would not run what the build runs.

    Seen failing with a `RUN pip install`.
    """
    steps = [step.split()[0] for line in instructions("RUN") for step in line.split("&&")]
    assert steps
    for step in steps:
        assert os.access(SCRIPTS / os.path.basename(step), os.X_OK), step


def test_the_base_image_is_named_once_and_to_the_patch() -> None:
    """Both stages have the same Python. Seen failing with `python:3.13-slim`."""
    outside = [line for line in instructions("FROM") if not line.startswith("base")]
    assert len(outside) == 1
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-[a-z]+ AS base", outside[0])


def test_the_build_sees_what_it_copies_and_nothing_else() -> None:
    """No secret of a checkout can get into an image. Seen failing with `!*.env` added."""
    lines = (HOUSE / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    let_in = [rule[1:] for rule in rules if rule.startswith("!")]
    sources = [os.path.normpath(source) for source in copied()]
    for source in sources:
        assert (HOUSE / source).exists(), source
        assert any(fnmatch(source, rule) for rule in let_in), source
    for rule in let_in:
        assert any(fnmatch(source, rule) for source in sources), rule


def test_the_build_tools_are_those_that_are_tested() -> None:
    """Their versions are those of the development lock, and each has hashes.

    Seen failing with another version of pathspec.
    """
    text = (SCRIPTS / "build-tools.txt").read_text(encoding="utf-8")
    tools = dict(PIN.findall(text))
    tested = dict(PIN.findall((HOUSE / "requirements-dev.txt").read_text(encoding="utf-8")))
    assert tools["hatchling"]
    assert {name: tested.get(name, version) for name, version in tools.items()} == tools
    for pinned in re.split(r"^(?=\S+==)", text, flags=re.MULTILINE)[1:]:
        assert "--hash=sha256:" in pinned


def test_the_image_asks_whoever_is_not_root_to_run_it() -> None:
    """By number, so that Kubernetes can see it. Seen failing with `USER appuser`."""
    assert instructions("USER") == ["1001:1001"]
    made = (SCRIPTS / "make-user.sh").read_text(encoding="utf-8")
    assert "useradd --uid 1001" in made
    assert instructions("ENTRYPOINT") == ['["tini", "--", "python", "-m", "cefmp4"]']
    assert instructions("CMD")[-1] == '["run"]'


@pytest.mark.timeout(400)
def test_the_python_steps_make_an_environment_that_runs(tmp_path: Path) -> None:
    """As in the build: the hashed lock, the wheel, bytecode; then no file of it changes.

    Seen failing with a wrong hash in build-tools.txt, and without compileall.
    """
    prefix, wheels = str(tmp_path / "cefmp4"), str(tmp_path / "wheels")
    for script, *arguments in (
        ("install-lock.sh", prefix, "requirements.txt"),
        ("build-wheel.sh", ".", wheels),
        ("install-wheel.sh", prefix, wheels),
    ):
        _step(script, *arguments)
    python = f"{prefix}/bin/python"
    before = _files(prefix)
    said = subprocess.run(
        [python, "-P", "-m", "cefmp4", "--version"],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (said.returncode, said.stdout.strip()) == (0, __version__), said.stderr
    assert _files(prefix) == before, "not all of its bytecode was there"
    assert not os.path.exists(f"{prefix}/bin/pip")
    assert not [path for path in before if "/hatchling/" in path]


def _step(script: str, *arguments: str) -> None:
    """What the build runs; it has `python` on its PATH."""
    path = f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}"
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [str(SCRIPTS / script), *arguments],
        cwd=HOUSE,
        env={**kept, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    if "NewConnectionError" in done.stderr or "NameResolutionError" in done.stderr:
        pytest.skip("the package index cannot be reached")
    assert done.returncode == 0, done.stderr


def _files(folder: str) -> set[str]:
    return {os.path.join(place, name) for place, _, names in os.walk(folder) for name in names}


async def test_the_health_check_tells_a_daemon_that_works(tmp_path: Path) -> None:
    """Also while it waits for its servers, which no restart would bring back.

    Seen failing with /readyz in its place.
    """
    environment = {
        **{name: os.environ[name] for name in ("PATH", "PYTHONPATH")},
        "WATCH_DIR": str(tmp_path / "recordings"),
        "S3_ENDPOINT_URL": NOBODY,
        "S3_BUCKET_NAME": "recordings",
        "REDIS_URL": "redis://127.0.0.1:9/0",
        "PROM_HOST": "0.0.0.0",  # noqa: S104 - what the image says
        "PROM_PORT": str(_free_port()),
    }
    assert _is_healthy(environment) == 1
    daemon = Daemon(environment["WATCH_DIR"], str(tmp_path / "log"), environment)
    try:
        daemon.start()
        await wait_until(
            lambda: _is_healthy(environment) == 0, timeout_seconds=30, every_seconds=0.2
        )
    finally:
        daemon.end()
    assert _is_healthy(environment) == 1


def _is_healthy(environment: dict[str, str]) -> int:
    command = [sys.executable, "-I", "-S", str(HEALTHCHECK)]
    asked = subprocess.run(command, env=environment, stderr=subprocess.DEVNULL, check=False)
    return asked.returncode


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
