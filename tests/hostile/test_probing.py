"""Every hostile file is looked at by both probers, for a picture, and by the box walk: each
gets an answer, nothing else is opened, nobody is called, and nothing grows.
"""

import json
import os
import select
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from contract import media
from hostile.files import LYING, POINTING, Elsewhere
from hostile.tracing import Trace, traced, tracer

OURS = (os.path.realpath(sys.prefix), os.path.realpath(sys.base_prefix))
CHILD_BYTES, OWN_BYTES = 512 * 1024**2, 128 * 1024**2


@dataclass
class Looks:
    """What looking at a directory brought, and what it took."""

    found: dict[str, Any]
    audited: list[list[str]]
    own_bytes: int
    child_bytes: int
    trace: Trace | None
    called: bool = False


def look(folder: Path, who: str) -> Looks:
    told, log = f"{folder}.{who}.json", f"{folder}.{who}.strace"
    tracing = tracer(log)
    command = [*tracing, sys.executable, "-m", "hostile.looking", who, str(folder), told]
    # In a fresh checkout whoever looks first would write bytecode, and be the only one to.
    unwritten = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run(command, env=unwritten, check=True, timeout=110)
    with open(told, encoding="utf-8") as file:
        return Looks(**json.load(file), trace=traced(log) if tracing else None)


@contextmanager
def hostile_looks(folder: Path, who: str) -> Iterator[Looks]:
    """Looks at every hostile file, beside an address that listens and a file of others."""
    secret = folder / "secret.m4v"
    secret.write_bytes(media.recorded(media.FRAGMENTED))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        to = Elsewhere(listener.getsockname()[1], str(secret))
        for name, points in POINTING.items():
            (folder / f"{name}.mp4").write_bytes(points(to))
        for name, lies in LYING.items():
            (folder / f"{name}.mp4").write_bytes(lies())
        looks = look(folder, who)
        looks.called = bool(select.select([listener], [], [], 0)[0])
        yield looks


@pytest.fixture(scope="module", params=["ffprobe", "pyav", "poster"])
def who(request: pytest.FixtureRequest) -> str:
    if request.param == "ffprobe" and shutil.which("ffprobe") is None:
        pytest.skip("no ffprobe here: only PyAV is tried")
    return str(request.param)


@pytest.fixture(scope="module")
def hostile(who: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Looks]:
    with hostile_looks(tmp_path_factory.mktemp("hostile"), who) as looks:
        yield looks


@pytest.fixture(scope="module")
def honest(who: str, tmp_path_factory: pytest.TempPathFactory) -> Looks:
    """Looks at an ordinary recording, and at one whose end is missing."""
    folder = tmp_path_factory.mktemp("honest")
    whole = media.recorded(media.ORDINARY, sound=True)
    (folder / "whole.mp4").write_bytes(whole)
    (folder / "unfinished.mp4").write_bytes(whole[:-2000])
    return look(folder, who)


def test_every_hostile_file_gets_an_answer(hostile: Looks) -> None:
    """Whatever is in it, the look at it ends, and where nothing is known it is said why."""
    names = {os.path.basename(path).removesuffix(".mp4") for path in hostile.found}
    assert names == POINTING.keys() | LYING.keys()
    for path, answer in hostile.found.items():
        assert answer.get("playable") or answer.get("video") or answer["problem"], path
        assert len(answer["problem"] or "") < 300


def test_no_hostile_file_makes_anybody_call(hostile: Looks) -> None:
    """What listens at the address they name is never called.

    Seen failing without `-f mov` and with `-protocol_whitelist file,http,tcp,udp,rtp`.
    """
    assert not hostile.called


def test_no_hostile_file_gets_another_opened(hostile: Looks, honest: Looks) -> None:
    """Files opened, programs started and sockets made are those of an honest recording.

    Seen failing without `-f mov`, without the given format for PyAV, and with
    `-enable_drefs`: the file of others was opened.
    """
    if hostile.trace is None or honest.trace is None:
        pytest.skip("no strace here, or it may not trace: what is opened cannot be seen")
    told = {path for path in hostile.trace.opened if path.endswith(".json")}
    recordings = hostile.found.keys()
    assert recordings <= hostile.trace.opened
    new = hostile.trace.opened - honest.trace.opened - recordings - told
    folder = os.path.dirname(next(iter(recordings)))
    assert {path for path in new if not path.startswith(OURS)} <= {folder}
    assert hostile.trace.started == honest.trace.started
    assert hostile.trace.sent == honest.trace.sent == []


def test_no_hostile_file_makes_anything_grow(hostile: Looks) -> None:
    """The child ends at its limit of memory, and what comes back from it is small.

    Seen failing with the limit of memory removed.
    """
    assert hostile.child_bytes < CHILD_BYTES
    assert hostile.own_bytes < OWN_BYTES


def _is_descriptor(event: str, what: str) -> bool:
    return event == "open" and what.startswith("/proc/self/fd/")


def test_the_walk_opens_nothing_but_the_recording(tmp_path: Path) -> None:
    """Nor does it start or connect anything; only the table of mounts is read beside it.

    The recording is opened by way of a descriptor that cannot be read from, once it is
    known to lie in the watched directory. Seen failing with the mounts asked of a program.
    """
    with hostile_looks(tmp_path, "boxes") as looks:
        pass
    during = looks.audited[: looks.audited.index(["over", ""])]
    expected = {*(("open", path) for path in looks.found), ("open", "/proc/self/mountinfo")}
    seen = {(event, what) for event, what in during if not _is_descriptor(event, what)}
    assert seen == expected | {("open", "/")}
    assert all(answer["complete"] or answer["problem"] for answer in looks.found.values())
    assert looks.own_bytes < OWN_BYTES
    assert not looks.called
