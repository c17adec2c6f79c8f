"""The commands of the documents: which blocks there are, and what stands above them.

Every fence marked `bash` is a block. A comment right above it may say what it needs and not
every machine has (`needs: docker`), or that it goes on running (`runs: background`).
"""

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

HOUSE = Path(__file__).parents[2]

NOT_HERE = frozenset(
    {"docker", "cloud account", "kubernetes", "systemd", "minutes", "obs", "mediamtx"}
)
"""What no test has, or what CI runs by itself since it takes minutes."""
PROGRAMS: Mapping[str, str] = {"ffmpeg": "ffmpeg", "gstreamer": "gst-launch-1.0"}
"""What some machines have: a program that is there, or not."""
TOOLS = ("curl", "git", "jq", "make", "openssl")
"""What a reader is taken to have, and small machines may not."""

_BLOCK = re.compile(
    r"(?:<!--(?P<marker>[^\n]*?)-->\n)?```bash\n(?P<text>.*?)^```$", re.M | re.S
)
_MARKER = re.compile(r"(?P<kind>needs|runs): (?P<what>[a-z ]+)")


@dataclass(frozen=True, slots=True)
class Block:
    """What a reader types at one go."""

    text: str
    line: int
    """Of its first command, in the document."""
    needs: str = ""
    background: bool = False

    @property
    def can_run_here(self) -> bool:
        if self.needs in PROGRAMS:
            return shutil.which(PROGRAMS[self.needs]) is not None
        return not self.needs


@dataclass(frozen=True, slots=True)
class Page:
    """One document with commands in it."""

    name: str
    """Its path in the repository."""
    blocks: tuple[Block, ...]

    @property
    def here(self) -> tuple[Block, ...]:
        """What can be run on this machine; nothing, if that would only start what the rest
        is to be tried on."""
        found = tuple(block for block in self.blocks if block.can_run_here)
        return () if all(block.background for block in found) else found

    @property
    def missing_tools(self) -> list[str]:
        """What its commands call and this machine does not have."""
        typed = " ".join(block.text for block in self.here)
        return [
            tool
            for tool in TOOLS
            if re.search(rf"\b{tool}\b", typed) and shutil.which(tool) is None
        ]


def documents() -> list[Path]:
    """All that tell a reader what to type."""
    front = [HOUSE / name for name in ("README.md", "CONTRIBUTING.md")]
    guides = (HOUSE / "docs" / "guides").rglob("*.md")
    return [*filter(Path.exists, front), *sorted(guides)]


def pages() -> list[Page]:
    """The documents that hold commands."""
    read = [page_of(path.relative_to(HOUSE).as_posix(), path) for path in documents()]
    return [page for page in read if page.blocks]


def page_of(name: str, path: Path) -> Page:
    text = path.read_text(encoding="utf-8")
    found = [_block(match, text) for match in _BLOCK.finditer(text)]
    if len(found) != text.count("```bash"):
        raise ValueError(f"{name}: a fence of bash is not closed, or indented")
    return Page(name, tuple(found))


def _block(match: re.Match[str], text: str) -> Block:
    line = text.count("\n", 0, match.start("text")) + 1
    marker = match["marker"]
    if marker is None:
        return Block(match["text"], line)
    said = _MARKER.fullmatch(marker.strip())
    if said is None:
        return Block(match["text"], line)  # some other comment
    what = said["what"].strip()
    if said["kind"] == "runs" and what == "background":
        return Block(match["text"], line, background=True)
    if said["kind"] == "needs" and what in NOT_HERE | PROGRAMS.keys():
        return Block(match["text"], line, needs=what)
    raise ValueError(f"line {line}: {marker.strip()!r} is no marker that is known")
