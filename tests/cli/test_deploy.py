"""``sightline deploy``."""

import os
from pathlib import Path

import pytest
import yaml

from command_line import run
from sightline.pipeline import deploying
from sightline.workspace import Workspace


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "shop"
    Workspace.init(folder)
    monkeypatch.chdir(folder)
    return folder


def test_files_are_written_and_what_comes_next_is_said(shop: Path) -> None:
    done = run("deploy", "docker", "boards/int8", "--processors", 4, "--name", "boards")
    assert done.status == 0
    assert [Path(line).name for line in done.out.splitlines()] == [
        "Dockerfile",
        "compose.yaml",
        ".dockerignore",
        "README.txt",
    ]
    assert "next, in " in done.err
    assert "only checked against its specification" in done.err
    compose = yaml.safe_load((shop / "deploy" / "docker" / "compose.yaml").read_text())
    service = compose["services"]["server"]
    assert (shop / "deploy" / "docker" / service["volumes"][0]["source"]).resolve() == shop
    assert service["environment"] == {"SIGHTLINE_THREADS": "4"}


def test_a_server_runs_as_whom_the_workspace_belongs_to_and_never_as_root(shop: Path) -> None:
    facts = shop.stat()
    user, group = (facts.st_uid, facts.st_gid) if facts.st_uid else (deploying.NOBODY, deploying.NOBODY)
    done = run("deploy", "docker")
    assert f"\nUSER {user}:{group}\n" in (shop / "deploy" / "docker" / "Dockerfile").read_text()
    assert ("chown -R" in done.err) == (facts.st_uid == 0)
    if facts.st_uid == 0:
        os.chown(shop, 1234, 1234)
        run("deploy", "docker", "--force")
        assert "\nUSER 1234:1234\n" in (shop / "deploy" / "docker" / "Dockerfile").read_text()


def test_what_somebody_changed_is_not_written_over(shop: Path) -> None:
    run("deploy", "kubernetes", "--out", "manifests")
    assert run("deploy", "kubernetes", "--out", "manifests").status == 0
    changed = shop / "manifests" / "service.yaml"
    changed.write_text("mine")
    assert "differs; --force writes over it" in run("deploy", "kubernetes", "--out", "manifests").refusal
    assert changed.read_text() == "mine"
    assert run("deploy", "kubernetes", "--out", "manifests", "--force").status == 0
    assert changed.read_text() != "mine"


def test_several_servers_want_postgresql(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("deploy", "kubernetes", "--replicas", 2, "--most-replicas", 5)
    assert "catalogue that they can share" in run(*words).refusal
    monkeypatch.setenv("SIGHTLINE_CATALOGUE", "postgresql://me@host/catalogue")
    assert run(*words).status == 0
    made = sorted(path.stem for path in (shop / "deploy" / "kubernetes").iterdir())
    assert made == ["autoscaler", "claim", "deployment", "disruption-budget", "service"]


@pytest.mark.parametrize(
    ("words", "refusal"),
    [
        (("heroku",), "no deploy plugin named 'heroku'"),
        (("docker", "--name", "My Boards"), "DNS label"),
        (("docker", "--image", "boards:7; rm"), "not an image's name"),
        (("kubernetes", "--replicas", 3, "--most-replicas", 2), "contradict each other"),
        (("docker", "--replicas", 2), "docker runs one server"),
    ],
)
def test_what_cannot_run_is_refused(shop: Path, words: tuple[object, ...], refusal: str) -> None:
    assert refusal in run("deploy", *words).refusal
    assert not (shop / "deploy").exists()
