"""The "restricted" Pod Security Standard of Kubernetes, as far as it bears on such pods.

https://kubernetes.io/docs/concepts/security/pod-security-standards/, of v1.37. What it says
of Windows, of AppArmor, SELinux, sysctls and probes to other hosts is asked as: not said.
"""

from collections.abc import Iterator, Mapping
from typing import Any

VOLUMES = {
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim",
    "projected", "secret",
}  # fmt: skip
UNSAID = (
    "hostNetwork", "hostPID", "hostIPC", "initContainers", "ephemeralContainers", "hostUsers",
)  # fmt: skip
UNSAID_SECURITY = (
    "seLinuxOptions", "sysctls", "windowsOptions", "appArmorProfile", "privileged", "procMount",
)  # fmt: skip


def violations(pod: Mapping[str, Any]) -> Iterator[str]:
    """One line for each thing that "restricted" does not let in."""
    yield from (f"it sets {name}" for name in UNSAID if name in pod)
    of_pod = pod.get("securityContext", {})
    yield from _unsaid("the pod", of_pod)
    for volume in pod.get("volumes", ()):
        kinds = set(volume) - {"name"}
        yield from (f"volume {volume['name']} is a {kind}" for kind in kinds - VOLUMES)
    for container in pod["containers"]:
        own = container.get("securityContext", {})
        yield from _unsaid(container["name"], own)
        yield from _of_container(container["name"], {**of_pod, **own})
        for port in container.get("ports", ()):
            if "hostPort" in port:
                yield f"{container['name']} takes a port of the host"
        for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
            if "host" in container.get(probe, {}).get("httpGet", {}):
                yield f"{container['name']}: {probe} goes to another host"


def _unsaid(who: str, security: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"{who} sets {name}" for name in UNSAID_SECURITY if name in security)


def _of_container(name: str, security: Mapping[str, Any]) -> Iterator[str]:
    if security.get("allowPrivilegeEscalation") is not False:
        yield f"{name} may gain privileges"
    if security.get("runAsNonRoot") is not True or security.get("runAsUser") == 0:
        yield f"{name} may be root"
    if security.get("seccompProfile", {}).get("type") not in ("RuntimeDefault", "Localhost"):
        yield f"{name} may make any system call"
    capabilities = security.get("capabilities", {})
    if "ALL" not in capabilities.get("drop", ()):
        yield f"{name} keeps capabilities"
    if set(capabilities.get("add", ())) - {"NET_BIND_SERVICE"}:
        yield f"{name} gets capabilities"
