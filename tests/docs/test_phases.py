"""The ten phases: all there, each tells the same five things, and points at what there is."""

import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "docs" / "phases"
NAMES = sorted(path.stem for path in FOLDER.glob("[0-9]*.md"))
SECTIONS = ["Goal", "What was built", "Decisions", "When it dies here", "See it work"]
LINK = re.compile(r"\]\(([^)#\s:]+)(?:#[^)]*)?\)")


def text(name: str) -> str:
    return (FOLDER / f"{name}.md").read_text(encoding="utf-8")


def test_there_are_ten() -> None:
    """And the index leads to each; `test_names_promised` holds their names."""
    assert len(NAMES) == 10
    assert set(LINK.findall(text("README"))) >= {f"{name}.md" for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_each_tells_the_same_five_things(name: str) -> None:
    """In the same order, its components in a table, and its diagram in sight.

    Seen failing with a heading changed, and without the diagram.
    """
    assert re.findall(r"^## (.+)$", text(name), re.MULTILINE) == SECTIONS
    built = text(name).partition("## What was built")[2].partition("\n## ")[0]
    assert built.count("\n| ") > 5
    assert re.search(r"!\[[^\]]+\]\(\.\./diagrams/\w+\.svg\)", text(name))


@pytest.mark.parametrize("name", [*NAMES, "README"])
def test_what_a_phase_points_at_is_there(name: str) -> None:
    """Whoever looks a component up finds the file. Seen failing with one misspelt."""
    links = [link for link in LINK.findall(text(name)) if not link.startswith("http")]
    assert links
    assert not [link for link in links if not (FOLDER / link).exists()]
