"""An image without torch, and a compose file that runs it on one machine."""

from collections.abc import Mapping

import yaml

from sightline.errors import InputError
from sightline.values.deployment import GRACE_SECONDS, WORKSPACE, Deployment

NEXT = "docker compose up --build --detach"
UNTESTED = (
    "such an image was built and run by buildah; the compose file only checked against its specification"
)

_DOCKERFILE = """\
# sightline {version} as a server: no torch, no compiler, no root.
ARG BASE=python:3.12-slim

FROM ${{BASE}} AS made
ARG SIGHTLINE="sightline[{extras}]=={version}"
# Wheels in wheels/ come before the package index's. Where all are there, say PIP_OPTIONS=--no-index.
ARG PIP_OPTIONS=""
COPY wheels/ /wheels/
RUN python3 -m venv /opt/sightline
RUN /opt/sightline/bin/python -m pip install \\
    --no-cache-dir --find-links /wheels ${{PIP_OPTIONS}} "${{SIGHTLINE}}" \\
    && /opt/sightline/bin/python -m pip uninstall --yes --quiet setuptools pip

FROM ${{BASE}}
COPY --from=made /opt/sightline /opt/sightline
# All that is written outside the workspace can be found out again, and lies in /tmp.
ENV PATH=/opt/sightline/bin:$PATH HOME=/tmp PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR {workspace}
USER {user}:{group}
EXPOSE {port}
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \\
    CMD ["python3", "-c", "from urllib.request import urlopen; \\
urlopen('http://127.0.0.1:{port}/v2/health/ready', timeout=2)"]
ENTRYPOINT ["sightline"]
CMD [{command}]
"""

_WHEELS = """\
Put wheels here that the image is to be made of, instead of the package index's:

    pip wheel --wheel-dir wheels 'sightline[{extras}]=={version}'
    docker compose build --build-arg PIP_OPTIONS=--no-index
"""


def files(deployment: Deployment) -> Mapping[str, str]:
    """``Dockerfile``, ``compose.yaml`` and what keeps other files out of the image."""
    if deployment.replicas != (1, 1):
        raise InputError("docker runs one server; for several: sightline deploy kubernetes")
    extras = image_extras(deployment)
    service = {
        "build": {"context": "."},
        "image": deployment.image,
        "command": list(deployment.serve),
        "user": f"{deployment.user}:{deployment.group}",
        "ports": [f"{deployment.port}:{deployment.port}"],
        "volumes": [{"type": "bind", "source": deployment.workspace, "target": WORKSPACE}],
        "environment": deployment.environment,
        "read_only": True,
        "tmpfs": ["/tmp:size=256m,mode=1777"],  # noqa: S108 - inside the container
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "cpus": float(deployment.processors),
        "mem_limit": f"{deployment.memory_mb * 10**6}b",
        "pids_limit": 256,
        "init": True,
        "restart": "unless-stopped",
        "stop_grace_period": f"{GRACE_SECONDS}s",
    }
    if deployment.shared:
        # Only named: compose hands it on from where it is started, so that no password is in a file.
        service["environment"] = [
            *(f"{name}={value}" for name, value in deployment.environment.items()),
            "SIGHTLINE_CATALOGUE",
        ]
    compose = {"name": deployment.name, "services": {"server": service}}
    return {
        "Dockerfile": _DOCKERFILE.format(
            version=deployment.version,
            extras=extras,
            workspace=WORKSPACE,
            user=deployment.user,
            group=deployment.group,
            port=deployment.port,
            command=", ".join(f'"{each}"' for each in deployment.serve),
        ),
        "compose.yaml": yaml.safe_dump(compose, sort_keys=False, allow_unicode=True),
        ".dockerignore": "*\n!wheels\n",
        "wheels/README.txt": _WHEELS.format(extras=extras, version=deployment.version),
    }


def image_extras(deployment: Deployment) -> str:
    """The extras that a server needs."""
    return "serve,postgres" if deployment.shared else "serve"
