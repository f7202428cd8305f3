"""The log as its readers see it: order, truths, what was forgotten while somebody wrote."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kept_answers import captured, keep
from sightline.errors import NotKept, StorageError
from sightline.monitor import segment
from sightline.monitor.capture import Capture, now
from sightline.monitor.prediction_log import PredictionLog
from sightline.monitor.segment import Damage
from sightline.monitor.trimming import Bounds
from sightline.monitor.writer import Then, Writer
from sightline.values.captured import Captured, Truth
from sightline.values.prediction import ScoredLabel

FORGETTING = Path(__file__).with_name("forgetting_answers.py")


def began_at(capture: Capture, at: datetime) -> Capture:
    """As if it had been begun then, of which its files' names tell."""
    capture._answers.name = f"{int(at.timestamp()) - 1:08x}{capture._answers.name[8:]}"
    return capture


def three_writers(folder: Path) -> list[tuple[datetime, str]]:
    """Answers of three writers that take turns, some handed over in another order than they were given."""
    dice = random.Random(3)  # noqa: S311
    begin = now() - timedelta(seconds=1_000)
    captures = [began_at(Capture(folder, Bounds(total=512 * 1024)), begin) for _ in range(3)]
    given = []
    for number in range(40):
        capture = captures[dice.randrange(3)]
        some = [captured(capture.new_id(), picture=bytes(5_000)) for _ in range(2)]
        some = [replace(each, at=begin + timedelta(seconds=10 * number - dice.random() / 2)) for each in some]
        keep(capture, *some)
        given += [(each.at, each.id) for each in some]
    for capture in captures:
        capture.close()
    paths = list(folder.glob("*.answers"))
    assert len(paths) > 3
    for path in paths:  # as if it had been written when they were given
        names = {each.id for each in alone(path)}
        last = max(at.timestamp() for at, name in given if name in names)
        os.utime(path, (last, last))
    return sorted(given)


def alone(path: Path) -> list[Captured]:
    """The answers in one file."""
    folder = path.with_suffix(".alone")
    folder.mkdir()
    (folder / path.name).write_bytes(path.read_bytes())
    return list(PredictionLog(folder).answers())


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_answers_come_in_the_order_of_time_from_since_to_before_until(tmp_path: Path) -> None:
    given = three_writers(tmp_path)
    log = PredictionLog(tmp_path)
    assert [(each.at, each.id) for each in log.answers()] == given
    since, until = given[17][0], given[60][0]
    assert [each.id for each in log.answers(since, until)] == [name for _, name in given[17:60]]
    assert list(log.answers(until=given[0][0])) == []
    assert list(log.answers(since=given[-1][0] + timedelta(seconds=1))) == []
    far = datetime(9000, 1, 1, tzinfo=UTC)
    assert list(log.answers(since=far)) == []


@pytest.mark.skipif(sys.platform != "linux", reason="counts in /proc")
def test_no_more_files_are_open_than_writers_overlap(tmp_path: Path) -> None:
    for number in range(30):
        at = datetime.fromtimestamp(0x60000000 + 100 * number, UTC)
        capture = began_at(Capture(tmp_path), at)
        keep(capture, replace(captured(capture.new_id()), at=at + timedelta(seconds=5)))
        capture.close()
    before = open_files()
    most = max(open_files() - before for _ in PredictionLog(tmp_path).answers())
    assert most <= 2


def test_the_truth_that_was_told_last_holds_whichever_server_was_told(tmp_path: Path) -> None:
    captures = [Capture(tmp_path) for _ in range(6)]
    name, other = captures[0].new_id(), captures[0].new_id()
    keep(captures[0], captured(name), captured(other))
    for order in (captures, list(reversed(captures))):
        for number, capture in enumerate(order):
            capture.tell(Truth(name, now(), "me", (f"label {number}",)))
        log = PredictionLog(tmp_path)
        assert [truth and truth.labels for _, truth in log.answers_with_truths()] == [("label 5",), None]
    assert len(log.truths()) == 12
    for capture in captures:
        capture.close()


def test_a_truth_told_while_its_answer_is_forgotten_does_not_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    capture = Capture(tmp_path)
    name = capture.new_id()
    keep(capture, captured(name))
    append = Writer.append

    def late(self: Writer, records: Sequence[tuple[int, int, bytes]], then: Then) -> None:
        capture.log.forget(name)
        append(self, records, then)

    monkeypatch.setattr(Writer, "append", late)
    with pytest.raises(NotKept, match="was forgotten"):
        capture.tell(Truth(name, now(), "witness", ("green",)))
    capture.close()
    assert not any(b"witness" in path.read_bytes() for path in tmp_path.iterdir())


@given(st.text(st.characters(), max_size=20), st.sampled_from(["", "\ud800", "a\udfffb"]))
def test_whatever_a_client_calls_its_picture_the_answer_is_kept(
    tmp_path_factory: pytest.TempPathFactory, source: str, half: str
) -> None:
    folder = tmp_path_factory.mktemp("log")
    capture = Capture(folder)
    name = capture.new_id()
    keep(capture, captured(name, source + half))
    capture.close()
    assert PredictionLog(folder).find(name).id == name


def test_an_answer_that_is_no_answer_is_refused_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segment, "MOST_BODY", 50_000)
    capture = Capture(tmp_path)
    strange = captured(capture.new_id())
    labels = (ScoredLabel("red", float("nan"), True),)
    with pytest.raises(StorageError, match="cannot keep an answer"):
        keep(capture, replace(strange, prediction=replace(strange.prediction, labels=labels)))
    with pytest.raises(StorageError, match="more than 50000"):
        keep(capture, captured(capture.new_id(), picture=bytes(60_000)))
    keep(capture, captured(capture.new_id()))
    capture.close()


def test_zeros_that_a_power_cut_left_at_the_end_are_no_damage_but_a_hole_is(tmp_path: Path) -> None:
    capture = Capture(tmp_path)
    names = [capture.new_id() for _ in range(2)]
    keep(capture, captured(names[0]))
    (path,) = tmp_path.glob("*.answers")
    first = path.stat().st_size
    keep(capture, captured(names[1]))
    capture.close()
    whole = path.read_bytes()
    damaged: list[Damage] = []
    path.write_bytes(whole + bytes(5_000))
    assert len(list(PredictionLog(tmp_path).answers(damaged=damaged))) == 2
    assert damaged == []
    path.write_bytes(whole[:first] + bytes(100) + whole[first + 100 :])
    assert len(list(PredictionLog(tmp_path).answers(damaged=damaged))) == 1
    assert [(each.file, each.offset) for each in damaged] == [(path.name, first)]


def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    (tmp_path / f"{'0' * 16}-{'0' * 12}.answers").mkdir()
    with pytest.raises(StorageError, match="cannot read"):
        list(PredictionLog(tmp_path).answers())


def test_killed_while_forgetting_each_is_there_whole_or_forgotten(tmp_path: Path) -> None:
    """Another process forgets answers with large pictures, while this one goes on writing beside them."""
    dice = random.Random(7)  # noqa: S311
    capture = Capture(tmp_path)
    names = [capture.new_id() for _ in range(60)]
    for name in names:
        keep(capture, captured(name, f"secret-{name}", bytes([1]) * 300_000))
    log, left, said = PredictionLog(tmp_path), list(names), set()
    for _ in range(8):
        command = [sys.executable, str(FORGETTING), str(tmp_path), *left]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            lines = [process.stdout.readline()]
            keep(capture, captured(capture.new_id()))
            time.sleep(dice.random() / 50)
            process.send_signal(signal.SIGKILL)
            lines += process.stdout.readlines()
        said |= {line.decode().strip() for line in lines if line.endswith(b"\n")}
        damaged: list[Damage] = []
        there = {each.id for each in log.answers(damaged=damaged)}
        assert damaged == []
        assert not said & there
        left = [name for name in names if name in there]
    assert len(said) >= 8
    capture.close()
    for name in names:
        log.forget(name)  # also what was begun
    assert not any(b"secret" in path.read_bytes() for path in tmp_path.iterdir())
    assert len(list(log.answers())) == 8
