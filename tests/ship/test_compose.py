"""docker-compose.yml: valid, closed to the network, and true to the settings.

Its images and a Docker engine are not to be had here: that the services start, is not shown.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from cefmp4.config import Settings, settings_warnings
from cefmp4.config_misspelt import misspelt_among_others
from cefmp4.config_rules import host_names
from operations.conftest import Promtool, promtool
from operations.documents import ALERTS

__all__ = ["promtool"]

HOUSE = Path(__file__).parents[2]
COMPOSE = HOUSE / "docker-compose.yml"
TEXT = COMPOSE.read_text(encoding="utf-8")
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(TEXT)["services"]
APP = SERVICES["app"]

OF_THE_IMAGE = {
    "WATCH_DIR": "where the recordings are mounted; in .env it is the directory outside",
    "PROM_HOST": "all addresses of the container; in .env it is the one to publish on",
    "PROM_PORT": "8000 in the container; in .env it is the port to publish on",
}
NOT_IN_A_CONTAINER = {
    "EMBEDDED_DATA_DIR": "the servers are services of their own",
    "FFPROBE_PATH": "a path of this machine; the image has ffprobe in its PATH",
    "REDIS_CA_BUNDLE": "a path of this machine; docs/guides/docker.md says how to mount one",
    "S3_CA_BUNDLE": "a path of this machine; docs/guides/docker.md says how to mount one",
}


def test_it_is_a_compose_file() -> None:
    """By the schema of the Compose Specification. Seen failing with `port:` for `ports:`."""
    checker = f"{os.path.dirname(sys.executable)}/check-jsonschema"
    schema = ("--builtin-schema", "vendor.compose-spec")
    checked = subprocess.run(
        [checker, *schema, str(COMPOSE)], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("service", SERVICES)
def test_every_port_is_published_on_loopback(service: str) -> None:
    """Nobody's Redis is opened to the network by default. Seen failing with `6379:6379`."""
    for port in SERVICES[service]["ports"]:
        assert re.match(r"(\$\{PROM_HOST:-)?127\.0\.0\.1\}?:", port), port


@pytest.mark.parametrize("service", SERVICES)
def test_every_image_is_pinned(service: str) -> None:
    """Another release is somebody's decision. Seen failing with `latest`."""
    image = SERVICES[service]["image"]
    if service != "app":  # built here
        assert re.search(r":(v?\d+\.\d+[\w.-]*|RELEASE\.[\dTZ-]+)\}?$", image), image


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_says_whether_it_is_well(service: str) -> None:
    """The app by its image. Seen failing without the health check of redis."""
    assert ("healthcheck" in SERVICES[service]) == (service != "app")


def test_every_setting_reaches_the_daemon() -> None:
    """What is in .env holds in the container too, but for what cannot.

    Seen failing without WEB_TOKEN.
    """
    passed = set(APP["environment"]) - {"TZ"}
    left_out = {*OF_THE_IMAGE, *NOT_IN_A_CONTAINER}
    settings = {name.upper() for name in Settings.model_fields}
    assert passed | left_out == settings
    assert not passed & left_out


def test_nothing_that_the_image_sets_is_taken_away() -> None:
    """A variable without a value, which nobody sets, is removed from the container.

    So without a .env the log was one for people. Seen failing with `APP_ENV:`.
    """
    dockerfile = (HOUSE / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    (set_there,) = re.findall(r"^ENV +(.*)$", dockerfile, re.MULTILINE)
    names = set(re.findall(r"(\w+)=", set_there))
    assert {"APP_ENV", "PROM_PORT"} <= names
    environment = APP["environment"]
    assert {name for name in names & set(environment) if environment[name] is None} == set()


def test_no_variable_of_compose_is_taken_for_a_setting(tmp_path: Path) -> None:
    """Both read the same .env. Seen failing with CONTAINER_S3_ENDPOINT_URL."""
    settings = {name.upper() for name in Settings.model_fields}
    variables = set(re.findall(r"\$\{(\w+)", TEXT)) - settings
    assert "CONTAINER_S3_URL" in variables
    path = tmp_path / ".env"
    path.write_text("".join(f"{name}=x\n" for name in sorted(variables)))
    told = [line for line in settings_warnings(str(path)) if line.startswith(str(path))]
    assert told == misspelt_among_others(APP["environment"], settings) == []


def test_the_daemon_is_given_nothing_it_does_not_need() -> None:
    """Seen failing without read_only, without cap_drop, and with a second init."""
    assert APP["read_only"] is True
    assert APP["cap_drop"] == ["ALL"]
    assert APP["security_opt"] == ["no-new-privileges:true"]
    assert "init" not in APP
    assert "privileged" not in APP


def test_the_daemon_gets_the_time_it_takes_to_stop() -> None:
    """Seen failing with 20s."""
    grace = Settings.model_fields["shutdown_grace_seconds"].default
    assert int(APP["stop_grace_period"].removesuffix("s")) > grace + 5


@pytest.mark.parametrize("service", SERVICES)
def test_what_is_mounted_is_there(service: str) -> None:
    """Docker would make a directory in its place. Seen failing with another file name."""
    for volume in SERVICES[service].get("volumes", ()):
        source = volume.split(":")[0] if isinstance(volume, str) else ""
        if source.startswith("./"):
            assert (HOUSE / source).exists(), source


def test_prometheus_asks_the_daemon_as_the_alerts_want(
    promtool: Promtool, tmp_path: Path
) -> None:
    """Its configuration is one, with our rules beside it. Seen failing with another target."""
    path = tmp_path / "prometheus.yml"
    shutil.copy(HOUSE / "deploy" / "compose" / "prometheus.yml", path)
    shutil.copy(ALERTS, tmp_path)
    checked = promtool("check", "config", str(path))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    (job,) = yaml.safe_load(path.read_text())["scrape_configs"]
    assert f'job="{job["job_name"]}"' in ALERTS.read_text(encoding="utf-8")
    assert job["static_configs"] == [{"targets": ["app:8000"]}]


def test_grafana_looks_where_the_dashboard_is_mounted() -> None:
    """Seen failing with another path."""
    provisioning = HOUSE / "deploy" / "compose" / "grafana" / "dashboards" / "cefmp4.yml"
    (provider,) = yaml.safe_load(provisioning.read_text())["providers"]
    targets = [volume.split(":")[1] for volume in SERVICES["grafana"]["volumes"]]
    assert f"{provider['options']['path']}/cefmp4.json" in targets


class TestAsComposeReadsIt:
    """`docker-compose config`, without and with a .env."""

    @pytest.fixture
    def read(self, tmp_path: Path) -> Any:
        """What compose makes of the file beside a .env with this in it; None: there is none."""
        program = shutil.which("docker-compose")
        if program is None:
            pytest.skip("docker-compose is not installed (Debian: the package docker-compose)")
        shutil.copy(COMPOSE, tmp_path)

        def run(env_file: str | None, *arguments: str) -> Any:
            if env_file is not None:
                (tmp_path / ".env").write_text(env_file, encoding="utf-8")
            done = subprocess.run(
                [program, *arguments, "config"],
                cwd=tmp_path,
                env={"PATH": os.environ["PATH"]},
                capture_output=True,
                text=True,
                check=False,
            )
            assert (done.returncode, done.stderr) == (0, "")
            return yaml.safe_load(done.stdout)["services"]

        return run

    def test_without_a_file_of_settings(self, read: Any) -> None:
        """The daemon finds the services; profiles are off. Seen failing with `env_file`."""
        services = read(None)
        told = services["app"]["environment"]
        assert told["S3_ENDPOINT_URL"] == "http://minio:9000"
        assert told["REDIS_URL"] == "redis://redis:6379/0"
        assert told["S3_ACCESS_KEY_ID"] == services["minio"]["environment"]["MINIO_ROOT_USER"]
        assert told["APP_ENV"] == "production"

    def test_with_a_file_that_is_meant_for_this_machine(self, read: Any) -> None:
        """`localhost` there is not the container's; everything else is taken over.

        Seen failing with S3_ENDPOINT_URL passed as it is.
        """
        example = (HOUSE / "example.env").read_text(encoding="utf-8")
        mine = "S3_ENDPOINT_URL=http://localhost:9000\nS3_SECRET_ACCESS_KEY='with $ and #'\n"
        services = read(f"{example}\n{mine}S3_ACCESS_KEY_ID=me\nLOG_LEVEL=DEBUG\n")
        told = services["app"]["environment"]
        assert told["S3_ENDPOINT_URL"] == "http://minio:9000"
        assert told["REDIS_URL"] == "redis://redis:6379/0"
        assert told["LOG_LEVEL"] == "DEBUG"
        secret = services["minio"]["environment"]["MINIO_ROOT_PASSWORD"]
        assert told["S3_SECRET_ACCESS_KEY"] == secret == "with $$ and #"

    def test_prometheus_is_answered_whatever_other_names_there_are(self, read: Any) -> None:
        """It asks for the service by its name. Seen failing with `${WEB_HOSTS:-app}`."""
        for env_file, names in (("WEB_HOSTS=\n", {"app"}), ("WEB_HOSTS=nvr", {"app", "nvr"})):
            told = read(env_file)["app"]["environment"]["WEB_HOSTS"]
            assert set(host_names(told)) == names

    def test_another_store(self, read: Any) -> None:
        """SeaweedFS by its name, AWS by an empty one. Seen failing with `:-` for `-`."""
        services = read("CONTAINER_S3_URL=http://seaweedfs:8333\n")
        assert services["app"]["environment"]["S3_ENDPOINT_URL"] == "http://seaweedfs:8333"
        services = read("CONTAINER_S3_URL=\n")
        assert services["app"]["environment"]["S3_ENDPOINT_URL"] == ""
