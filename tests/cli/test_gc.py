"""``sightline gc``."""

from pathlib import Path

import pytest

from command_line import run
from sightline.pipeline.runs import start_run
from sightline.storage.layout import init_workspace


def test_it_frees_what_nothing_refers_to_and_leaves_the_release(shop: Path) -> None:
    assert run("gc", "--hours", 0).out == "freed 0 of 0.0 MB\n"
    lost = shop / "models" / "lost-1.sight"
    lost.write_bytes(b"x" * 2_000_000)
    start_run(init_workspace(shop), "lost", "f" * 64).at("trained", "lost@1")
    assert run("gc").out == "freed 0 of 0.0 MB\n"
    told = "2.0 MB  models/lost-1.sight  (of a build that died before it was registered)\n"
    assert run("gc", "--hours", 0, "--dry-run").out.endswith(f"{told}would free 1 of 2.0 MB\n")
    assert lost.exists()
    assert run("gc", "--hours", 0).out.endswith(f"{told}freed 1 of 2.0 MB\n")
    assert not lost.exists()
    assert run("registry", "list").out.startswith("parts@1")


def test_there_must_be_a_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "lies in no workspace" in run("gc").refusal
