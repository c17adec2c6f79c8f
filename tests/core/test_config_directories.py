"""WATCH_DIR: told before anything is begun where none can be made; made by a start alone."""

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cefmp4.config import WrongSettings, load_settings, make_watch_dir
from cefmp4.config_directories import is_missing

NOBODY = 65_534

pytestmark = pytest.mark.usefixtures("empty_surroundings")


@contextmanager
def somebody_else() -> Iterator[int]:
    """Permissions hold for us, too."""
    if os.geteuid() != 0:
        yield os.geteuid()
        return
    os.setresuid(NOBODY, NOBODY, 0)
    try:
        yield NOBODY
    finally:
        os.setresuid(0, 0, 0)


def refused(watch_dir: str) -> str:
    """What a start says of this directory, beside another wrong setting."""
    with pytest.raises(WrongSettings) as problem:
        load_settings(needs_store=False, watch_dir=watch_dir, log_level="LOUD")
    first, line = problem.value.lines
    assert first.startswith("LOG_LEVEL=LOUD: ")
    load_settings(needs_store=False, to_start=False, watch_dir=watch_dir)
    return line


def test_a_directory_that_nobody_can_make_is_a_wrong_setting(tmp_path: Path) -> None:
    """Told with its value, the reason and a remedy, beside other wrong settings; to root, too.

    Commands take it all the same. Seen failing for /proc and the long name, of which nothing
    was known before the store was opened, and with the newline.
    """
    (tmp_path / "file").touch()
    below, broken = f"{tmp_path}/file/x/y", f"{tmp_path}/file/a\nb"
    cannot = "does not exist and cannot be created in"
    kernel, name = "it belongs to the kernel; name another", "WATCH_DIR="
    for place in ("/proc", "/sys"):
        assert refused(f"{place}/x/y") == f"{name}{place}/x/y: {cannot} {place}: {kernel}"
    file = f"{tmp_path}/file: it is no directory; mount or make it, or name another"
    assert refused(below) == f"{name}{below}: {cannot} {file}"
    assert "\n" not in refused(broken)
    assert "name too long" in refused(f"{tmp_path}/{'n' * 300}")
    (tmp_path / "odd\nplace").touch()
    assert f"{tmp_path}/odd?place: it is no directory" in refused(f"{tmp_path}/odd\nplace/x")


@pytest.fixture
def common(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A place that everybody gets to, unlike `tmp_path`; it is the current one."""
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        monkeypatch.chdir(place)
        yield Path(place)


def test_a_directory_that_this_user_may_not_make_is_a_wrong_setting(common: Path) -> None:
    """With the user's number, which in a container is not the one that a person thinks of.

    What is behind a closed door is not said to be missing. Seen failing: it was.
    """
    open_to_look, closed = common / "open", common / "closed"
    (closed / "there").mkdir(parents=True)
    open_to_look.mkdir(mode=0o555)
    closed.chmod(0)
    try:
        with somebody_else() as user:
            lines = [refused(f"{place}/there") for place in (open_to_look, closed)]
            assert not is_missing(f"{closed}/there"), "for all one knows"
    finally:
        closed.chmod(0o755)
        open_to_look.chmod(0o755)
    assert f"in {open_to_look}: user {user} may not write there; mount or make it" in lines[0]
    assert f"there: cannot be seen: user {user} may not enter {closed}; let it" in lines[1]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can hand a capability on")
def test_what_a_capability_lets_one_do_is_no_wrong_setting(common: Path) -> None:
    """As with AmbientCapabilities= in a unit. Seen failing where only the user was asked."""
    os.setresuid(NOBODY, 0, 0)  # nobody by name, but what it does is done as root
    try:
        load_settings(needs_store=False, watch_dir=f"{common}/x")
    finally:
        os.setresuid(0, 0, 0)


def test_a_link_is_what_it_leads_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory, nothing that can be made, or a mount that is dead, which is waited for.

    Seen failing: each but the first was "something else".
    """
    for name, to in (("good", "."), ("broken", "nowhere"), ("round", "round"), ("dead", ".")):
        (tmp_path / name).symlink_to(to)
    load_settings(needs_store=False, watch_dir=f"{tmp_path}/good")
    assert f"{tmp_path}/broken: is a link to what is not there; mount or" in refused(
        f"{tmp_path}/broken"
    )
    assert "Too many levels of symbolic links" in refused(f"{tmp_path}/round")
    look = os.stat

    def dead(asked: str, *, follow_symlinks: bool = True) -> os.stat_result:
        if asked == f"{tmp_path}/dead" and follow_symlinks:
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
        return look(asked, follow_symlinks=follow_symlinks)

    monkeypatch.setattr(os, "stat", dead)
    settings = load_settings(needs_store=False, watch_dir=f"{tmp_path}/dead")
    assert make_watch_dir(settings) is False, "nor is any made"


def test_only_a_start_makes_the_directory(tmp_path: Path) -> None:
    """Reading the settings leaves nothing behind. Once it is there, nothing is made."""
    settings = load_settings(needs_store=False, watch_dir=str(tmp_path / "a" / "b"))
    assert not (tmp_path / "a").exists()
    assert (make_watch_dir(settings), (tmp_path / "a" / "b").is_dir()) == (True, True)
    assert make_watch_dir(settings) is False


def test_what_only_trying_tells_is_a_wrong_setting_too(tmp_path: Path) -> None:
    """In the words of the others. Seen failing with an error of the system."""
    settings = load_settings(needs_store=False, watch_dir=f"{tmp_path}/new/{'n' * 300}")
    with pytest.raises(WrongSettings) as problem:
        make_watch_dir(settings)
    (line,) = problem.value.lines
    assert line.startswith(f"WATCH_DIR={tmp_path}/new/nn"[:80])
    assert line.endswith(
        "cannot be created: File name too long; mount or make it, or name another"
    )


def test_a_mount_that_is_dead_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an outage, and no wrong setting: it may come back.

    Seen failing with every error taken for a directory that is not there.
    """
    look = os.stat

    def dead(asked: str, *, follow_symlinks: bool = True) -> os.stat_result:
        if str(asked).startswith("/proc/mount"):
            raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))
        return look(asked, follow_symlinks=follow_symlinks)

    monkeypatch.setattr(os, "stat", dead)
    settings = load_settings(needs_store=False, watch_dir="/proc/mount/recordings")
    assert make_watch_dir(settings) is False, "nor is any made"
