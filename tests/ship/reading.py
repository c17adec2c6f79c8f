"""What ships beside the code, as the tests read it."""

import re
import subprocess
from pathlib import Path
from typing import Any

import yaml

HOUSE = Path(__file__).parents[2]
GITHUB = HOUSE / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
CI, RELEASE = GITHUB / "workflows" / "ci.yml", GITHUB / "workflows" / "release.yml"


def read_yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def jobs(workflow: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = read_yaml(workflow)["jobs"]
    return found


def steps(workflow: Path) -> list[dict[str, Any]]:
    """Of all its jobs."""
    return [step for job in jobs(workflow).values() for step in job.get("steps", [])]


def make_targets() -> set[str]:
    """What `make` can be asked for by name."""
    text = (HOUSE / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z][a-z-]*):(?!=)", text, flags=re.MULTILINE))


def committed() -> set[str] | None:
    """The files of the commit; None where there is no history, as in an unpacked sdist."""
    listed = subprocess.run(
        ["git", "-C", str(HOUSE), "ls-tree", "-r", "-z", "--name-only", "HEAD"],
        capture_output=True,
        check=False,
    )
    if listed.returncode or not (HOUSE / ".git").exists():
        return None
    return set(listed.stdout.decode().rstrip("\0").split("\0"))
