"""Whoever types what the documents say sees it work.

Each page is typed from its first block to its last in a fresh checkout, in a network of its
own. What needs something that is not here is left out, and named in a skip.
"""

import shutil
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from docs.pages import HOUSE, NOT_HERE, PROGRAMS, Block, Page, page_of, pages
from docs.typing_pages import PAGE_SECONDS, make_origin, problem_of, surroundings

PAGES = pages()
AT_A_TIME = 3
"""Most of a page is waiting, for recorders that record in real time."""
MARKERS = sorted(NOT_HERE | PROGRAMS.keys())


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository to clone."""
    if not surroundings():
        pytest.skip("no namespaces may be made here (unshare): commands are not tried")
    if shutil.which("git") is None or not (HOUSE / ".git").exists():
        pytest.skip("this is no checkout, or git is missing: commands are not tried")
    return make_origin(tmp_path_factory.mktemp("origin"))


@pytest.fixture(scope="module")
def typed(origin: Path, request: pytest.FixtureRequest) -> Iterator[dict[str, Future[str]]]:
    """What became of each page that was asked for; some are typed at the same time."""
    calls = [
        item.callspec
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.path == request.path
        if hasattr(item, "callspec")
    ]
    asked = [page for call in calls if isinstance(page := call.params.get("page"), Page)]
    asked = [page for page in asked if not page.missing_tools]
    with ThreadPoolExecutor(AT_A_TIME) as typists:
        yield {
            page.name: typists.submit(
                problem_of, page.here, origin, origin.parent / f"page-{number}"
            )
            for number, page in enumerate(asked)
        }


@pytest.mark.timeout(PAGE_SECONDS + 60)
@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.here], ids=lambda page: str(page.name)
)
def test_the_commands_of_a_page_do_what_it_says(
    page: Page, typed: dict[str, Future[str]]
) -> None:
    """Every command succeeds, one after the other. Seen failing with a misspelt option."""
    if page.missing_tools:
        pytest.skip(f"not here, but typed in {page.name}: {', '.join(page.missing_tools)}")
    problem = typed[page.name].result()
    assert not problem, f"{page.name}: {problem}"


@pytest.mark.parametrize("marker", MARKERS)
def test_what_was_not_tried_is_told(marker: str) -> None:
    """Nobody takes for tried what was not."""
    left_out = [
        page.name
        for page in PAGES
        if any(block.needs == marker and not block.can_run_here for block in page.blocks)
    ]
    if left_out:
        pytest.skip(f"commands that need {marker} were not tried, in: {', '.join(left_out)}")


def test_a_command_that_fails_is_told_with_what_it_said(origin: Path, tmp_path: Path) -> None:
    """Else a wrong document would pass. Seen failing without `bash -e`."""
    blocks = [
        Block("export KEPT=kept; cd docs\n", 3),
        Block("echo $KEPT; ls index.html | cat\necho not reached\n", 9),
    ]
    problem = problem_of(blocks, origin, origin.parent / "broken")
    assert "line 9" in problem
    assert "kept" in problem
    assert "not reached" not in problem.partition("It said")[2]


def test_a_page_reaches_nothing_outside_and_changes_nothing(origin: Path) -> None:
    """No network, and no write to this repository. Seen failing without --net, and
    without the remount."""
    names = "tail -n +3 /proc/net/dev | cut -d: -f1 | xargs"
    blocks = [
        Block(f'test "$({names})" = lo\n', 1),
        Block(f"test -r '{__file__}'\nif touch '{__file__}'; then exit 1; fi\n", 2),
    ]
    assert problem_of(blocks, origin, origin.parent / "shut") == ""


@pytest.mark.parametrize(
    "text",
    [
        "<!-- needs: an aeroplane -->\n```bash\ntrue\n```\n",
        "<!-- runs: backwards -->\n```bash\ntrue\n```\n",
        "1. a list\n   ```bash\n   true\n   ```\n",
        "```bash\ntrue\n",
    ],
)
def test_a_block_that_would_be_passed_over_is_refused(text: str, tmp_path: Path) -> None:
    """A misspelt marker, or a fence that is not seen, is no way around the test."""
    document = tmp_path / "page.md"
    document.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"marker|fence"):
        page_of("page.md", document)
