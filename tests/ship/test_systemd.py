"""The unit for systemd: what systemd-analyze says of it, and what it has to agree with."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from dotenv import dotenv_values

from cefmp4.config import WrongSettings, load_settings
from cefmp4.settings import Settings
from ship.units import ENV_FILE, GUIDE, HOUSE, UNIT, analyze, seconds, service

SCORED_BY = "systemd 252"
SPARE_SECONDS = 5
"""What systemd gives at least beyond what the daemon takes for leaving."""


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    """Every directive is one, with a program that is there.

    Seen failing with KillMode=mixxed, and with a directive of no section.
    """
    text = UNIT.read_text(encoding="utf-8")
    text = text.replace("/opt/cefmp4/bin/cefmp4", shutil.which("true") or "/bin/true")
    (tmp_path / UNIT.name).write_text(text)
    verified = analyze("verify", "--man=no", str(tmp_path / UNIT.name))
    # Of the units of this machine, which are loaded as well, it may have something to say.
    about_ours = [line for line in verified.stderr.splitlines() if UNIT.name in line]
    assert (verified.returncode, about_ours) == (0, [])


def test_it_is_as_closed_as_the_guide_says() -> None:
    """Each version counts on its own: the guide says of which it speaks.

    Seen failing without SystemCallFilter, and with ProtectHome=no.
    """
    version = analyze("--version").stdout
    if not version.startswith(SCORED_BY):
        pytest.skip(f"the score is that of {SCORED_BY}, here is {version.split('(')[0]}")
    told = re.search(r"exposure level (\d+\.\d)", GUIDE.read_text(encoding="utf-8"))
    assert told
    assert SCORED_BY in GUIDE.read_text(encoding="utf-8")
    found = re.search(
        r"Overall exposure level for \S+: (\d+\.\d)",
        analyze("security", "--offline=true", str(UNIT)).stdout,
    )
    assert found
    assert float(found[1]) <= float(told[1])


def test_it_is_stopped_as_the_daemon_wants_to_be() -> None:
    """One SIGTERM, to it alone, and time to leave; its probes are not cut off.

    Seen failing with KillMode=control-group, and with TimeoutStopSec=20.
    """
    assert (service()["KillMode"], service()["KillSignal"]) == (["mixed"], ["SIGTERM"])
    leaving = Settings.model_fields["shutdown_grace_seconds"].default + SPARE_SECONDS
    assert seconds("TimeoutStopSec") >= leaving


def test_it_is_started_again_whatever_it_died_of(tmp_path: Path) -> None:
    """Also of wrong settings: a disk that is not mounted yet looks like that.

    And of another process under its INSTANCE_ID, which may end. Seen failing with
    RestartPreventExitStatus=2, and with systemd's own limit of starts.
    """
    (tmp_path / "disk").write_text("no directory: nothing can be made in it, by root either")
    with pytest.raises(WrongSettings):
        load_settings(env_file=str(ENV_FILE), watch_dir=str(tmp_path / "disk" / "recordings"))
    assert service()["Restart"] == ["on-failure"]
    assert "RestartPreventExitStatus" not in service()
    assert "\nStartLimitIntervalSec=0\n" in UNIT.read_text(encoding="utf-8")


def test_it_promises_nothing_that_the_daemon_does_not_do() -> None:
    """No sd_notify, no watchdog: nothing in it speaks to systemd. Seen failing with notify."""
    told = {"Type": service()["Type"], "watchdog": "WatchdogSec" in service()}
    speaks = any(
        "NOTIFY_SOCKET" in path.read_text(encoding="utf-8")
        for path in (HOUSE / "src").rglob("*.py")
    )
    assert told == {"Type": ["notify" if speaks else "exec"], "watchdog": speaks}


def test_its_settings_are_settings(tmp_path: Path) -> None:
    """Every name is one, and what stands there is taken. Seen failing with PROM_HOSTS."""
    text = ENV_FILE.read_text(encoding="utf-8")
    names = set(re.findall(r"^#?([A-Z][A-Z0-9_]+)=", text, re.MULTILINE))
    assert {name.lower() for name in names} <= set(Settings.model_fields)
    settings = load_settings(env_file=str(ENV_FILE), watch_dir=str(tmp_path))
    assert settings.app_env == "production"
    assert settings.prom_host == "127.0.0.1"
    assert settings.instance_id is None  # a copy on another host is another instance
    assert settings.s3_secret_access_key is None


def test_its_settings_are_the_same_for_a_shell() -> None:
    """So that a person's commands can have them. Seen failing with a space in a value."""
    said = subprocess.run(
        ["/bin/sh", "-c", f". {ENV_FILE}; set"],
        env={},
        capture_output=True,
        text=True,
        check=True,
    )
    by_shell = dict(re.findall(r"^(\w+)='?(.*?)'?$", said.stdout, re.MULTILINE))
    for name, value in dotenv_values(ENV_FILE).items():
        assert by_shell[name] == value
    assert not said.stderr


def test_what_is_measured_fits_into_its_memory() -> None:
    """And a probe that is killed for it does not stop the service. Seen failing with 128M."""
    (most,) = service()["MemoryMax"]
    assert int(most.removesuffix("G")) * 1024**3 > 2 * 221e6
    assert service()["OOMPolicy"] == ["continue"]
