"""``sightline init``."""

from pathlib import Path

import pytest

from command_line import run


def test_a_workspace_is_made_once_and_opened_after(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    first = run("init", "here")
    assert first.status == 0
    assert first.out.startswith(f"workspace: {tmp_path / 'here'}\nsigning key: ")
    settings = (tmp_path / "here" / "sightline.toml").read_bytes()
    assert run("init", "here") == first
    assert (tmp_path / "here" / "sightline.toml").read_bytes() == settings


@pytest.mark.parametrize("command", ["init", "build"])
def test_a_folder_that_cannot_be_made_is_refused(command: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    done = run("init", tmp_path / "file" / "below")
    assert "Not a directory" in done.refusal
    assert [each.name for each in tmp_path.iterdir()] == ["file"]
