"""What goes, what stays, and what a writer makes of its file being looked at meanwhile."""

import fcntl
import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from kept_answers import captured, keep
from sightline.errors import NotKept
from sightline.monitor.capture import Capture
from sightline.monitor.prediction_log import PredictionLog
from sightline.monitor.trimming import Bounds, trim

LONG_AGO = 1e9


def written(folder: Path) -> tuple[Path, str]:
    """A file with one answer that nobody writes to any more, and the answer's id."""
    capture, before = Capture(folder), set(folder.glob("*.answers"))
    name = capture.new_id()
    keep(capture, captured(name, picture=bytes(90_000)))
    capture.close()
    (path,) = set(folder.glob("*.answers")) - before
    return path, name


def test_what_was_not_written_to_for_longest_goes_first_whoever_began_first(tmp_path: Path) -> None:
    paths = sorted(written(tmp_path)[0] for _ in range(3))
    os.utime(paths[1], (LONG_AGO, LONG_AGO))
    trim(tmp_path, "answers", Bounds(total=250_000, age=1e12))
    assert sorted(tmp_path.iterdir()) == [paths[0], paths[2]]


def test_to_forget_one_answer_keeps_no_other_for_longer(tmp_path: Path) -> None:
    path, name = written(tmp_path)
    os.utime(path, (LONG_AGO, LONG_AGO))
    PredictionLog(tmp_path).forget(name)
    assert path.stat().st_mtime == LONG_AGO


def test_what_is_old_goes_also_from_a_writer_that_lives(tmp_path: Path) -> None:
    capture = Capture(tmp_path, Bounds(age=0.4))
    first = capture.new_id()
    keep(capture, captured(first))
    end = time.monotonic() + 60
    while list(tmp_path.glob("*.answers")):  # it is asked to keep nothing more
        assert time.monotonic() < end
        time.sleep(0.02)
    with pytest.raises(NotKept):
        capture.log.find(first)
    second = capture.new_id()
    keep(capture, captured(second))
    capture.close()


def test_a_file_that_cannot_be_deleted_stops_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path, _ = written(tmp_path)
    os.utime(path, (LONG_AGO, LONG_AGO))
    unlink = Path.unlink

    def refuse(self: Path, missing_ok: bool = False) -> None:
        if self == path:
            raise PermissionError(1, "Operation not permitted")
        unlink(self, missing_ok)

    monkeypatch.setattr(Path, "unlink", refuse)
    caplog.set_level(logging.ERROR)
    capture = Capture(tmp_path, Bounds(age=80))
    for _ in range(3):
        name = capture.new_id()
        keep(capture, captured(name))
        assert capture.log.find(name).id == name
    capture.close()
    assert "old answers cannot be deleted" in caplog.text


@pytest.mark.parametrize("deleted", [True, False])
def test_a_file_that_another_looks_at_before_it_is_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deleted: bool
) -> None:
    """The moment between making a file and locking it: another may find it unused, and delete it."""
    flock: Callable[[int, int], None] = fcntl.flock
    looked: list[int] = []

    def late(file: int, operation: int) -> None:
        if not looked and threading.current_thread().name == "log of answers":
            (path,) = tmp_path.glob("*.answers")
            looked.append(os.open(path, os.O_RDONLY))
            flock(looked[0], fcntl.LOCK_EX)
            if deleted:
                path.unlink()
            threading.Timer(0.05, os.close, looked).start()
        flock(file, operation)

    capture = Capture(tmp_path)
    monkeypatch.setattr(fcntl, "flock", late)
    names = [capture.new_id() for _ in range(2)]
    for name in names:
        keep(capture, captured(name))
    capture.close()
    assert looked
    assert [each.id for each in PredictionLog(tmp_path).answers()] == names
