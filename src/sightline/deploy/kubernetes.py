"""Manifests for Kubernetes: Deployment, Service, claim, and with a shared catalogue autoscaler and budget."""

from collections.abc import Mapping
from typing import Any

import yaml

from sightline.errors import InputError
from sightline.values.deployment import GRACE_SECONDS, WORKSPACE, Deployment

NEXT = "kubectl apply -f ."
UNTESTED = (
    "manifests were checked against the schemas of Kubernetes 1.30 to 1.37; no cluster was there to run them"
)

_BUSY_PERCENT = 70
"""Of the processors that were asked for; above it another server is started."""
_CATALOGUE = "SIGHTLINE_CATALOGUE"


def files(deployment: Deployment) -> Mapping[str, str]:
    """One file an object; the image is that of ``sightline deploy docker``."""
    least, most = deployment.replicas
    if most > 1 and not deployment.shared:
        raise InputError(
            "several servers need a catalogue that they can share: set catalogue in sightline.toml to a "
            "postgresql:// address; with SQLite say --replicas 1 --most-replicas 1"
        )
    made = {
        "claim": _claim(deployment),
        "deployment": _deployment(deployment),
        "service": _service(deployment),
    }
    if most > 1:
        made["autoscaler"] = _autoscaler(deployment, least, most)
        made["disruption-budget"] = _budget(deployment)
    return {
        f"{name}.yaml": yaml.safe_dump(each, sort_keys=False, allow_unicode=True)
        for name, each in made.items()
    }


Object = dict[str, Any]
"""A manifest: only what YAML can say."""


def _object(deployment: Deployment, version: str, kind: str, spec: Object, suffix: str = "") -> Object:
    labels = {**_selector(deployment), "app.kubernetes.io/version": deployment.version}
    metadata = {"name": deployment.name + suffix, "labels": labels}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}


def _selector(deployment: Deployment) -> Object:
    return {"app.kubernetes.io/name": "sightline", "app.kubernetes.io/instance": deployment.name}


def _deployment(deployment: Deployment) -> Object:
    several = deployment.replicas[1] > 1
    # A new server is ready before an old one goes; but a SQLite file has one server at a time.
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
    template = {
        "metadata": {"labels": _selector(deployment)},
        "spec": {
            "automountServiceAccountToken": False,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": deployment.user,
                "runAsGroup": deployment.group,
                "fsGroup": deployment.group,
                "fsGroupChangePolicy": "OnRootMismatch",
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "terminationGracePeriodSeconds": GRACE_SECONDS,
            "topologySpreadConstraints": [
                {
                    "maxSkew": 1,
                    "topologyKey": "kubernetes.io/hostname",
                    "whenUnsatisfiable": "ScheduleAnyway",
                    "labelSelector": {"matchLabels": _selector(deployment)},
                }
            ],
            "containers": [_container(deployment)],
            "volumes": [
                {
                    "name": "workspace",
                    "persistentVolumeClaim": {"claimName": f"{deployment.name}-workspace"},
                },
                {"name": "tmp", "emptyDir": {"sizeLimit": "256Mi"}},
            ],
        },
    }
    spec: Object = {
        "selector": {"matchLabels": _selector(deployment)},
        "strategy": rolling if several else {"type": "Recreate"},
        "template": template,
    }
    if not several:
        # Where there is an autoscaler the number is its own, and applying this again must not reset it.
        spec = {"replicas": 1, **spec}
    return _object(deployment, "apps/v1", "Deployment", spec)


def _container(deployment: Deployment) -> Object:
    asked = {"cpu": str(deployment.processors), "memory": f"{deployment.memory_mb}M"}
    environment: list[Object] = [
        {"name": name, "value": value} for name, value in deployment.environment.items()
    ]
    if deployment.shared:
        secret = {"name": f"{deployment.name}-catalogue", "key": "address"}
        environment.append({"name": _CATALOGUE, "valueFrom": {"secretKeyRef": secret}})
    return {
        "name": "server",
        "image": deployment.image,
        "args": list(deployment.serve),
        "env": environment,
        "ports": [{"name": "http", "containerPort": deployment.port}],
        "resources": {"requests": asked, "limits": asked},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "startupProbe": _probe("ready", periodSeconds=2, failureThreshold=90),
        "readinessProbe": _probe("ready", periodSeconds=5, failureThreshold=2),
        "livenessProbe": _probe("live", periodSeconds=10, failureThreshold=6),
        # Until every node has heard that it goes, requests still come.
        "lifecycle": {"preStop": {"exec": {"command": ["sleep", "5"]}}},
        "volumeMounts": [
            {"name": "workspace", "mountPath": WORKSPACE},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - inside the container
        ],
    }


def _probe(which: str, **counts: int) -> Object:
    return {"httpGet": {"path": f"/v2/health/{which}", "port": "http"}, "timeoutSeconds": 3, **counts}


def _service(deployment: Deployment) -> Object:
    ports = [{"name": "http", "port": deployment.port, "targetPort": "http"}]
    return _object(deployment, "v1", "Service", {"selector": _selector(deployment), "ports": ports})


def _claim(deployment: Deployment) -> Object:
    mode = "ReadWriteMany" if deployment.replicas[1] > 1 else "ReadWriteOnce"
    spec = {"accessModes": [mode], "resources": {"requests": {"storage": "20Gi"}}}
    return _object(deployment, "v1", "PersistentVolumeClaim", spec, "-workspace")


def _autoscaler(deployment: Deployment, least: int, most: int) -> Object:
    busy = {"type": "Utilization", "averageUtilization": _BUSY_PERCENT}
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": deployment.name},
        "minReplicas": least,
        "maxReplicas": most,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": busy}}],
        "behavior": {"scaleDown": {"stabilizationWindowSeconds": 300}},
    }
    return _object(deployment, "autoscaling/v2", "HorizontalPodAutoscaler", spec)


def _budget(deployment: Deployment) -> Object:
    spec = {"maxUnavailable": 1, "selector": {"matchLabels": _selector(deployment)}}
    return _object(deployment, "policy/v1", "PodDisruptionBudget", spec)
