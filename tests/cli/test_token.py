"""``sightline token``."""

from pathlib import Path

import pytest

from command_line import run
from sightline.workspace import Workspace


def test_a_token_is_printed_once_listed_and_revoked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Workspace.init(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert "no tokens yet" in run("token", "list").err
    made = run("token", "make", "camera", "--days", 30)
    text = made.out.strip()
    assert text.startswith("sightline_")
    assert "camera: predictor, until 20" in made.err
    listed = run("token", "list").out
    assert "camera" in listed
    assert "valid" in listed
    assert text[20:40] not in listed
    assert "there is a token 'camera'" in run("token", "make", "camera").refusal
    assert "opens nothing any more" in run("token", "revoke", "camera").out
    assert "revoked" in run("token", "list").out
    assert "no token 'camera'" in run("token", "revoke", "camera").refusal


def test_a_role_that_is_not_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Workspace.init(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert run("token", "make", "camera", "--role", "god").status == 2
