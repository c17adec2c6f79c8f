"""`deploy/kubernetes/` as kustomize renders it, and what the tests ask of it."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

HOUSE = Path(__file__).parents[2]
FOLDER = HOUSE / "deploy" / "kubernetes"
VARIANTS = ("daemonset", "deployment")
WORKLOADS = {"daemonset": "DaemonSet", "deployment": "Deployment", "example": "DaemonSet"}

Object = Mapping[str, Any]


@cache
def rendered(variant: str) -> Sequence[Object]:
    """Every object of a variant, by a kustomize that knows components (4 or newer)."""
    return tuple(yaml.safe_load_all(render(FOLDER / variant)))


def render(folder: Path) -> str:
    """Skips where there is no kustomize, or one from before components."""
    if shutil.which("kustomize"):
        command = ["kustomize", "build", str(folder)]
    elif shutil.which("kubectl"):
        command = ["kubectl", "kustomize", str(folder)]
    else:
        pytest.skip("neither kustomize nor kubectl is installed")
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode and "Component" in made.stderr:
        pytest.skip(f"{command[0]} is older than kustomize 4: {made.stderr.strip()}")
    assert made.returncode == 0, made.stderr
    assert not made.stderr, made.stderr  # what is deprecated is told there
    return made.stdout


def only(variant: str, kind: str, name: str | None = None) -> Object:
    """The one object of this kind, and name where there are several."""
    found = [
        one
        for one in rendered(variant)
        if one["kind"] == kind and name in (None, one["metadata"]["name"])
    ]
    assert len(found) == 1, f"{len(found)} objects {kind} {name or ''} in {variant}"
    return found[0]


def workload(variant: str) -> Object:
    return only(variant, WORKLOADS[variant], "cefmp4")


def pod(variant: str) -> Object:
    """The pod of the daemon."""
    template: Object = workload(variant)["spec"]["template"]["spec"]
    return template


def container(variant: str) -> Object:
    (one,) = pod(variant)["containers"]
    found: Object = one
    return found


def environment(variant: str) -> dict[str, str]:
    """What the daemon would find, but for its secrets and what only a node knows."""
    maps = [one["configMapRef"]["name"] for one in container(variant)["envFrom"][:1]]
    found = dict(only(variant, "ConfigMap", maps[0])["data"])
    return found | {
        one["name"]: one.get("value", "node-1") for one in container(variant)["env"]
    }


def selects(selector: Object, labels: Object) -> bool:
    """matchLabels, and there is nothing else here."""
    assert set(selector) <= {"matchLabels"}
    return set(selector.get("matchLabels", {}).items()) <= set(labels.items())


def labels_of(variant: str) -> Object:
    """Of the daemon's pods."""
    found: Object = workload(variant)["spec"]["template"]["metadata"]["labels"]
    return found


def manifests() -> list[Path]:
    """Every file under deploy/kubernetes that is applied, or goes into what is."""
    return sorted(
        Path(folder, name)
        for folder, _, names in os.walk(FOLDER)
        for name in names
        if name.endswith((".yaml", ".env", ".conf"))
    )
