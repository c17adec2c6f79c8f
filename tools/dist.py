"""Wheel and sdist of what is committed: the same bytes wherever and whenever they are built.

    python tools/dist.py dist

- Built from an export of HEAD, so that nothing lying around gets in: no `.env`, no recording.
- The time in them is that of the commit.
- The wheel is built from the sdist, so the sdist has all that it needs.

In an unpacked sdist, where there is no history, the tree is taken as it is, and the time from
SOURCE_DATE_EPOCH if it is set.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path

HOUSE = Path(__file__).parents[1]


def _git(house: Path, *arguments: str) -> str | None:
    """What git says; None where it has nothing to say."""
    try:
        said = subprocess.run(
            ["git", "-C", str(house), *arguments], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return said.stdout.strip()


def is_checkout(house: Path) -> bool:
    """Whether the history git finds is that of this tree, not of one around it."""
    top = _git(house, "rev-parse", "--show-toplevel")
    return top is not None and Path(top).resolve() == house.resolve()


def export(house: Path, into: Path) -> None:
    """What HEAD has, and nothing else."""
    archive = into.with_suffix(".tar")
    command = ["git", "-C", str(house), "archive", "--output", str(archive), "HEAD"]
    subprocess.run(command, check=True)
    _unpack(archive, into)


def _unpack(archive: Path, into: str | Path) -> None:
    """One that was made here. Python before 3.11.4, as Debian 12 has it, knows no filters."""
    with tarfile.open(archive) as packed:
        if hasattr(tarfile, "data_filter"):
            packed.extractall(into, filter="data")
        else:
            packed.extractall(into)  # noqa: S202


def _hatch(tree: Path, target: str, out: Path, environment: Mapping[str, str]) -> Path:
    """Build one of them; returns its file."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(out)]
    ran = subprocess.run(
        command, cwd=tree, env=environment, capture_output=True, text=True, check=False
    )
    if ran.returncode:
        raise SystemExit(ran.stdout + ran.stderr)
    (built,) = out.glob("*.tar.gz" if target == "sdist" else "*.whl")
    return built


def build(house: Path, out: Path) -> list[Path]:
    """Both of them in `out`, which holds nothing else afterwards."""
    environment = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="cefmp4-dist-") as scratch:
        tree = house
        if is_checkout(house):
            environment["SOURCE_DATE_EPOCH"] = str(_git(house, "log", "-1", "--format=%ct"))
            tree = Path(scratch, "tree")
            export(house, tree)
        built = Path(scratch, "built")
        sdist = _hatch(tree, "sdist", built, environment)
        _unpack(sdist, scratch)
        wheel = _hatch(
            Path(scratch, sdist.name.removesuffix(".tar.gz")), "wheel", built, environment
        )
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        return [Path(shutil.copy(path, out)) for path in (sdist, wheel)]


def main() -> None:
    out = Path(sys.argv[1] if len(sys.argv) > 1 else "dist")
    if is_checkout(HOUSE) and _git(HOUSE, "status", "--porcelain"):
        print("not in it, because not committed: see `git status`", file=sys.stderr)
    for path in build(HOUSE, out):
        print(hashlib.sha256(path.read_bytes()).hexdigest(), f"{out}/{path.name}")


if __name__ == "__main__":
    main()
