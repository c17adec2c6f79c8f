"""The documents as a site: every page in the menu, and links that are right in both places."""

import importlib.util
import logging
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
    html = r"<td><code>ID \| --all</code></td><p><code>a\|b</code></p>"
    shown = r"<td><code>ID | --all</code></td><p><code>a\|b</code></p>"
    assert hooks.on_page_content(html) == shown


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
