"""What is applied to a cluster: objects that its API takes, under restricted pod security."""

import copy
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml

from cefmp4.settings import Settings
from ship.manifests import (
    FOLDER,
    VARIANTS,
    WORKLOADS,
    container,
    labels_of,
    manifests,
    only,
    pod,
    render,
    rendered,
    selects,
    workload,
)
from ship.podsecurity import violations

API_VERSIONS = ("1.29", kubernetes_validate.latest_version())
"""The oldest that is meant, and the newest whose schemas are there."""
OF_THE_OPERATOR = ("ServiceMonitor", "PrometheusRule")
ALL = (*VARIANTS, "example")
ENFORCE = "pod-security.kubernetes.io/enforce"


@pytest.mark.parametrize("version", API_VERSIONS)
@pytest.mark.parametrize("variant", ALL)
def test_every_object_is_one(variant: str, version: str) -> None:
    """The API would take it, and every field of it is known.

    Seen failing with `maxSurge` spelt `maxsurge`, and with a port that is text.
    """
    for one in rendered(variant):
        if one["kind"] not in OF_THE_OPERATOR:
            kubernetes_validate.validate(copy.deepcopy(dict(one)), version, strict=True)


@pytest.mark.parametrize("variant", ALL)
def test_all_of_it_is_in_one_namespace(variant: str) -> None:
    """That it brings along. Seen failing with one forgotten in the state server's service."""
    namespace = only(variant, "Namespace")["metadata"]["name"]
    for one in rendered(variant):
        if one["kind"] != "Namespace":
            assert one["metadata"]["namespace"] == namespace, one["metadata"]["name"]


def _templates(variant: str) -> Iterator[tuple[str, Any]]:
    for one in rendered(variant):
        if "template" in one.get("spec", {}):
            yield one["metadata"]["name"], one["spec"]["template"]["spec"]


def test_the_deployment_is_restricted() -> None:
    """So its namespace lets in nothing else.

    Seen failing without each line of its security contexts, and with a hostPath.
    """
    assert [list(violations(one)) for _, one in _templates("deployment")] == [[]]
    assert only("deployment", "Namespace")["metadata"]["labels"][ENFORCE] == "restricted"


@pytest.mark.parametrize("variant", ["daemonset", "example"])
def test_the_daemonset_is_restricted_but_for_the_directory_of_its_node(variant: str) -> None:
    """Which no level but "privileged" lets in. Seen failing with `hostPID`."""
    found = {name: list(violations(one)) for name, one in _templates(variant)}
    assert found.pop("cefmp4") == ["volume recordings is a hostPath"]
    assert not any(found.values())
    labels = only(variant, "Namespace")["metadata"]["labels"]
    assert labels[ENFORCE] == "privileged"
    assert {labels[f"pod-security.kubernetes.io/{mode}"] for mode in ("warn", "audit")} == {
        "restricted"
    }


@pytest.mark.parametrize("variant", ALL)
def test_nothing_of_the_root_filesystem_or_of_the_api_is_needed(variant: str) -> None:
    """Read-only, and no token. Seen failing with each left out."""
    for _, one in _templates(variant):
        assert one["automountServiceAccountToken"] is False
        for inner in one["containers"]:
            assert inner["securityContext"]["readOnlyRootFilesystem"] is True
    assert only(variant, "ServiceAccount")["automountServiceAccountToken"] is False
    mounts = {mount["mountPath"]: mount for mount in container(variant)["volumeMounts"]}
    assert mounts["/recordings"]["readOnly"] is True
    assert set(mounts) == {"/recordings", "/tmp"}


@pytest.mark.parametrize("variant", ALL)
def test_selectors_find_the_pods(variant: str) -> None:
    """Of the workload, the service, the policy. Seen failing with another label each."""
    labels = labels_of(variant)
    assert selects(workload(variant)["spec"]["selector"], labels)
    service = only(variant, "Service", "cefmp4-processor")
    assert selects({"matchLabels": service["spec"]["selector"]}, labels)
    policy = only(variant, "NetworkPolicy", "cefmp4")
    assert selects(policy["spec"]["podSelector"], labels)
    for port in (*service["spec"]["ports"], *policy["spec"]["ingress"][0]["ports"]):
        assert port.get("targetPort", port["port"]) == "http"


def test_the_budget_finds_the_pod_and_lets_it_go() -> None:
    """A budget that never allows an eviction hangs every drain. Seen failing with 0."""
    budget = only("deployment", "PodDisruptionBudget")["spec"]
    assert selects(budget["selector"], labels_of("deployment"))
    assert budget["maxUnavailable"] >= workload("deployment")["spec"]["replicas"]
    assert budget["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


def test_a_daemonset_has_no_budget() -> None:
    """Drains leave its pods where they are, and the API cannot count them for one."""
    assert "PodDisruptionBudget" not in {one["kind"] for one in rendered("daemonset")}


def test_no_two_pods_of_one_instance() -> None:
    """The old one goes before the new one comes.

    Seen failing with two replicas, with RollingUpdate, and with `maxSurge: 1`.
    """
    one = workload("deployment")["spec"]
    assert (one["replicas"], one["strategy"]["type"]) == (1, "Recreate")
    every = workload("daemonset")["spec"]["updateStrategy"]["rollingUpdate"]
    assert every == {"maxUnavailable": 1, "maxSurge": 0}


@pytest.mark.parametrize("variant", ALL)
def test_only_what_is_needed_is_reached(variant: str) -> None:
    """Names, the store, the state server; and no metadata service of a cloud.

    Name servers may be those of the node, which are no pods. Seen failing with
    `egress: [{}]`, without the exceptions, and without the addresses of a node.
    """
    policy = only(variant, "NetworkPolicy", "cefmp4")["spec"]
    assert set(policy["policyTypes"]) == {"Ingress", "Egress"}
    names, store, state = policy["egress"]
    assert {port["port"] for port in names["ports"]} == {53}
    of_node = {peer["ipBlock"]["cidr"] for peer in names["to"] if "ipBlock" in peer}
    assert of_node == {"169.254.20.10/32", "169.254.169.254/32"}
    assert {port["port"] for port in state["ports"]} == {6379}
    for rule in policy["egress"]:
        assert rule["to"]
        assert rule["ports"]
    for peer in store["to"]:
        assert "except" in peer.get("ipBlock", {"except": ()})


def test_no_manifest_holds_a_secret() -> None:
    """They are referred to, never written down. Seen failing with a key in settings.env."""
    secret = {
        name.upper()
        for name, field in Settings.model_fields.items()
        if "SecretStr" in str(field.annotation)
    }
    assert {"S3_SECRET_ACCESS_KEY", "REDIS_URL"} <= secret
    for path in manifests():
        text = path.read_text(encoding="utf-8")
        assert not re.findall(rf"\b({'|'.join(secret)})\s*[=:]\s*\S", text), path
        assert not re.search(r"^\s*kind: Secret$", text, re.MULTILINE), path
    assert {"secretRef": {"name": "cefmp4-secrets"}} in container("deployment")["envFrom"]


def test_every_manifest_is_used() -> None:
    """None lies about. Seen failing with one left out of its kustomization."""
    for kustomization in FOLDER.rglob("kustomization.yaml"):
        said = yaml.safe_load(kustomization.read_text(encoding="utf-8"))
        named = {*said.get("resources", ()), *(p.get("path") for p in said.get("patches", ()))}
        for generator in said.get("configMapGenerator", ()):
            named |= {*generator.get("envs", ()), *generator.get("files", ())}
        beside = {path.name for path in kustomization.parent.iterdir() if path.is_file()}
        assert beside - named == {"kustomization.yaml"}


@pytest.mark.parametrize("variant", WORKLOADS)
def test_the_image_is_the_one_that_an_overlay_names(variant: str) -> None:
    """`images:` replaces it. Seen failing with another name in the pod."""
    image = container(variant)["image"]
    assert image == ("registry.example.org/cefmp4:0.1.0" if variant == "example" else "cefmp4")
    assert (
        pod(variant)["serviceAccountName"]
        == only(variant, "ServiceAccount")["metadata"]["name"]
    )


def test_the_example_is_of_use_for_either_variant(tmp_path: Path) -> None:
    """What it patches is there, or left alone. Seen failing without its targets."""
    shutil.copytree(FOLDER, tmp_path / "kubernetes")
    overlay = tmp_path / "kubernetes" / "example"
    text = (overlay / "kustomization.yaml").read_text(encoding="utf-8")
    assert "  - ../daemonset #" in text
    (overlay / "kustomization.yaml").write_text(text.replace("../daemonset", "../deployment"))
    objects = list(yaml.safe_load_all(render(overlay)))
    (deployment,) = [one for one in objects if one["kind"] == "Deployment"]
    assert deployment["spec"]["template"]["spec"]["securityContext"]["runAsUser"] == 1100
    (daemonset,) = [one for one in rendered("example") if one["kind"] == "DaemonSet"]
    assert daemonset["spec"]["template"]["spec"]["securityContext"]["runAsUser"] == 1100
    volumes = daemonset["spec"]["template"]["spec"]["volumes"]
    assert {
        "name": "recordings",
        "hostPath": {"path": "/srv/cameras", "type": "Directory"},
    } in volumes
