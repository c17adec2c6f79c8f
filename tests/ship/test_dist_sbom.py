"""The SBOM names what is installed at run time: all of it, and nothing else."""

import json
import re
import subprocess
import tomllib
from typing import Any

import pytest

from cefmp4 import __version__
from ship.reading import HOUSE

PYTHON = HOUSE / "tools" / ".venv" / "bin" / "python"


@pytest.fixture(scope="module")
def bom(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What `make sbom` writes."""
    if not PYTHON.exists():
        pytest.skip("tools/.venv is not there: make sbom")
    path = tmp_path_factory.mktemp("sbom") / "sbom.json"
    command = [PYTHON, HOUSE / "tools" / "sbom.py", path]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    made: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return made


def test_it_holds_what_is_installed_at_run_time(bom: dict[str, Any]) -> None:
    """The lock without what is for Windows only; each with its hashes.

    Seen failing on requirements-dev.txt, and with colorama in it.
    """
    lock = (HOUSE / "requirements.txt").read_text(encoding="utf-8")
    locked = set(re.findall(r"^([\w.-]+)(?:\[.*\])?==(\S+)", lock, flags=re.MULTILINE))
    held = {(one["name"], one["version"]) for one in bom["components"]}
    assert {name for name, _ in locked - held} == {"colorama"}
    assert held <= locked
    assert all(one["externalReferences"][0]["hashes"] for one in bom["components"])


def test_it_says_who_needs_whom(bom: dict[str, Any]) -> None:
    """We need what pyproject.toml asks for, and everything is needed by somebody.

    Seen failing with the last line of each `# via` left out.
    """
    project = tomllib.loads((HOUSE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = {re.match(r"[\w-]+", wanted)[0] for wanted in project["dependencies"]}  # type: ignore[index]
    names = {one["bom-ref"]: one["name"] for one in bom["components"]}
    needs = {each["ref"]: each.get("dependsOn", []) for each in bom["dependencies"]}
    root = bom["metadata"]["component"]
    assert (root["name"], root["version"]) == ("cefmp4", __version__)
    assert {names[ref] for ref in needs[root["bom-ref"]]} == asked
    assert {ref for refs in needs.values() for ref in refs} == set(names)
