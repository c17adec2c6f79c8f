"""What a release is held to, and what its page says.

    python3 tools/release.py check v1.2.3     exit 1 and one line for each thing that is wrong
    python3 tools/release.py notes            the section of CHANGELOG.md about this version
    python3 tools/release.py version          the version

The version stands in `src/cefmp4/__init__.py` and nowhere else. The standard library is enough
here, so that a release can be refused before anything is installed.
"""

import re
import sys
from pathlib import Path

HOUSE = Path(__file__).parents[1]
VERSION = re.compile(r'^__version__ = "([^"]+)"$', re.MULTILINE)
HEADING = re.compile(r"^## (\S+)(?: \((.*)\))?$", re.MULTILINE)
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def version(house: Path = HOUSE) -> str:
    """Of the checkout, without importing it."""
    found = VERSION.search((house / "src/cefmp4/__init__.py").read_text(encoding="utf-8"))
    if found is None:
        raise SystemExit("src/cefmp4/__init__.py has no __version__")
    return found[1]


def section(changelog: str, wanted: str) -> tuple[str, str] | None:
    """What stands in brackets behind the version, and what follows up to the next heading."""
    headings = list(HEADING.finditer(changelog))
    for heading, following in zip(headings, [*headings[1:], None], strict=True):
        if heading[1] == wanted:
            end = following.start() if following else len(changelog)
            return heading[2] or "", changelog[heading.end() : end].strip() + "\n"
    return None


def problems(tag: str, house: Path = HOUSE) -> list[str]:
    """Why this commit is not what the tag says; none if it is."""
    is_version = version(house)
    found = []
    if tag != f"v{is_version}":
        found.append(f"the tag is {tag or 'missing'}, the version {is_version}: v{is_version}?")
    about = section((house / "CHANGELOG.md").read_text(encoding="utf-8"), is_version)
    if about is None:
        found.append(f"CHANGELOG.md has no section {is_version}")
    elif not DAY.fullmatch(about[0]):
        found.append(f"CHANGELOG.md: write the day behind {is_version}, as (2026-11-25)")
    return found


def main(arguments: list[str]) -> None:
    match arguments:
        case ["check", tag]:
            if found := problems(tag):
                raise SystemExit("\n".join(found))
        case ["notes"]:
            about = section((HOUSE / "CHANGELOG.md").read_text(encoding="utf-8"), version())
            print(about[1] if about else "", end="")
        case ["version"]:
            print(version())
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
