"""A WATCH_DIR that cannot be made, and what is passed over in one, as a person sees it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cefmp4.cli import greet
from cefmp4.config import load_settings


@pytest.mark.parametrize("named", ["/proc/nope/recordings", f"new/{'n' * 300}"])
def test_a_start_refuses_it_before_any_server_is_started(tmp_path: Path, named: str) -> None:
    """Whether looking tells it or only trying: one line, exit code 2, nothing begun.

    Seen failing with exit code 1 after the store was opened.
    """
    ran = subprocess.run(
        [sys.executable, "-m", "cefmp4", "run", "--embedded"],
        env={"PATH": os.environ["PATH"], "PROM_PORT": "0", "WATCH_DIR": named},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    (line,) = ran.stderr.splitlines()
    assert (ran.returncode, ran.stdout) == (2, "")
    assert line.startswith("cefmp4: WATCH_DIR=")
    assert line.endswith("name another")
    assert not (tmp_path / ".cefmp4").exists()


def test_a_greeting_is_one_line_for_each_thing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever the name of the directory holds. Seen failing with the name as it is."""
    named = f"{tmp_path}/[red]two\nlines\x1b[31m"
    greet(load_settings(needs_store=False, watch_dir=named), None, "http://127.0.0.1:1")
    first, *others = capsys.readouterr().out.splitlines()
    assert first == rf"    watching  {tmp_path}/[red]two\nlines\x1b[31m"
    assert [line.split()[0] for line in others] == ["bucket", "page", "metrics"]


def test_a_plan_tells_on_standard_error_what_is_no_row_of_it(
    tmp_path: Path, redis_url: str
) -> None:
    """That the store is asked first, and what is passed over. Seen failing without a word."""
    for name in ("a.mp4", "b.txt", "c.txt", "d.txt", ".e.mp4"):
        (tmp_path / name).write_text("some bytes")
    ran = subprocess.run(
        [sys.executable, "-m", "cefmp4", "plan", "--json"],
        env={"PATH": os.environ["PATH"], "REDIS_URL": redis_url, "WATCH_DIR": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert [row["next_actions"] for row in json.loads(ran.stdout)] == [["Begin"]]
    first, last = ran.stderr.splitlines()
    assert "the start asks the store" in first
    assert "4 files are passed over: b.txt (matches" in last
    assert last.endswith("d.txt (matches none of WATCH_PATTERNS), …")
