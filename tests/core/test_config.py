"""Settings: what is taken, what is refused and how that is said."""

import socket
from pathlib import Path

import pytest
from pydantic import SecretStr

from cefmp4.config import WrongSettings, load_settings
from cefmp4.core.model import AfterUpload

EXAMPLE = Path(__file__).parents[2] / "example.env"


pytestmark = pytest.mark.usefixtures("empty_surroundings")


def wrong(**environment: str) -> list[str]:
    """What is said when these are set, beside a bucket."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("S3_BUCKET_NAME", "recordings")
        for name, value in environment.items():
            patch.setenv(name, value)
        with pytest.raises(WrongSettings) as problem:
            load_settings()
    assert str(problem.value) == "\n".join(problem.value.lines)
    assert problem.value.__suppress_context__, "the original error holds secrets"
    return problem.value.lines


def test_defaults(tmp_path: Path) -> None:
    """Without any setting the daemon watches ./local_watch_dir and uses AWS rules."""
    settings = load_settings(needs_store=False)
    assert settings.watch_dir == str(tmp_path / "local_watch_dir")
    assert settings.embedded_data_dir == str(tmp_path / ".cefmp4")
    assert settings.watch_patterns == ("*.mp4",)
    assert settings.prom_host == "127.0.0.1"
    assert settings.s3_endpoint_url is None
    assert settings.s3_tags == {}
    assert settings.instance == f"{socket.gethostname()}:{tmp_path}/local_watch_dir"


def test_a_limit_of_the_upload_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    """None by default; a wrong one is told in one line like every setting."""
    assert load_settings(needs_store=False).upload_rate_limit.rate_at(0, 0) is None
    name = "UPLOAD_RATE_LIMIT_BYTES_PER_SECOND"
    monkeypatch.setenv(name, "08:00,2M 19:00,off")
    table = load_settings(needs_store=False).upload_rate_limit
    assert (table.rate_at(0, 480), table.rate_at(0, 479)) == (2 * 1024**2, None)
    assert wrong(**{name: "08:00,2M 25:00,off"}) == [
        f"{name}=08:00,2M 25:00,off: must have times from 00:00 to 23:59, not 25:00"
    ]
    assert wrong(**{name: "fast"}) == [
        f"{name}=fast: must be off, or bytes per second as 500K, 2M or 1G, not 'fast'"
    ]


def test_where_settings_come_from(monkeypatch: pytest.MonkeyPatch) -> None:
    """Overrides come before the environment, that before .env; empty ones do not count."""
    Path(".env").write_text("S3_BUCKET_NAME=from-file\nPROM_PORT=1\nLOG_LEVEL=debug\n")
    monkeypatch.setenv("PROM_PORT", "2")
    monkeypatch.setenv("LOG_LEVEL", "")
    monkeypatch.setenv("s3_region_name", "auto")
    settings = load_settings(prom_port=3, watch_mode="", app_env=None)
    assert (settings.s3_bucket_name, settings.prom_port) == ("from-file", 3)
    assert (settings.log_level, settings.watch_mode) == ("DEBUG", "auto")
    assert settings.s3_region_name == "auto"
    assert load_settings().prom_port == 2


def test_values_as_they_are_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Lists, tags, paths and choices come in their final form."""
    given = {
        "WATCH_DIR": "rec",
        "WATCH_PATTERNS": "*.mp4, *.M4V,",
        "S3_ENDPOINT_URL": "https://store.example:9000/",
        "S3_TAGS": "cam=front door, kind=",
        "APP_ENV": "Production",
        "AFTER_UPLOAD": "MOVE",
        "ARCHIVE_DIR": "done",
        "REDIS_URL": "rediss://:p%2Fw@host:6380/1",
        "S3_SSE": "aws:kms",
        "S3_SSE_KMS_KEY_ID": "alias/k",
        "S3_UNIFORM_PARTS": "True",
        "REJECT_NON_MP4": "yes",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    settings = load_settings(needs_store=False)
    assert settings.watch_dir == str(tmp_path / "rec")
    assert settings.watch_patterns == ("*.mp4", "*.M4V")
    assert settings.s3_endpoint_url == "https://store.example:9000"
    assert settings.s3_tags == {"cam": "front door", "kind": ""}
    assert settings.app_env == "production"
    assert settings.archive_dir == str(tmp_path / "done")
    assert settings.redis_url.get_secret_value() == "rediss://:p%2Fw@host:6380/1"
    assert settings.policy().after_upload is AfterUpload.MOVE
    assert settings.policy().reject_non_mp4
    assert settings.uniform_parts


def test_everything_wrong_is_told_at_once() -> None:
    """One line per setting in the order of their declaration, settings that clash too."""
    part_sizes = "a whole number between 5242880 (5 MiB) and 5368709120 (5 GiB)"
    assert wrong(
        CHUNK_SIZE_BYTES="1000",
        PROM_PORT="http",
        OPEN_WRITER_TIMEOUT_SECONDS="5",
        S3_ACCESS_KEY_ID="key",
        S3_UNIFORM_PARTS="maybe",
        WRITE_METADATA="perhaps",
        AFTER_UPLOAD="move",
        CLAIM_LEASE_SECONDS="1",
        MAX_CONCURRENT_STREAMS="0",
    ) == [
        "PROM_PORT=http: must be a whole number between 0 and 65535",
        "OPEN_WRITER_TIMEOUT_SECONDS=5: must be at least STREAM_TIMEOUT_SECONDS (30)",
        "MAX_CONCURRENT_STREAMS=0: must be a whole number of at least 1",
        f"CHUNK_SIZE_BYTES=1000: must be {part_sizes}",
        "S3_SECRET_ACCESS_KEY is not set: must be set together with S3_ACCESS_KEY_ID",
        "S3_UNIFORM_PARTS=maybe: must be auto or true or false",
        "CLAIM_LEASE_SECONDS=1: must be a number between 3 and 315360000",
        "WRITE_METADATA=perhaps: must be true or false",
        "ARCHIVE_DIR is not set: must be set with AFTER_UPLOAD=move",
    ]


def test_a_bucket_is_needed_unless_embedded() -> None:
    """Without --embedded a missing bucket name is one more wrong setting."""
    with pytest.raises(WrongSettings) as problem:
        load_settings(prom_port=-1, env_file=None)
    assert problem.value.lines == [
        "PROM_PORT=-1: must be a whole number between 0 and 65535",
        "S3_BUCKET_NAME is not set: name the bucket for recordings, or run with --embedded",
    ]
    assert load_settings(needs_store=False).s3_bucket_name is None


def test_secrets_are_never_told() -> None:
    """No secret, nor a password inside a URL, is in what is said of wrong settings."""
    said = "\n".join(
        wrong(
            S3_SECRET_ACCESS_KEY="hush-1",
            S3_SESSION_TOKEN="hush-2",
            REDIS_URL="http://:hush-3@host",
            S3_ENDPOINT_URL="https://me:hush-4@host",
        )
    )
    assert "hush" not in said
    assert said.count("(hidden)") == 4
    settings = load_settings(needs_store=False, web_token="hush", redis_url="redis://:hush@h/0")
    assert "hush" not in repr(settings) + str(settings.model_dump())
    assert isinstance(settings.web_token, SecretStr)


def test_a_value_does_not_break_its_line() -> None:
    """Newlines and long values are shown within one short line."""
    (line,) = wrong(S3_BUCKET_NAME="a\nb" + "c" * 500)
    assert line.startswith("S3_BUCKET_NAME=a?bccc")
    assert "\n" not in line
    assert len(line) < 260


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("APP_ENV", "test", "development or production"),
        ("LOG_LEVEL", "loud", "DEBUG or INFO"),
        ("PROM_PORT", "65536", "0 and 65535"),
        ("MAX_PARTS_IN_FLIGHT", "65", "between 1 and 64"),
        ("SCAN_INTERVAL_SECONDS", "nan", "a number"),
        ("POLL_INTERVAL_SECONDS", "0", "a number"),
        ("MISSING_GRACE_SECONDS", "inf", "a number"),
        ("MISSING_GRACE_SECONDS", "-1", "a number"),
        ("CHUNK_SIZE_BYTES", "10MB", "5 MiB"),
        ("MAX_RECORDING_BYTES", "1", "5 MiB"),
        ("WATCH_PATTERNS", ",", "patterns"),
        ("WATCH_PATTERNS", "cam/*.mp4", "patterns"),
        ("WEB_HOSTS", "http://cams.example", "names of hosts"),
        ("WEB_HOSTS", "cams.example:8000", "names of hosts"),
        ("WATCH_DIR", "/dev/null", "directory"),
        ("WATCH_DIR", "/dev/null/rec", "cannot be created"),
        ("ARCHIVE_DIR", "local_watch_dir", "another directory"),
        ("S3_ENDPOINT_URL", "localhost:9000", "http://"),
        ("S3_ENDPOINT_URL", "ftp://h", "http://"),
        ("S3_ENDPOINT_URL", "http://h/path", "end after"),
        ("S3_ENDPOINT_URL", "http://h?x=1", "end after"),
        ("S3_ENDPOINT_URL", "http://h:99999", "port"),
        ("S3_BUCKET_NAME", "ab", "3 to 63"),
        ("S3_BUCKET_NAME", "Recordings", "lower-case"),
        ("S3_BUCKET_NAME", "my_bucket", "lower-case"),
        ("S3_BUCKET_NAME", "-abc", "letter or digit"),
        ("S3_BUCKET_NAME", "a..b", "two dots"),
        ("S3_BUCKET_NAME", "10.0.0.1", "IP address"),
        ("S3_BUCKET_NAME", "xn--abc", "keeps for itself"),
        ("S3_KEY_TEMPLATE", "{host}/x", "at least one"),
        ("S3_KEY_TEMPLATE", "/{name}", "begin with"),
        ("S3_SSE_KMS_KEY_ID", "k", "S3_SSE=aws:kms"),
        ("S3_TAGS", "cam", "key=value"),
        ("S3_TAGS", "a=1,a=2", "different"),
        ("S3_TAGS", ",".join(f"k{n}=v" for n in range(11)), "at most 10"),
        ("S3_CA_BUNDLE", "missing.pem", "exists"),
        ("S3_STORAGE_CLASS", "GLACIER IR", "letters"),
        ("S3_SESSION_TOKEN", "t", "S3_ACCESS_KEY_ID"),
        ("REDIS_URL", "localhost:6379", "redis://"),
        ("REDIS_URL", "redis://", "host"),
        ("REDIS_URL", "redis://h/zero", "number of a database"),
        ("REDIS_URL", "redis://:a/b@h/0", "percent-encoded"),
        ("REDIS_URL", "unix://", "socket"),
        ("INSTANCE_ID", "a{b}", "letters"),
        ("INSTANCE_ID", "x" * 201, "1 to 200"),
        ("FFPROBE_PATH", "/dev/null", "executable"),
        ("POSTER", "perhaps", "true or false"),
        ("AFTER_UPLOAD", "burn", "keep or delete or move"),
    ],
)
def test_what_is_refused(name: str, value: str, why: str) -> None:
    """Each rule is told with the name of its setting."""
    (line,) = wrong(**{name: value})
    assert line.startswith(name)
    assert why in line


def test_a_poster_needs_the_json_that_names_it() -> None:
    """POSTER without WRITE_METADATA is a mistake; without either, or with both, it is none."""
    (line,) = wrong(poster="true", write_metadata="false")
    assert line.startswith("POSTER=")
    assert "WRITE_METADATA=true" in line
    load_settings(needs_store=False, write_metadata="false")
    assert load_settings(needs_store=False, poster="true").poster


@pytest.mark.parametrize(
    ("endpoint", "setting", "uniform"),
    [
        (None, "auto", False),
        ("https://s3.example.com", "auto", False),
        ("https://abc.r2.cloudflarestorage.com", "auto", True),
        ("https://s3.us-west-004.backblazeb2.com", "auto", True),
        ("https://abc.r2.cloudflarestorage.com", "false", False),
        ("https://s3.example.com", "true", True),
        ("https://backblazeb2.com.example.com", "auto", False),
    ],
)
def test_uniform_parts(endpoint: str | None, setting: str, uniform: bool) -> None:
    """Equal parts are chosen for the stores that want them, and by hand."""
    settings = load_settings(
        needs_store=False, s3_endpoint_url=endpoint, s3_uniform_parts=setting
    )
    assert settings.policy().uniform_parts is uniform


@pytest.mark.parametrize(("in_flight", "window"), [(1, 1), (2, 1), (8, 4), (64, 32)])
def test_one_recording_leaves_parts_to_others(in_flight: int, window: int) -> None:
    """The window of one recording is half of the parts in flight, at least one."""
    settings = load_settings(needs_store=False, max_parts_in_flight=in_flight)
    assert settings.policy().window_parts == window


def test_an_instance_for_every_directory(tmp_path: Path) -> None:
    """The default instance is a valid INSTANCE_ID, and differs by directory."""
    long = tmp_path / ("ä {}" * 20) / ("b" * 100)
    names = {
        load_settings(needs_store=False, watch_dir=str(long / end)).instance for end in "xy"
    }
    assert len(names) == 2
    for name in names:
        assert load_settings(needs_store=False, instance_id=name).instance == name


def test_the_embedded_data_may_not_lie_around_the_recordings(tmp_path: Path) -> None:
    """The servers' directory is made private: recorders could not reach theirs any more."""
    for folder in (tmp_path, tmp_path / "rec"):
        with pytest.raises(WrongSettings, match="must not be WATCH_DIR or a directory above"):
            load_settings(
                needs_store=False,
                watch_dir=str(tmp_path / "rec"),
                embedded_data_dir=str(folder),
            )


def test_an_archive_is_the_directory_it_leads_to(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """By whatever name: inside WATCH_DIR it is not watched, and it cannot be WATCH_DIR.

    Seen failing with names held against each other as they were written.
    """
    monkeypatch.setenv("S3_BUCKET_NAME", "recordings")
    (tmp_path / "local_watch_dir" / "done").mkdir(parents=True)
    (tmp_path / "link").symlink_to("local_watch_dir/done")
    assert load_settings(archive_dir="link/2026").archive_dir == str(
        tmp_path / "local_watch_dir" / "done" / "2026"
    )
    assert load_settings(archive_dir="elsewhere").archive_dir == str(tmp_path / "elsewhere")
    (tmp_path / "same").symlink_to("local_watch_dir")
    assert wrong(ARCHIVE_DIR="same") == [
        "ARCHIVE_DIR=same: must be another directory than WATCH_DIR"
    ]
