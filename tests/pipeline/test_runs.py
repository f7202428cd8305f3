"""Folders of runs."""

from pathlib import Path

import pytest

from sightline.errors import InputError
from sightline.pipeline.runs import start_run, unfinished_run
from sightline.storage.layout import init_workspace


def test_runs_of_one_second_have_folders_of_their_own(tmp_path: Path) -> None:
    layout = init_workspace(tmp_path)
    made = [start_run(layout, "parts", "f" * 64) for _ in range(3)]
    assert len({run.folder for run in made}) == 3


def test_the_latest_unfinished_run_on_the_same_pictures_goes_on(tmp_path: Path) -> None:
    layout = init_workspace(tmp_path)
    with pytest.raises(InputError, match="no unfinished run of 'parts'"):
        unfinished_run(layout, "parts", "f" * 64)
    first = start_run(layout, "parts", "f" * 64).at("planned")
    start_run(layout, "parts", "f" * 64)
    start_run(layout, "other", "f" * 64).at("planned")
    start_run(layout, "parts", "e" * 64).at("planned")
    assert unfinished_run(layout, "parts", "f" * 64) == first
    first.at("released", "parts@1")
    with pytest.raises(InputError, match="leave --resume out"):
        unfinished_run(layout, "parts", "f" * 64)


def test_a_damaged_record_of_another_run_does_not_stop_this_one(tmp_path: Path) -> None:
    layout = init_workspace(tmp_path)
    run = start_run(layout, "parts", "f" * 64).at("planned")
    damaged = start_run(layout, "parts", "f" * 64).at("planned")
    (damaged.folder / "run.json").write_text('{"name": 1')
    assert unfinished_run(layout, "parts", "f" * 64) == run


def test_a_run_belongs_to_one_process_at_a_time(tmp_path: Path) -> None:
    run = start_run(init_workspace(tmp_path), "parts", "f" * 64)
    with run.alone(), pytest.raises(InputError, match=f"{run.folder.name} is still going"), run.alone():
        pass
    with run.alone():
        pass


def test_what_another_process_has_done_meanwhile_is_seen(tmp_path: Path) -> None:
    run = start_run(init_workspace(tmp_path), "parts", "f" * 64).at("planned")
    run.at("trained", "parts@1")
    with run.alone() as now:
        assert (now.state.stage, now.state.release) == ("trained", "parts@1")
    run.at("released")
    with pytest.raises(InputError, match="released by another process"), run.alone():
        pass
