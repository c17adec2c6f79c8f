"""The manual page says what the program says of itself, in roff that is roff."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from cefmp4.cli import cli
from cefmp4.settings import Settings
from tools.man import page

PAGE = Path(__file__).parents[2] / "deploy" / "man" / "cefmp4.1"


def _read_by(*command: str) -> subprocess.CompletedProcess[str]:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed (Debian: the package of this name)")
    return subprocess.run([*command, str(PAGE)], capture_output=True, text=True, check=False)


def test_the_page_is_that_of_today() -> None:
    """`make man` would write the same. Seen failing with an option's help changed."""
    assert "\n".join(page()) + "\n" == PAGE.read_text(encoding="utf-8"), "make man"


def test_the_page_tells_of_every_command_and_setting() -> None:
    """None is hidden from it. Seen failing with the settings cut short."""
    text = PAGE.read_text(encoding="utf-8").replace(r"\-", "-")
    commands = {
        one.name or one.callback.__name__ for one in cli.registered_commands if one.callback
    }
    assert set(re.findall(r"^\.SS cefmp4 (\S+)", text, re.MULTILINE)) == commands
    for name in Settings.model_fields:
        assert rf"\fB{name.upper()}\fR" in text


def test_groff_takes_the_page() -> None:
    """Without a warning. Seen failing with `…` not written as an escape, and with `.XX`."""
    read = _read_by("groff", "-man", "-ww", "-z")
    assert (read.returncode, read.stderr) == (0, "")


def test_mandoc_takes_the_page() -> None:
    """It only misses a date, which the page does without. Seen failing with `.XX`."""
    read = _read_by("mandoc", "-T", "lint", "-W", "warning")
    complaints = [line for line in read.stdout.splitlines() if "missing date" not in line]
    assert complaints == []


def test_the_page_can_be_read() -> None:
    """As man shows it: what is typed has hyphens that can be copied. Seen failing with `-`."""
    read = _read_by("groff", "-man", "-Tutf8", "-P-cbou")
    assert "--embedded" in read.stdout
    assert "EXIT STATUS" in read.stdout
