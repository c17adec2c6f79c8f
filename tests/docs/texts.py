"""Every text that tells people of the program, and what in it is code.

They are found by where they lie, so that a new one is held to the truth like the others.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

HOUSE = Path(__file__).parents[2]
FOLDERS = ("docs", "deploy", ".github")
AT_THE_TOP = re.compile(
    r".*\.(md|ya?ml|toml)|example\.env|Dockerfile.*|\.dockerignore", re.IGNORECASE
)
NO_TEXT = re.compile(
    r".*\.(png|svg|jpe?g|gif|webp|ico|woff2?|cast|py)|results\.json|metadata-example\.json"
)
"""Pictures, programs, and what a machine has written down."""

_FENCE = re.compile(r"^ *(`{3,}|~{3,}) *(\w*)[^\n]*\n(.*?)^ *\1 *$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"(?<!`)(`{1,2})(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)


@dataclass(frozen=True)
class Text:
    """One document; `path` is within the house."""

    path: str
    text: str

    @property
    def is_prose(self) -> bool:
        """Whether it is Markdown: of any other kind all is code."""
        return self.path.endswith(".md")

    @cached_property
    def blocks(self) -> list[str]:
        """Fenced code; of what is no Markdown, the whole of it."""
        if not self.is_prose:
            return [self.text]
        return [found[3] for found in _FENCE.finditer(self.text)]

    @cached_property
    def prose(self) -> str:
        """What stands outside of fences; empty where there are none."""
        return _FENCE.sub("", self.text) if self.is_prose else ""

    @cached_property
    def spans(self) -> list[str]:
        """Code within the prose, as `this`; of a diagram, every word."""
        if self.path.endswith(".mmd"):
            return re.findall(r"[\w./*-]+", self.text)
        return [" ".join(found[2].split()) for found in _SPAN.finditer(self.prose)]

    @property
    def code(self) -> list[str]:
        """All code in it."""
        return [*self.spans, *self.blocks]


@cache
def all_texts() -> tuple[Text, ...]:
    """Every document there is."""
    return tuple(
        Text(str(path.relative_to(HOUSE)), path.read_text(encoding="utf-8"))
        for path in sorted(_paths())
        if not NO_TEXT.fullmatch(path.name)
    )


def text_of(path: str) -> Text:
    """One of them."""
    return next(text for text in all_texts() if text.path == path)


def _paths() -> Iterator[Path]:
    for entry in HOUSE.iterdir():
        if entry.is_file() and AT_THE_TOP.fullmatch(entry.name):
            yield entry
    for folder in FOLDERS:
        for path in (HOUSE / folder).rglob("*"):
            if path.is_file():
                yield path


@cache
def files_of_the_house() -> frozenset[str]:
    """The path of every file and folder of ours, within the house; nothing that was built."""
    found = {entry.name for entry in HOUSE.iterdir()}
    for top in ("src", "tests", "bench", "tools", *FOLDERS, ".ci"):
        for folder, folders, files in os.walk(HOUSE / top):
            folders[:] = [name for name in folders if name not in _BUILT]
            place = os.path.relpath(folder, HOUSE)
            found.add(place)
            found.update(f"{place}/{name}" for name in files)
    return frozenset(found)


_BUILT = {"__pycache__", "node_modules", ".venv"}
