"""Settings in files: Docker's and Kubernetes' secrets, systemd's credentials."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from cefmp4.config import WrongSettings, load_settings
from cefmp4.config_secrets import secret_places

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
