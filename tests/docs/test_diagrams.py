"""The diagrams: all there, understood by mermaid, drawn as they are written, and true."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from playwright.sync_api import Error, Page

from tools import diagrams

HOUSE = Path(__file__).parents[2]
FOLDER = HOUSE / "docs" / "diagrams"
NAMES = (
    "architecture",
    "chunk_processing_sequence",
    "checkpoint_recovery_sequence",
    "ci_cd_pipeline",
    "class_interactions",
    "deployment_overview",
    "design_decisions",
    "error_handling_graceful_shutdown",
    "file_watcher_flow",
    "metadata_generation_sequence",
    "observability_setup",
    "stream_finalization_sequence",
    "stream_initialization_sequence",
    "stream_processing_flow",
)
ENDING = r"\.(?:py|yml|json|env|service)\b"
NAME = re.compile(rf"[A-Za-z_][\w/-]*(?:{ENDING})?")
SAID = (
    *("src", "deploy", "docs/decisions", ".github", ".ci", "Makefile", "pyproject.toml"),
    *("example.env", "Dockerfile", "docker-compose.yml"),
)
"""Where a name may come from. Documents are left out: they could all be wrong together."""
SUFFIXES = {".py", ".yml", ".yaml", ".md", ".toml", ".env", ".json", ""}
WORDS = {"GitHub", "SeaweedFS", "PyPI", "PyAV", "CefMP4", "MinIO", "DaemonSet", "OSError"}


@pytest.fixture(scope="module")
def mermaid() -> Iterator[Page]:
    """Mermaid itself, in one Chromium for all."""
    if why := diagrams.missing():
        pytest.skip(why)
    with diagrams.mermaid_page() as page:
        yield page


def source(name: str) -> str:
    return (FOLDER / f"{name}.mmd").read_text(encoding="utf-8")


def picture(name: str) -> str:
    return (FOLDER / f"{name}.svg").read_text(encoding="utf-8")


def test_there_are_fourteen_and_each_is_drawn() -> None:
    """No diagram without its picture, no picture without its source, and all are shown.

    Seen failing with one picture deleted.
    """
    assert {path.stem for path in FOLDER.glob("*.mmd")} == set(NAMES)
    assert {path.stem for path in FOLDER.glob("*.svg")} == set(NAMES)
    shown = re.findall(
        r"!\[[^\]]+\]\((\w+)\.svg\)", (FOLDER / "README.md").read_text(encoding="utf-8")
    )
    assert sorted(shown) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_picture_is_drawn_from_what_is_written(name: str) -> None:
    """Whoever changes a diagram draws it anew. Seen failing after a change of a status."""
    stamp = diagrams.STAMP.match(picture(name))
    assert stamp is not None
    assert stamp[1] == diagrams.digest(source(name)), "run `make diagrams`"


@pytest.mark.parametrize("name", NAMES)
def test_mermaid_understands_it(mermaid: Page, name: str) -> None:
    """As any viewer of Mermaid does, and those who cannot see it are told what it shows."""
    assert mermaid.evaluate("text => mermaid.parse(text)", source(name))
    if name != "design_decisions":  # mind maps know neither
        assert "accTitle:" in source(name)
        assert "accDescr:" in source(name)


def test_what_is_no_diagram_is_refused(mermaid: Page) -> None:
    """Else the test above would show nothing."""
    with pytest.raises(Error, match="Parse error"):
        mermaid.evaluate("text => mermaid.parse(text)", "flowchart LR\n  a --> (b")


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_is_safe_and_whole_in_an_img(name: str) -> None:
    """No script, no HTML, nothing from elsewhere; text is text, on a background of its own.

    Seen failing with a script, and with a link.
    """
    svg = picture(name)
    for unwanted in ("<script", "foreignObject", "<image", "<iframe", "@import", "javascript:"):
        assert unwanted not in svg
    assert not re.findall(r"""(?:href|src)=["'](?!#)|url\((?!["']?#)| on\w+=""", svg)
    assert "<text" in svg
    assert re.search(r'<rect [^>]*fill="#ffffff"', svg)


@pytest.mark.parametrize("name", NAMES)
def test_names_in_a_diagram_are_those_of_the_code(name: str) -> None:
    """What looks like a module, a function, a class, a setting or a status is one.

    Seen failing with a function that was renamed, and with a status misspelt.
    """
    unknown = {token for token in tokens(source(name)) if not is_known(token)}
    assert not unknown


def tokens(text: str) -> set[str]:
    """Words that look like names: with an underscore, a slash, an ending, or CamelCase."""
    labels = re.sub(r"acc(Title|Descr):|<br/>|classDef .*", " ", text)
    found = {token.rstrip("/") for token in NAME.findall(labels)}
    name = re.compile(rf"\w_\w|\w/\w|{ENDING}|^([A-Z][a-z0-9]+){{2,}}$")
    return {token for token in found if name.search(token)} - WORDS


def is_known(token: str) -> bool:
    """It is a file, a word of the code, or a path of the web server."""
    places = (HOUSE, HOUSE / "src" / "cefmp4", HOUSE / ".github" / "workflows")
    if any((place / token).exists() for place in places):
        return True
    return token in words() or f"/{token}" in words()


@cache
def words() -> frozenset[str]:
    """All words of the code, and the paths it serves."""
    found: set[str] = set()
    for place in map(HOUSE.joinpath, SAID):
        files = [place] if place.is_file() else place.rglob("*")
        for path in files:
            if path.suffix in SUFFIXES and path.is_file():
                text = path.read_text(encoding="utf-8")
                found.update(re.findall(r"\w+|(?<=\")/[\w/]+", text))
                found.update(re.findall(rf"\w+{ENDING}", text), {path.name})
    return frozenset(found)
