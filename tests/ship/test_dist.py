"""Wheel and sdist: the same bytes everywhere, all that is needed, and nothing else."""

import email
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.message import Message
from pathlib import Path

import pytest

from cefmp4 import __version__
from ship.reading import CI, HOUSE, committed, jobs

Built = dict[str, bytes]
NAMES = {f"cefmp4-{__version__}.tar.gz", f"cefmp4-{__version__}-py3-none-any.whl"}


def build(house: Path, out: Path, umask: int = 0o022, **environment: str) -> Built:
    """What `make dist` makes, file by file."""
    subprocess.run(
        [sys.executable, house / "tools" / "dist.py", out],
        env=os.environ | environment,
        umask=umask,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return {path.name: path.read_bytes() for path in out.iterdir()}


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("dist") / "dist"


@pytest.fixture(scope="module")
def built(out: Path) -> Built:
    """Built from this checkout."""
    return build(HOUSE, out)


@pytest.fixture
def metadata(out: Path, built: Built) -> Message:
    """What the wheel says of itself."""
    with zipfile.ZipFile(out / f"cefmp4-{__version__}-py3-none-any.whl") as wheel:
        text = wheel.read(f"cefmp4-{__version__}.dist-info/METADATA").decode()
    return email.message_from_string(text)


def test_there_are_two_of_this_version(built: Built) -> None:
    """The version in their names is that of the package."""
    assert set(built) == NAMES


def test_who_builds_it_where_and_when_makes_no_difference(tmp_path: Path, built: Built) -> None:
    """A clone with other times, other rights and things lying around gives the same bytes.

    Seen failing without SOURCE_DATE_EPOCH, and when built in the tree instead of an export.
    """
    if committed() is None:
        pytest.skip("no history here: an unpacked sdist")
    clone = tmp_path / "elsewhere"
    subprocess.run(["git", "clone", "--quiet", HOUSE, clone], check=True)
    for name in (".env", "src/cefmp4/.env", "src/cefmp4/mine.py", "docs/a.mp4", "notes"):
        (clone / name).write_text("SECRET=1")
    for path in (clone / "src").rglob("*.py"):
        os.utime(path, (1, 1))
        path.chmod(0o600)
    again = build(clone, tmp_path / "dist", umask=0o077, TZ="Asia/Tokyo", LC_ALL="C")
    assert {name: again[name] == built[name] for name in NAMES} == dict.fromkeys(NAMES, True)


def test_the_sdist_is_what_is_committed(out: Path, built: Built) -> None:
    """With the tests and all they look at; only its own description is added.

    Seen failing with `include` lists, which forgot new folders.
    """
    expected = committed()
    if expected is None:
        pytest.skip("no history here: an unpacked sdist")
    with tarfile.open(out / f"cefmp4-{__version__}.tar.gz") as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    assert names - {"PKG-INFO"} == expected


def test_the_wheel_is_the_package(out: Path, built: Built) -> None:
    """Code, page and schema, and what describes them. Seen failing with `tests` packed, too."""
    with zipfile.ZipFile(out / f"cefmp4-{__version__}-py3-none-any.whl") as wheel:
        names = set(wheel.namelist())
    package = {name for name in names if name.startswith("cefmp4/")}
    info = f"cefmp4-{__version__}.dist-info/"
    files = ("METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE")
    assert names - package == {info + name for name in files}
    if (tracked := committed()) is not None:
        inside = {name.removeprefix("src/") for name in tracked if name.startswith("src/")}
        assert package == inside


def test_it_says_what_it_is(metadata: Message) -> None:
    """To whoever looks at the index; addresses are not made up.

    Seen failing with a project URL.
    """
    assert metadata["Name"] == "cefmp4"
    assert metadata["Version"] == __version__
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert set(metadata.get_all("Provides-Extra", [])) == {"embedded", "otel"}
    assert metadata.get_all("Project-URL") is None
    assert "@" not in (metadata["Author"] or "") + (metadata["Author-Email"] or "")


def test_only_pythons_that_are_tested_are_named(metadata: Message) -> None:
    """CI runs all tests on each of them. Seen failing with 3.15 among the classifiers."""
    named = {
        classifier.rpartition(" ")[2]
        for classifier in metadata.get_all("Classifier", [])
        if re.fullmatch(r"Programming Language :: Python :: 3\.\d+", classifier)
    }
    for job in ("test", "package"):
        assert named <= set(jobs(CI)[job]["strategy"]["matrix"]["python"])


def test_the_version_stands_in_one_place() -> None:
    """In the package; who needs it reads it there. Seen failing with one in pyproject.toml."""
    project = tomllib.loads((HOUSE / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["hatch"]["version"]["path"] == "src/cefmp4/__init__.py"


def pins(name: str) -> list[str]:
    return (HOUSE / name).read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize(
    "lock",
    [
        "requirements.txt",
        "requirements-dev.txt",
        "tools/requirements.txt",
        "bench/requirements.txt",
    ],
)
def test_locks_have_hashes_and_no_addresses(lock: str) -> None:
    """From whatever index, it is the same that is installed. Seen failing without a hash."""
    pinned = re.compile(r"^\S+==\S+.* \\$")
    lines = [line for line in pins(lock) if line and not line.lstrip().startswith("#")]
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if line.startswith(" "):
            assert re.match(r"^    --hash=sha256:[0-9a-f]{64}( \\)?$", line)
        else:
            assert pinned.match(line), line
            assert following.startswith("    --hash=")
