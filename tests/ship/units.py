"""`deploy/systemd/cefmp4.service` as the tests read it, and what systemd-analyze says."""

import re
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[2]
UNIT = HOUSE / "deploy" / "systemd" / "cefmp4.service"
ENV_FILE = HOUSE / "deploy" / "systemd" / "cefmp4.env"
GUIDE = HOUSE / "docs" / "guides" / "systemd.md"


def service() -> Mapping[str, Sequence[str]]:
    """The directives of [Service], each with its values in order."""
    _, text = UNIT.read_text(encoding="utf-8").split("\n[Service]\n")
    found: defaultdict[str, list[str]] = defaultdict(list)
    for name, value in re.findall(r"^(\w+)=(.*)$", text.split("\n[")[0], re.MULTILINE):
        found[name].append(value)
    return found


def seconds(name: str) -> float:
    (value,) = service()[name]
    return float(value)


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    """systemd-analyze, which needs no systemd that runs. Skips where there is none."""
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed")
    return subprocess.run(
        [program, "--no-pager", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"},
    )


@cache
def _syscall_sets() -> Mapping[str, Sequence[str]]:
    """Every set that systemd knows, and what stands in it: calls, and other sets."""
    sets: dict[str, list[str]] = {}
    members: list[str] = []
    for line in analyze("syscall-filter").stdout.splitlines():
        if line.startswith("@"):
            members = sets.setdefault(line.strip(), [])
        elif line.startswith("    ") and not line.strip().startswith("#"):
            members.append(line.strip())
    assert "@system-service" in sets
    return sets


def _calls(name: str) -> set[str]:
    if not name.startswith("@"):
        return {name}
    return {call for member in _syscall_sets()[name] for call in _calls(member)}


def allowed_syscalls() -> set[str]:
    """What the lines SystemCallFilter= allow in the end; @default always is."""
    allowed = _calls("@default")
    for line in service()["SystemCallFilter"]:
        named = {call for name in line.lstrip("~").split() for call in _calls(name)}
        allowed = allowed - named if line.startswith("~") else allowed | named
    return allowed
