"""The shape of the house: small files and functions, and documents that are true."""

import ast
import re
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[2]
SOURCES = sorted(
    [
        *(HOUSE / "src").rglob("*.py"),
        *(HOUSE / "tests").rglob("*.py"),
        *(HOUSE / "bench").glob("*.py"),
        *(HOUSE / "tools" / "reference").glob("*.py"),
    ]
)
DOCUMENTS = sorted((HOUSE / "docs").rglob("*.md"))
NAMED_TEST = re.compile(r"`(?:tests/)?([a-z]+/test_\w+)(?:::(test_\w+))?")
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


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_documents_name_tests_that_there_are(document: Path) -> None:
    """Whoever looks a promise up finds the test that shows it."""
    for module, function in NAMED_TEST.findall(document.read_text(encoding="utf-8")):
        found = list((HOUSE / "tests").glob(f"{module}*.py"))
        assert any(f"def {function}" in path.read_text(encoding="utf-8") for path in found), (
            f"{module}::{function}"
        )
