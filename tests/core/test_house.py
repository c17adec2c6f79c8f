"""The shape of the house: files and functions stay small enough to read in one sitting."""

import ast
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[2]
SOURCES = sorted([*(HOUSE / "src").rglob("*.py"), *(HOUSE / "tests").rglob("*.py")])
MAX_FILE_LINES, MAX_FUNCTION_LINES = 300, 60


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_files_and_functions_are_small(path: Path) -> None:
    """No file over 300 lines, no function over 60."""
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= MAX_FILE_LINES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            assert lines <= MAX_FUNCTION_LINES, f"{node.name} has {lines} lines"
