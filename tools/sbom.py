"""What is installed at run time, as a CycloneDX SBOM: offline, from the lock alone.

    tools/.venv/bin/python tools/sbom.py build/sbom.cdx.json

`cyclonedx-py` makes components with their hashes out of `requirements.txt`. What it cannot know
is added: the version, who needs whom (the lock says so in its `# via` lines), and that this
runs on Linux only. The same lock gives the same bytes.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.markers import Marker

HOUSE = Path(__file__).parents[1]
ROOT = "cefmp4 (pyproject.toml)"
"""How the lock calls what stands in pyproject.toml itself."""
PINNED = re.compile(
    r"^(?P<name>[\w.-]+)(?:\[.*?\])?==(?P<version>\S+)(?: ; (?P<marker>[^\\]+))?"
)
PYTHONS = tuple(f"3.{minor}.{patch}" for minor in range(11, 15) for patch in (0, 20))


@dataclass(frozen=True, slots=True)
class Pinned:
    """One package of the lock."""

    name: str
    version: str
    text: str
    wanted_by: frozenset[str]


def _runs_here(marker: str | None) -> bool:
    """On Linux, on any Python that is supported."""
    if marker is None:
        return True
    linux = {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"}
    return any(
        Marker(marker).evaluate({**linux, "python_full_version": python}) for python in PYTHONS
    )


def read_lock(text: str) -> Iterator[Pinned]:
    """Those that are installed somewhere, with who wants them."""
    for block in re.split(r"^(?=[a-zA-Z0-9])", text, flags=re.MULTILINE):
        pinned = PINNED.match(block)
        if pinned and _runs_here(pinned["marker"]):
            via = re.findall(r"^    #(?:   | via )(\S.*)$", block, flags=re.MULTILINE)
            package = "".join(line for line in block.splitlines(True) if "#" not in line)
            yield Pinned(pinned["name"], pinned["version"], package, frozenset(via))


def complete(bom: dict[str, Any], packages: list[Pinned], version: str) -> None:
    """Add the version, and who depends on whom."""
    root = bom["metadata"]["component"]
    root["version"] = version
    root["purl"] = f"pkg:pypi/cefmp4@{version}"
    refs = {(one["name"], one["version"]): one["bom-ref"] for one in bom["components"]}
    needs: dict[str, set[str]] = {
        root["bom-ref"]: set(),
        **{ref: set() for ref in refs.values()},
    }
    for package in packages:
        for wanting in package.wanted_by:
            for (name, _), ref in [*refs.items(), ((ROOT, ""), root["bom-ref"])]:
                if name == wanting:
                    needs[ref].add(refs[package.name, package.version])
    bom["dependencies"] = [
        {"ref": ref, "dependsOn": sorted(needed)} if needed else {"ref": ref}
        for ref, needed in sorted(needs.items())
    ]


def main() -> None:
    packages = list(read_lock((HOUSE / "requirements.txt").read_text(encoding="utf-8")))
    command = ["-m", "cyclonedx_py", "requirements", "--output-reproducible"]
    made = subprocess.run(
        [
            sys.executable,
            "-W",
            "ignore",
            *command,
            "--pyproject",
            HOUSE / "pyproject.toml",
            "-",
        ],
        input="".join(package.text for package in packages),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    bom = json.loads(made.stdout)
    asked = [sys.executable, str(HOUSE / "tools" / "release.py"), "version"]
    version = subprocess.run(
        asked, stdout=subprocess.PIPE, text=True, check=True
    ).stdout.strip()
    complete(bom, packages, version)
    text = json.dumps(bom, indent=1) + "\n"
    if wrong := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        raise SystemExit(f"not CycloneDX 1.6: {wrong}")
    Path(sys.argv[1]).write_text(text, encoding="utf-8")
    print(f"{sys.argv[1]}: {len(bom['components'])} components")


if __name__ == "__main__":
    main()
