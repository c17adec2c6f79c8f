"""What a stranger reads before helping is true, and makes nothing up."""

import re
from pathlib import Path

import pytest

from ship.reading import GITHUB, HOUSE, make_targets

PAGES = [HOUSE / name for name in ("CONTRIBUTING.md", "SECURITY.md", "CODE_OF_CONDUCT.md")]
FORMS = [GITHUB / "pull_request_template.md", *sorted((GITHUB / "ISSUE_TEMPLATE").iterdir())]
ARCHITECTURE = HOUSE / "docs" / "architecture.md"


@pytest.mark.parametrize("page", [*PAGES, *FORMS], ids=lambda path: path.name)
def test_nobody_is_made_up(page: Path) -> None:
    """No address of a person or a place that nobody has given. Seen failing with one."""
    text = page.read_text(encoding="utf-8")
    assert re.findall(r"[\w.+-]+@[\w-]+\.\w+", text) == []
    allowed = ("www.contributor-covenant.org/", "docs.astral.sh/uv/", "pre-commit.com")
    for address in re.findall(r"https?://([^\s)>\"]+)", text):
        assert address.startswith(allowed), address


@pytest.mark.parametrize("page", [*PAGES, ARCHITECTURE], ids=lambda path: path.name)
def test_links_lead_somewhere(page: Path) -> None:
    """To a file that is there, and to a heading it has. Seen failing with one letter less."""
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)]+)\)", text):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve()
        assert file.exists(), target
        if anchor:
            assert anchor in _anchors(file), target


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", each).strip().lower().replace(" ", "-") for each in headings}


@pytest.mark.parametrize("page", [*PAGES, ARCHITECTURE, *FORMS], ids=lambda path: path.name)
def test_make_can_do_what_they_say(page: Path) -> None:
    """Every target they name. Seen failing with `make tests`."""
    named = re.findall(r"\bmake ([a-z][a-z-]+)`", page.read_text(encoding="utf-8"))
    named += re.findall(
        r"^make ([a-z-]+)", page.read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    assert set(named) <= make_targets()


def test_the_folders_of_the_tests_are_explained() -> None:
    """Each of them, and none that is not there. Seen failing with one left out."""
    text = (HOUSE / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = text.partition("| folder of `tests/` |")[2].partition("\n\n")[0].splitlines()[2:]
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    there = {path.parent.name for path in (HOUSE / "tests").glob("*/test_*.py")}
    assert named == there
