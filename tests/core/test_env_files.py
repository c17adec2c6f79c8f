"""`.env` and `example.env`: what is read, what is told, and that the example is true."""

import re
from pathlib import Path

import pytest
from dotenv import dotenv_values

from cefmp4.config import Settings, WrongSettings, load_settings, settings_warnings

HOUSE = Path(__file__).parents[2]
EXAMPLE = HOUSE / "example.env"


pytestmark = pytest.mark.usefixtures("empty_surroundings")


def test_env_files_that_cannot_be_read(tmp_path: Path) -> None:
    """A .env that is a directory or no text, or a named file that is missing, is told."""
    assert load_settings(needs_store=False).prom_port == 8000, "a missing .env is fine"
    folder, binary = tmp_path / "folder.env", tmp_path / "binary.env"
    folder.mkdir()
    binary.write_bytes(b"A=\xff")
    for path, why in ((folder, "directory"), (binary, "UTF-8"), (tmp_path / "no", "no such")):
        with pytest.raises(WrongSettings) as problem:
            load_settings(needs_store=False, env_file=str(path))
        (line,) = problem.value.lines
        assert line.startswith(f"{path}: cannot be read: ")
        assert why in line
    assert load_settings(needs_store=False, env_file=None).prom_port == 8000


def test_a_missing_bucket_tells_where_no_env_file_was_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who starts it in another directory than that of the `.env` sees why nothing is set.

    Seen failing without a word of it, and with a name that breaks the line.
    """
    place = tmp_path / "some\nwhere"
    place.mkdir()
    monkeypatch.chdir(place)
    why = "S3_BUCKET_NAME is not set: name the bucket for recordings, or run with --embedded"
    with pytest.raises(WrongSettings) as problem:
        load_settings()
    assert problem.value.lines == [f"{why}; there is no .env in {tmp_path}/some?where"]
    (place / ".env").write_text("LOG_LEVEL=INFO\n")
    with pytest.raises(WrongSettings) as problem:
        load_settings()
    assert problem.value.lines == [why]


def test_a_line_of_env_that_is_no_setting(tmp_path: Path) -> None:
    """It is told with its number, and nothing of what the file may well set.

    Seen failing with a bucket that is not set, although the file names it.
    """
    path = tmp_path / "my.env"
    path.write_text("S3_BUCKET_NAME=mine\n\nthis is = not 'closed\n")
    with pytest.raises(WrongSettings) as problem:
        load_settings(env_file=str(path))
    assert problem.value.lines == [f"{path}: line 3 is not NAME=value"]


def test_likely_misspellings() -> None:
    """A name in .env that is almost a setting is named; others are nobody's business."""
    assert settings_warnings() == []
    Path(".env").write_text(
        "STREAM_TIMEOUT_SECOND=5\nS3_BUCKET=b\nLOG_LEVEL=INFO\nlog_level=INFO\n"
        "MINIO_ROOT_USER=x\nAWS_SECRET_ACCESS_KEY=x\nCOMPOSE_PROJECT_NAME=x\nTZ=UTC\n"
    )
    assert load_settings(needs_store=False).stream_timeout_seconds == 30
    assert settings_warnings() == [
        ".env: STREAM_TIMEOUT_SECOND is not a setting; is STREAM_TIMEOUT_SECONDS meant?",
        ".env: S3_BUCKET is not a setting; is S3_BUCKET_NAME meant?",
    ]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("S3_BUKET", "is S3_BUCKET_NAME meant?"),
        ("S3_SECRET_KEY", "is S3_SECRET_ACCESS_KEY meant?"),
        ("S3_URL", "example.env explains all that begin with S3_"),
        ("UPLOAD_RATE_LIMIT", "is UPLOAD_RATE_LIMIT_BYTES_PER_SECOND meant?"),
        ("WATCH_DIRECTORY", "is WATCH_DIR meant?"),
        ("WATCH_FOLDER", "there are WATCH_DIR, WATCH_PATTERNS, WATCH_MODE"),
        ("STREAM_IDLE", "there is STREAM_TIMEOUT_SECONDS"),
        ("WEB_HOTS", "is WEB_HOSTS meant?"),
    ],
)
def test_a_name_that_begins_as_ours_do_is_told(name: str, told: str) -> None:
    """However far it is from any setting: with the one that is meant, or where they stand.

    Seen failing with likeness alone, which passes five of these over and takes WATCH_FOLDER
    for WATCH_MODE.
    """
    Path(".env").write_text(f"{name}=x\n")
    assert settings_warnings() == [f".env: {name} is not a setting; {told}"]


def test_names_of_others_are_nobodys_business() -> None:
    """What our own compose file takes from `.env`, and what other programs do.

    Seen failing with every prefix of a setting taken for ours.
    """
    compose = (HOUSE / "docker-compose.yml").read_text(encoding="utf-8")
    names = set(re.findall(r"\$\{([A-Z0-9_]+)", compose))
    assert {"REDIS_IMAGE", "CONTAINER_S3_URL"} <= names
    names |= {"APP_NAME", "LOG_FILE", "MAX_WORKERS", "OTEL_SERVICE_NAME", "PROM_RETENTION"}
    names |= {"REDIS_PASSWORD", "UPLOAD_LOCATION", "WEB_CONCURRENCY", "WEBHOOK_HEADERS"}
    names |= {"STREAM_KEY", "STREAM_URL", "AWS_S3_BUCKET", "S3", "STREAM_"}
    Path(".env").write_text("".join(f"{name}=x\n" for name in sorted(names)))
    assert settings_warnings() == []


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("WATCH_DIRECTORY", "is WATCH_DIR meant?"),
        ("S3_BUKET", "is S3_BUCKET_NAME meant?"),
        ("REDIS_URI", "is REDIS_URL meant?"),
        ("LOG_LEVLE", "is LOG_LEVEL meant?"),
        ("stream_timeout", "is STREAM_TIMEOUT_SECONDS meant?"),
    ],
)
def test_a_name_in_the_environment_is_told_too(
    name: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where systemd, compose and Kubernetes put it. One that `.env` has is told once, and one
    without a value counts as little as a setting without one.

    Seen failing with `.env` alone, with both told, and with empty ones told.
    """
    monkeypatch.setenv(name, "x")
    assert settings_warnings() == [f"environment: {name} is not a setting; {told}"]
    Path(".env").write_text(f"{name}=x\n")
    assert settings_warnings() == [f".env: {name} is not a setting; {told}"]
    Path(".env").unlink()
    monkeypatch.setenv(name, "")
    assert settings_warnings() == []


def test_names_of_others_in_the_environment_are_nobodys_business(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of systemd, of Kubernetes for a service called `s3` or `stream-api`, of SDKs, of a shell.

    Seen failing with the likeness that is enough in `.env`, and with those of services.
    """
    names = "WATCHDOG_USEC WATCHDOG_PID INVOCATION_ID JOURNAL_STREAM CREDENTIALS_DIRECTORY"
    names += " S3_PORT S3_PORT_9000_TCP S3_PORT_9000_TCP_ADDR S3_SERVICE_HOST S3_SERVICE_PORT"
    names += " S3_SERVICE_PORT_HTTP STREAM_API_SERVICE_HOST REDIS_PORT WEB_PORT"
    names += " AWS_S3_BUCKET AWS_REGION OTEL_TRACE OTEL_SERVICE_NAME STREAM_KEY STREAM_URL"
    names += " STREAM_NAME APP_NAME APP_ENVIRONMENT NODE_ENV LOG_FILE MAX_STREAMS PROM_HOSTNAME"
    names += " UPLOAD_RATE WEBHOOK_HEADERS DATABASE_URL WEB_CONCURRENCY REDIS_PASSWORD"
    for name in names.split():
        monkeypatch.setenv(name, "x")
    assert settings_warnings() == []


def test_the_example_lists_every_setting_with_its_default() -> None:
    """example.env names exactly the settings, and loads as the defaults do."""
    listed = dotenv_values(EXAMPLE)
    assert [name.lower() for name in listed] == list(Settings.model_fields)
    by_default = load_settings(needs_store=False, env_file=None)
    assert load_settings(needs_store=False, env_file=str(EXAMPLE)) == by_default
    for name, field in Settings.model_fields.items():
        unset = field.default in (None, {}, ())
        assert bool(listed[name.upper()]) is not unset, name
    assert settings_warnings(str(EXAMPLE)) == []
