"""A WATCH_DIR that cannot be made, and what is passed over in one, as a person sees it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from cefmp4 import __version__
from cefmp4.cli import greet, tell_of_made
from cefmp4.config import load_settings
from story.test_command_line import embedded_once


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


@pytest.mark.timeout(180)
def test_a_first_start_warns_of_no_directory(tmp_path: Path) -> None:
    """The one that nobody named is made as a matter of course; the first line says which.

    Seen failing with a warning for every directory that is made, and with a first line that
    comes after the store was opened.
    """
    first, *others = embedded_once(tmp_path).stderr.splitlines()
    (made,) = (line for line in others if "it was made" in line)
    assert str(tmp_path / "local_watch_dir") in made
    assert "warning" not in made
    for told in ("starting", __version__, f"={tmp_path / 'local_watch_dir'}", "instance="):
        assert told in first


@pytest.mark.parametrize(
    ("named", "embedded", "level", "hint"),
    [
        (None, True, "info", None),
        (None, False, "warning", "WATCH_DIR is not set: is this meant?"),
        ("there", True, "warning", "is WATCH_DIR what was meant?"),
        ("there", False, "warning", "is WATCH_DIR what was meant?"),
    ],
)
def test_a_directory_that_is_made_may_not_be_the_one_that_was_meant(
    named: str | None,
    embedded: bool,
    level: str,
    hint: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also when WATCH_DIR was forgotten: who names a store records somewhere.

    Seen failing with INFO for every one that nobody named.
    """
    monkeypatch.delenv("WATCH_DIR", raising=False)
    settings = load_settings(needs_store=False, env_file=None, watch_dir=named)
    with capture_logs() as logs:
        tell_of_made(settings, made=False, embedded=embedded)
        tell_of_made(settings, made=True, embedded=embedded)
    (line,) = logs
    assert (line["log_level"], line.get("hint")) == (level, hint)
