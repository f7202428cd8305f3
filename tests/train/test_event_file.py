"""Event files are what TensorBoard reads."""

import os
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

from sightline.errors import StorageError
from sightline.train.event_file import EventFile


def test_tensorboard_reads_the_curves(tmp_path: Path) -> None:
    with EventFile(tmp_path / "board") as board:
        for step in (1, 2):
            board.add(step, {"loss": 1.5 / step, "top1": 0.5})
    (file,) = (tmp_path / "board").iterdir()
    head, *events = EventFileLoader(str(file)).Load()
    assert head.file_version == "brain.Event:2"
    read = [
        (event.step, value.tag, value.tensor.float_val[0])
        for event in events
        for value in event.summary.value
    ]
    assert read == [(1, "loss", 1.5), (1, "top1", 0.5), (2, "loss", 0.75), (2, "top1", 0.5)]


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="Not a directory"):
        EventFile(tmp_path / "file" / "board")


def test_a_full_disk_is_said(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with EventFile(tmp_path / "board") as board:
        with Path("/dev/full").open("wb") as full:
            os.dup2(full.fileno(), board._file.fileno())
        with pytest.raises(StorageError, match="No space left on device; free some space"):
            board.add(1, {"loss": 1.0})
