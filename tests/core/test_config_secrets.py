"""Settings in files: Docker's and Kubernetes' secrets, systemd's credentials."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from textwrap import dedent

import pytest
from pydantic import SecretStr

from cefmp4.config import WrongSettings, load_settings, settings_warnings
from cefmp4.config_secrets import secret_places

SOMEBODY = 65_534

pytestmark = pytest.mark.usefixtures("empty_surroundings")


@pytest.fixture
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory of them, where systemd would say that it is."""
    folder = tmp_path / "credentials"
    folder.mkdir()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    return folder


def test_a_file_is_a_setting(secrets: Path) -> None:
    """By its name in any case, without the line break at its end, and not in what is shown.

    Seen failing without the directory being asked.
    """
    (secrets / "s3_access_key_id").write_text("me\n")
    (secrets / "S3_SECRET_ACCESS_KEY").write_text("hush\n")
    (secrets / "of-somebody-else").write_bytes(b"\xff")
    settings = load_settings(needs_store=False)
    assert settings.s3_access_key_id == "me"
    assert settings.s3_secret_access_key == SecretStr("hush")
    assert "hush" not in repr(settings)


def test_the_environment_and_the_file_of_settings_come_first(
    secrets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless they are empty, as compose passes them.

    Seen failing without the directory being asked.
    """
    for name in ("web_token", "s3_region_name", "instance_id"):
        (secrets / name).write_text("from-secret")
    Path(".env").write_text("S3_REGION_NAME=from-file\nINSTANCE_ID=\n")
    monkeypatch.setenv("WEB_TOKEN", "from-environment")
    settings = load_settings(needs_store=False)
    assert settings.web_token == SecretStr("from-environment")
    assert settings.s3_region_name == "from-file"
    assert settings.instance_id == "from-secret"


def test_one_that_does_not_count_is_told(
    secrets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where docker-compose.yml has a key of its own, which the store then refuses.

    Seen failing without a word of it, and with empty variables taken for set.
    """
    for name in ("s3_secret_access_key", "REDIS_URL", "web_token", "webhook_secret"):
        (secrets / name).write_text("hush")
    Path(".env").write_text("REDIS_URL=redis://state:6379/0\nWEB_TOKEN=\n")
    monkeypatch.setenv("s3_secret_access_key", "minioadmin")
    monkeypatch.setenv("WEBHOOK_SECRET", "")
    because = "is also set in the environment or in .env, which come first"
    assert settings_warnings() == [
        f"{secrets}/REDIS_URL: is not used, since REDIS_URL {because}",
        f"{secrets}/s3_secret_access_key: is not used, since S3_SECRET_ACCESS_KEY {because}",
    ]


def test_one_that_cannot_be_used_is_told(
    secrets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line each, together with what else is wrong, and never what it holds.

    Seen failing when they are not looked at before.
    """
    (secrets / "web_token").mkdir()
    (secrets / "redis_url").write_bytes(b"redis://\xff")
    (secrets / "webhook_secret").write_text("\n")
    monkeypatch.setenv("PROM_PORT", "many")
    with pytest.raises(WrongSettings) as problem:
        load_settings(needs_store=False)
    assert problem.value.lines == [
        f"{secrets}/redis_url: cannot be read: it is not UTF-8",
        f"{secrets}/web_token: cannot be read: Is a directory",
        f"{secrets}/webhook_secret: is empty",
        "PROM_PORT=many: must be a whole number between 0 and 65535",
    ]


def test_where_they_are_looked_for(secrets: Path, tmp_path: Path) -> None:
    """Where containers have them, and systemd; neither need be there."""
    mine = tmp_path / "run"
    assert secret_places(str(mine)) == [str(secrets)]
    mine.mkdir()
    assert secret_places(str(mine)) == [str(mine), str(secrets)]


def test_a_secret_of_kubernetes_is_a_link_to_a_link(secrets: Path) -> None:
    """Which both stay in its directory, and so does Windows' line break out of the value.

    Seen failing with links refused.
    """
    (secrets / "..2026").mkdir()
    (secrets / "..2026" / "web_token").write_bytes(b"hush\r\n")
    (secrets / "..data").symlink_to("..2026")
    (secrets / "web_token").symlink_to("..data/web_token")
    assert load_settings(needs_store=False).web_token == SecretStr("hush")


def test_one_that_leads_elsewhere_is_told(secrets: Path, tmp_path: Path) -> None:
    """It would be passed over, and the default would hold. Seen failing so."""
    (tmp_path / "elsewhere").write_text("redis://:hush@state:6379/0")
    (secrets / "redis_url").symlink_to(tmp_path / "elsewhere")
    (secrets / "web_token").symlink_to("nowhere")
    assert _told() == [
        f"{secrets}/redis_url: leads out of its directory",
        f"{secrets}/web_token: cannot be read: No such file or directory",
    ]


@pytest.mark.timeout(20)
def test_what_never_ends_is_told(secrets: Path) -> None:
    """A pipe that nobody writes to, and a disk in place of a password.

    Seen failing, by waiting for ever and by taking two gigabytes, when both are read.
    """
    os.mkfifo(secrets / "redis_url")
    with (secrets / "web_token").open("wb") as file:
        file.truncate(2 * 10**9)
    (secrets / "webhook_url").symlink_to("/dev/zero")
    assert _told() == [
        f"{secrets}/redis_url: cannot be read: it is no file",
        f"{secrets}/web_token: is longer than 65536 characters",
        f"{secrets}/webhook_url: cannot be read: it is no file",
    ]


def test_two_for_one_setting_are_told(secrets: Path) -> None:
    """Which of them is meant, only a person knows. Seen failing, with either of them."""
    (secrets / "web_token").write_text("old")
    (secrets / "WEB_TOKEN").write_text("new")
    assert _told() == [f"{secrets}/web_token: is the same setting as WEB_TOKEN"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_directory_that_is_closed_is_told() -> None:
    """Of systemd's; /run/secrets of a machine that is no container is nobody's mistake.

    Seen failing with a traceback.
    """
    ask = """
        import os, sys
        from cefmp4.config_secrets import secret_places, secret_problems
        os.setuid(int(sys.argv[2]))
        os.environ["CREDENTIALS_DIRECTORY"] = sys.argv[1]
        print(secret_problems(secret_places("/nowhere"), ["web_token"]))
        del os.environ["CREDENTIALS_DIRECTORY"]
        print(secret_places(sys.argv[1]))
    """
    with tempfile.TemporaryDirectory() as closed:  # its mode is 0700
        command = [sys.executable, "-c", dedent(ask), closed, str(SOMEBODY)]
        asked = subprocess.run(command, capture_output=True, text=True, check=True)
    assert asked.stdout.splitlines() == [
        f"['{closed}: cannot be read: Permission denied']",
        "[]",
    ]


def _told() -> list[str]:
    """What is said of the files, which must not be what they hold."""
    with pytest.raises(WrongSettings) as problem:
        load_settings(needs_store=False)
    assert "hush" not in str(problem.value)
    return problem.value.lines
