"""The documents as a site: every page in the menu, and links that are right in both places."""

import importlib.util
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import yaml

HOUSE = Path(__file__).parents[2]
DOCS = HOUSE / "docs"
PAGE = SimpleNamespace(file=SimpleNamespace(src_uri="decisions/x.md"))


@pytest.fixture(scope="module")
def hooks() -> ModuleType:
    """What MkDocs loads."""
    spec = importlib.util.spec_from_file_location("hooks", HOUSE / "tools" / "site_hooks.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def settings() -> dict[str, Any]:
    """What stands in mkdocs.yml."""
    text = (HOUSE / "mkdocs.yml").read_text(encoding="utf-8")
    told: dict[str, Any] = yaml.safe_load(text)
    return told


def test_every_page_is_in_the_menu_once(settings: dict[str, Any]) -> None:
    """And the menu names no page that is not there."""
    pages = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))
    assert sorted(_pages(settings["nav"])) == pages


def _pages(entry: Any) -> Iterator[str]:
    if isinstance(entry, str):
        yield entry
    else:
        for inner in entry.values() if isinstance(entry, dict) else entry:
            yield from _pages(inner)


def test_all_that_can_be_dead_fails_the_build(settings: dict[str, Any]) -> None:
    """Warnings are errors in `make docs`; here is what warns."""
    for checks in (settings["validation"]["nav"], settings["validation"]["links"]):
        assert set(checks.values()) == {"warn"}
    assert "--strict" in (HOUSE / "Makefile").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("written", "with_address", "without"),
    [
        (
            "[`telling.py`](../../src/cefmp4/telling.py)",
            "[`telling.py`](https://git.example/c/blob/main/src/cefmp4/telling.py)",
            "`telling.py`",
        ),
        (
            "[the rules](../../deploy/observability/alerts.yml#x)",
            "[the rules](https://git.example/c/blob/main/deploy/observability/alerts.yml#x)",
            "the rules (`deploy/observability/alerts.yml`)",
        ),
        (
            "over [two\nlines](../../tests)",
            "over [two\nlines](https://git.example/c/tree/main/tests)",
            "over two\nlines (`tests`)",
        ),
        *(
            (text, text, text)
            for text in ("[promises](../promises.md#x)", "[a](https://b/../c)")
        ),
        *(
            (text, text, text)
            for text in ("```text\n[a](../../src)\n```\n", "![a](../../LICENSE)")
        ),
    ],
)
def test_links_out_of_the_documents_become_what_a_reader_can_use(
    written: str,
    with_address: str,
    without: str,
    hooks: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A link to the repository where its address is known, else the name of the file."""
    monkeypatch.setenv("REPOSITORY_URL", "https://git.example/c/")
    assert hooks.on_page_markdown(written, page=PAGE) == with_address
    monkeypatch.delenv("REPOSITORY_URL")
    assert hooks.on_page_markdown(written, page=PAGE) == without


def test_a_bar_in_the_code_of_a_table_is_a_bar(hooks: ModuleType) -> None:
    """The repository shows it so; outside of tables a backslash stays one."""
    html = r"<table><tr><td><code>ID \| --all</code></td></tr></table><p><code>a\|b</code></p>"
    shown = r"<table><tr><td><code>ID | --all</code></td></tr></table><p><code>a\|b</code></p>"
    assert hooks.on_page_content(html) == shown


PROSE = "it is tried again, without an end, with pauses that grow"
HEAD = '<tr><th>what</th><th>what you <code>do</code> "then"</th></tr>'


def test_a_table_of_prose_has_the_names_of_its_columns_in_its_cells(hooks: ModuleType) -> None:
    """A phone shows them above the cells; seen failing without them, and with figures named.

    A long name in the first column makes no prose of figures.
    """
    row = f'<tr><td>a <b>b</b></td><td align="right">{PROSE}</td></tr>'
    told = hooks.on_page_content(f"<p>x</p><table>{HEAD}{row}</table>")
    assert told == (
        f'<p>x</p><table data-prose>{HEAD}<tr><td data-label="what">a <b>b</b></td>'
        f'<td align="right" data-label="what you do &quot;then&quot;">{PROSE}</td></tr></table>'
    )
    figures = f"<table>{HEAD}<tr><td>{PROSE}</td><td>1.0 s</td></tr></table>"
    assert hooks.on_page_content(figures) == figures


def test_a_long_name_in_a_table_can_be_broken(hooks: ModuleType) -> None:
    """At its joints; a short one and one outside of tables cannot. Seen failing without."""
    names = "<code>cefmp4_orphaned_bytes{status=</code><code>a_short_one</code>"
    broken = "<code>cefmp4_<wbr>orphaned_<wbr>bytes{<wbr>status=</code><code>a_short_one</code>"
    told = hooks.on_page_content(f"{names}<table><tr><td>{names}</td></tr></table>")
    assert told == f"{names}<table><tr><td>{broken}</td></tr></table>"


def test_a_diagram_is_shown_as_its_picture(
    hooks: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its source is for the repository, which draws it; the site does not."""
    monkeypatch.setattr(hooks, "DOCS", tmp_path)
    (tmp_path / "decisions").mkdir()
    for name in ("a.mmd", "a.svg", "b.mmd"):
        (tmp_path / name).touch()
    told = hooks.on_page_markdown("[a](../a.mmd), [b](../b.mmd)", page=PAGE)
    assert told == "[a](../a.svg), [b](../b.mmd)"


@pytest.mark.parametrize("address", ["../../src/nothing.py", "../../../elsewhere"])
def test_a_dead_link_out_of_the_documents_is_told(
    address: str, hooks: ModuleType, caplog: pytest.LogCaptureFixture
) -> None:
    """As a warning of MkDocs, so that the build fails."""
    hooks.on_page_markdown(f"[a]({address})", page=PAGE)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert caplog.records[0].name.startswith("mkdocs.")


@pytest.mark.parametrize(
    "tag",
    [
        '<script src="https://unpkg.example/shim"></script>',
        '<link rel="stylesheet" href="//fonts.example/css">',
        '<img alt="x" src=http://a.example/b.png>',
        '<pre class="mermaid"><code>graph LR</code></pre>',
    ],
)
def test_what_a_page_fetches_from_elsewhere_is_told(
    tag: str, hooks: ModuleType, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A link that a person follows is none of it."""
    page = tmp_path / "a" / "index.html"
    page.parent.mkdir()
    page.write_text('<a href="https://example.org/">x</a><script src="assets/a.js"></script>')
    hooks.on_post_build(config={"site_dir": str(tmp_path)})
    assert not caplog.records
    page.write_text(tag)
    hooks.on_post_build(config={"site_dir": str(tmp_path)})
    assert "a/index.html fetches from elsewhere" in caplog.text


def test_no_table_is_without_headings() -> None:
    """The repository and the site show an empty band; seen failing with `| | |` in a guide."""
    empty = re.compile(r"^\|(?: *\|)+$\n\|[-:| ]+\|$", re.MULTILINE)
    texts = [HOUSE / "README.md", *DOCS.rglob("*.md")]
    assert not [path for path in texts if empty.search(path.read_text(encoding="utf-8"))]
