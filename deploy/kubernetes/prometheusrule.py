"""Writes components/monitoring/prometheusrule.yaml from deploy/observability/alerts.yml.

The operator wants the same groups inside an object of its own; kustomize reads no file from
outside its folder, so they stand there once more. A test holds the two together.
"""

from pathlib import Path
from textwrap import indent

HERE = Path(__file__).parent
ALERTS = HERE.parent / "observability" / "alerts.yml"
RULE = HERE / "components" / "monitoring" / "prometheusrule.yaml"
HEAD = """\
# Made by `make manifests` from deploy/observability/alerts.yml; change it there.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: cefmp4
  namespace: cefmp4
  labels:
    app.kubernetes.io/name: cefmp4
spec:
"""

if __name__ == "__main__":
    _, groups = ALERTS.read_text(encoding="utf-8").split("\ngroups:\n", 1)
    RULE.write_text(f"{HEAD}  groups:\n{indent(groups, '  ')}", encoding="utf-8")
