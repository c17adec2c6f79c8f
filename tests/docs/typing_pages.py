"""Has the commands of a page typed in a terminal of its own (`terminal.py`)."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from docs.pages import HOUSE, Block

PAGE_SECONDS = 100
REPOSITORY = "<repository_url>"
"""What stands in the documents for the address of the repository."""
_NAME = "CefMP4"


@cache
def surroundings() -> tuple[str, ...]:
    """The command that makes namespaces; empty where that is not permitted."""
    command = ["unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]
    if os.geteuid() != 0:
        command += ["--user", "--map-root-user"]
    tried = shutil.which("unshare") and subprocess.run(
        [*command, "true"], capture_output=True, check=False
    )
    return tuple(command) if tried and tried.returncode == 0 else ()


def make_origin(folder: Path) -> Path:
    """A repository that holds the tree as it is now, to be cloned."""
    origin = folder / _NAME
    listed = _git(
        "-C", str(HOUSE), "ls-files", "-z", "--cached", "--others", "--exclude-standard"
    )
    for name in filter(None, listed.split("\0")):
        if (HOUSE / name).is_file():
            (origin / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(HOUSE / name, origin / name)
    _git("-C", str(origin), "init", "--quiet", "--initial-branch", "main")
    _git("-C", str(origin), "add", "--all")
    named = ("-c", "user.name=test", "-c", "user.email=test@localhost")
    _git("-C", str(origin), *named, "commit", "--quiet", "--message", "as it is now")
    return origin


def problem_of(blocks: Sequence[Block], origin: Path, folder: Path) -> str:
    """What went wrong with these commands, typed in turn; empty when nothing did."""
    desk, home = folder / "desk", folder / "home"
    for made in (desk, home):
        made.mkdir(parents=True)
    clones_itself = any(REPOSITORY in block.text for block in blocks)
    if not clones_itself:
        _git("-C", str(desk), "clone", "--quiet", str(origin), _NAME)
    spec = {
        "blocks": [
            {
                "text": block.text.replace(REPOSITORY, str(origin)),
                "line": block.line,
                "background": block.background,
            }
            for block in blocks
        ],
        "begin": str(desk if clones_itself else desk / _NAME),
        "desk": str(desk),
        "folder": str(folder),
        "root": str(origin.parents[1]),
        "venv": sys.prefix,
        "read_only": _outermost([str(HOUSE), sys.prefix]),
        "limit_seconds": PAGE_SECONDS,
    }
    (folder / "spec.json").write_text(json.dumps(spec), encoding="utf-8")
    return _typed(folder, home)


def _typed(folder: Path, home: Path) -> str:
    terminal = Path(__file__).with_name("terminal.py")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "COLUMNS": "120",
    }
    ran = subprocess.run(
        [*surroundings(), sys.executable, "-I", str(terminal), str(folder / "spec.json")],
        env=environment,
        capture_output=True,
        text=True,
        timeout=PAGE_SECONDS + 10,
        check=False,
    )
    try:
        return str(json.loads(ran.stdout)["problem"])
    except ValueError:
        return f"the page took longer than {PAGE_SECONDS} s, or: {ran.stdout}{ran.stderr}"


def _outermost(paths: Sequence[str]) -> list[str]:
    """Without those that lie in another one."""
    return [
        path
        for path in paths
        if not any(path.startswith(f"{other}/") for other in paths if other != path)
    ]


def _git(*arguments: str) -> str:
    command = ["git", "-c", "safe.directory=*", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
