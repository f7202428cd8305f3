"""Every target's files: what its own schema says, and what an operator asks for first."""

from dataclasses import replace
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sightline.deploy import TARGETS
from sightline.errors import InputError
from sightline.values.deployment import Deployment

ONE = Deployment(
    name="boards",
    image="example.org/vision/boards:7",
    version="0.1.0",
    releases=("boards/int8",),
    workspace="../..",
    user=1000,
    group=1000,
    processors=2,
    memory_mb=2000,
    port=8080,
    replicas=(1, 1),
    shared=False,
)
SEVERAL = replace(ONE, replicas=(2, 6), shared=True)
VERSIONS = ("1.30.0", "1.33.0", "1.37.0")


def written(target: str, deployment: Deployment) -> dict[str, Any]:
    """The YAML files as values, others as texts."""
    files = TARGETS.load(target).files(deployment)
    return {name: yaml.safe_load(text) if name.endswith(".yaml") else text for name, text in files.items()}


@pytest.mark.parametrize("target", TARGETS.names())
def test_the_same_deployment_gives_the_same_files_below_the_folder(target: str) -> None:
    first = TARGETS.load(target).files(ONE)
    assert first == TARGETS.load(target).files(ONE)
    assert first
    for name, text in first.items():
        assert not name.startswith("/")
        assert ".." not in name
        assert text.endswith("\n")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("deployment", [ONE, SEVERAL], ids=["one", "several"])
def test_manifests_are_what_kubernetes_takes(version: str, deployment: Deployment) -> None:
    validate = pytest.importorskip("kubernetes_validate", reason="kubernetes-validate is not installed")
    for manifest in written("kubernetes", deployment).values():
        validate.validate(manifest, version, strict=True)


def test_the_schema_can_refuse() -> None:
    validate = pytest.importorskip("kubernetes_validate", reason="kubernetes-validate is not installed")
    wrong = written("kubernetes", ONE)["deployment.yaml"]
    wrong["spec"]["template"]["spec"]["containers"][0]["port"] = 80
    with pytest.raises(validate.ValidationError):
        validate.validate(wrong, VERSIONS[0], strict=True)


def test_kubernetes_has_one_server_where_the_catalogue_is_a_file() -> None:
    made = written("kubernetes", ONE)
    assert sorted(made) == ["claim.yaml", "deployment.yaml", "service.yaml"]
    assert made["deployment.yaml"]["spec"]["replicas"] == 1
    assert made["deployment.yaml"]["spec"]["strategy"] == {"type": "Recreate"}
    assert made["claim.yaml"]["spec"]["accessModes"] == ["ReadWriteOnce"]
    with pytest.raises(InputError, match="several servers need a catalogue that they can share"):
        written("kubernetes", replace(ONE, replicas=(1, 2)))


def test_several_servers_are_scaled_and_never_all_gone() -> None:
    made = written("kubernetes", SEVERAL)
    spec = made["deployment.yaml"]["spec"]
    assert "replicas" not in spec
    assert spec["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    scaler = made["autoscaler.yaml"]["spec"]
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (2, 6)
    assert scaler["scaleTargetRef"]["name"] == made["deployment.yaml"]["metadata"]["name"]
    assert made["disruption-budget.yaml"]["spec"]["maxUnavailable"] == 1
    labels = spec["template"]["metadata"]["labels"]
    for selector in (
        spec["selector"]["matchLabels"],
        made["service.yaml"]["spec"]["selector"],
        made["disruption-budget.yaml"]["spec"]["selector"]["matchLabels"],
    ):
        assert selector.items() <= labels.items()


def test_a_pod_is_what_the_restricted_standard_asks_for() -> None:
    """https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted, and more."""
    pod = written("kubernetes", SEVERAL)["deployment.yaml"]["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == 1000
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    (container,) = pod["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["automountServiceAccountToken"] is False
    assert {volume["name"] for volume in pod["volumes"]} == {
        mount["name"] for mount in container["volumeMounts"]
    }


def test_a_password_is_in_no_file() -> None:
    (container,) = written("kubernetes", SEVERAL)["deployment.yaml"]["spec"]["template"]["spec"]["containers"]
    (address,) = [each for each in container["env"] if each["name"] == "SIGHTLINE_CATALOGUE"]
    assert address["valueFrom"] == {"secretKeyRef": {"name": "boards-catalogue", "key": "address"}}
    service = written("docker", replace(ONE, shared=True))["compose.yaml"]["services"]["server"]
    assert "SIGHTLINE_CATALOGUE" in service["environment"]


@pytest.mark.parametrize("shared", [True, False])
def test_a_compose_file_is_what_its_specification_takes(shared: bool) -> None:
    compose_spec = pytest.importorskip("compose_spec", reason="compose-spec is not installed")
    text = TARGETS.load("docker").files(replace(ONE, shared=shared))["compose.yaml"]
    parsed = compose_spec.PyCompose.from_yaml(text)
    parsed.validate()
    assert parsed.service_names() == ["server"]
    with pytest.raises(Exception, match="readonly"):
        compose_spec.PyCompose.from_yaml(text.replace("read_only:", "readonly:"))


def test_a_container_can_write_to_its_workspace_alone() -> None:
    service = written("docker", ONE)["compose.yaml"]["services"]["server"]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"] == "1000:1000"
    assert service["volumes"] == [{"type": "bind", "source": "../..", "target": "/workspace"}]
    assert service["command"] == ["serve", "boards/int8", "--host", "0.0.0.0", "--port", "8080"]  # noqa: S104


def test_an_image_has_no_torch_and_no_root() -> None:
    made = written("docker", ONE)
    instructions = [line.split()[0] for line in made["Dockerfile"].splitlines() if line[:1].isupper()]
    assert instructions.index("USER") > instructions.index("COPY")
    assert instructions[-2:] == ["ENTRYPOINT", "CMD"]
    assert "HEALTHCHECK" in instructions
    assert "\nUSER 1000:1000\n" in made["Dockerfile"]
    assert '"sightline[serve]==0.1.0"' in made["Dockerfile"]
    assert "train" not in made["Dockerfile"]
    assert made[".dockerignore"].splitlines()[0] == "*"
    with pytest.raises(InputError, match="docker runs one server"):
        written("docker", SEVERAL)


@given(
    st.lists(st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=20), max_size=3),
    st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=30),
)
def test_no_name_changes_what_a_file_says(releases: list[str], workspace: str) -> None:
    strange = replace(ONE, releases=tuple(releases), workspace=workspace)
    service = written("docker", strange)["compose.yaml"]["services"]["server"]
    assert service["command"] == list(strange.serve)
    assert service["volumes"][0]["source"] == workspace
    (container,) = written("kubernetes", strange)["deployment.yaml"]["spec"]["template"]["spec"]["containers"]
    assert container["args"] == list(strange.serve)
