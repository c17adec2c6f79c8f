"""A tag is only released if the commit is what the tag says."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ship.reading import HOUSE

CHANGELOG = """# Changelog

Words about it.

## 1.3.0 (unreleased)

- What comes.

## 1.2.3 (2026-11-25)

- What there is.
- And more.

## 1.2.2 (2026-10-01)

- What was.
"""


def release(folder: Path, version: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """tools/release.py in a checkout of this version."""
    for name in ("tools", "src/cefmp4"):
        (folder / name).mkdir(parents=True)
    shutil.copy(HOUSE / "tools" / "release.py", folder / "tools")
    (folder / "src/cefmp4/__init__.py").write_text(f'__version__ = "{version}"\n')
    (folder / "CHANGELOG.md").write_text(CHANGELOG)
    return subprocess.run(
        [sys.executable, folder / "tools" / "release.py", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("version", "tag", "complaint"),
    [
        ("1.2.3", "v1.2.3", ""),
        ("1.2.3", "1.2.3", "the tag is 1.2.3, the version 1.2.3: v1.2.3?"),
        ("1.2.2", "v1.2.3", "the tag is v1.2.3, the version 1.2.2: v1.2.2?"),
        ("1.2.3", "", "the tag is missing, the version 1.2.3: v1.2.3?"),
        ("1.3.0", "v1.3.0", "CHANGELOG.md: write the day behind 1.3.0, as (2026-11-25)"),
        ("1.2", "v1.2", "CHANGELOG.md has no section 1.2"),
    ],
)
def test_a_tag_has_to_be_right(tmp_path: Path, version: str, tag: str, complaint: str) -> None:
    """The version of the commit, with a dated section. Seen failing with `in` for `==`."""
    checked = release(tmp_path, version, "check", tag)
    assert checked.stderr.strip() == complaint
    assert checked.returncode == (1 if complaint else 0)


def test_a_tag_is_no_command(tmp_path: Path) -> None:
    """Git allows quotes and semicolons in the name of a tag, and a job has the right to write.

    Seen failing with `"$(TAG)"` in the Makefile.
    """
    (tmp_path / "bin").mkdir()
    told = tmp_path / "told"
    for program in ("gh", "python3"):
        path = tmp_path / "bin" / program
        path.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >> {told}\n')
        path.chmod(0o755)
    tag = f'v1";touch${{IFS}}{tmp_path}/made;echo"'
    for target in ("release-check", "release-page"):
        subprocess.run(
            ["make", "--silent", "--file", HOUSE / "Makefile", target],
            cwd=tmp_path,
            env={"PATH": f"{tmp_path}/bin:{os.environ['PATH']}", "TAG": tag},
            capture_output=True,
            check=True,
        )
    assert not (tmp_path / "made").exists()
    assert told.read_text().splitlines().count(tag) == 3


def test_the_notes_are_the_section_of_the_version(tmp_path: Path) -> None:
    """And nothing of the others. Seen failing with the section cut at the end of the file."""
    notes = release(tmp_path, "1.2.3", "notes")
    assert notes.stdout == "- What there is.\n- And more.\n"


def test_the_changelog_has_a_section_of_this_version() -> None:
    """So that only the day is missing when it is to be released."""
    command = [sys.executable, str(HOUSE / "tools" / "release.py"), "notes"]
    notes = subprocess.run(command, capture_output=True, text=True, check=True)
    assert notes.stdout.count("\n- ") > 0
