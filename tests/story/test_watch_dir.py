"""A WATCH_DIR that cannot be made, as a person at a terminal sees it."""

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
