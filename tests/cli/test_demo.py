"""``sightline demo``, as short as it gets."""

from pathlib import Path

import pytest

from command_line import run


def test_it_draws_builds_predicts_and_ends_with_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch", reason="nothing can be built without the extra train")
    monkeypatch.setattr("sightline.train.planning._TIMED_SECONDS", 0.05)
    monkeypatch.chdir(tmp_path)
    done = run("demo", "here", "--pictures", 80, "--minutes", 0.01)
    assert done.status == 0, done.err
    assert done.out.startswith("release: board-defects@1\n")
    report = done.out.splitlines()[-1].removeprefix("report: ")
    assert "COCO AP" in Path(report).read_text()
    assert len(list(Path("here/answers/board-defects@1").glob("*.jpg"))) == 12
