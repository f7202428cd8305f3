"""The log of predictions: kept, found, forgotten, whatever happens to its writers and its disk."""

import os
import random
import resource
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kept_answers import SIZE, captured, detected, keep
from sightline.errors import NotKept, StorageError
from sightline.monitor import segment
from sightline.monitor.capture import Capture, Sampling, now
from sightline.monitor.encoding import answer_from_bytes, answer_to_bytes, truth_from_bytes, truth_to_bytes
from sightline.monitor.prediction_log import PredictionLog
from sightline.monitor.segment import Damage, Entry
from sightline.monitor.trimming import Bounds
from sightline.values.boxes import Boxes
from sightline.values.captured import Captured, Truth
from sightline.values.prediction import Prediction, ScoredLabel

WRITING = Path(__file__).with_name("writing_answers.py")


def same(one: Captured, other: Captured) -> bool:
    assert (one.id, one.at, one.sha256, one.picture) == (other.id, other.at, other.sha256, other.picture)
    a, b = one.prediction, other.prediction
    assert (a.source, a.size, a.labels, a.release) == (b.source, b.size, b.labels, b.release)
    assert (a.boxes is None) == (b.boxes is None)
    if a.boxes is not None and b.boxes is not None:
        assert a.boxes.xyxy.tolist() == b.boxes.xyxy.tolist()
    assert (one.embedding is None) == (other.embedding is None)
    if one.embedding is not None and other.embedding is not None:
        assert one.embedding.tolist() == other.embedding.tolist()
    return True


_SCORE = st.floats(0, 1)
_LABELS = st.lists(st.builds(ScoredLabel, st.text(max_size=9), _SCORE, st.booleans()), min_size=1, max_size=4)
_EMBEDDING = st.none() | st.lists(st.floats(-9, 9, width=32), min_size=1).map(
    lambda x: np.array(x, np.float32)
)


@given(_LABELS, st.text(), _EMBEDDING, st.none() | st.binary(min_size=1))
def test_an_answer_comes_back_as_it_was(
    labels: list[ScoredLabel],
    source: str,
    embedding: npt.NDArray[np.float32] | None,
    picture: bytes | None,
) -> None:
    source = source.encode("utf-8", "replace").decode()
    labels = [replace(each, label=each.label.encode("utf-8", "replace").decode()) for each in labels]
    prediction = Prediction(source, SIZE, tuple(labels), "a@1")
    answer = Captured("x", now(), prediction, "0" * 64, embedding, picture)
    assert same(answer_from_bytes(answer_to_bytes(answer)), answer)


def test_boxes_and_truths_come_back_as_they_were() -> None:
    answer = detected("x")
    assert same(answer_from_bytes(answer_to_bytes(answer)), answer)
    truth = Truth("x", now(), "me", ("left",), Boxes(np.array([[0.5, 1, 2, 3]]), SIZE))
    back = truth_from_bytes(truth_to_bytes(truth))
    assert (back.id, back.at, back.who, back.labels) == (truth.id, truth.at, truth.who, truth.labels)
    assert back.boxes is not None
    assert back.boxes.xyxy.tolist() == [[0.5, 1, 2, 3]]
    none = Truth("x", now(), "me", (), Boxes(np.empty((0, 4)), SIZE))
    assert truth_from_bytes(truth_to_bytes(none)).labels == ()


@given(
    st.binary(max_size=300) | st.binary(max_size=60).map(lambda x: answer_to_bytes(captured("x"))[:-9] + x)
)
def test_any_bytes_are_an_answer_or_a_value_error(data: bytes) -> None:
    for read in (answer_from_bytes, truth_from_bytes):
        try:
            read(data)
        except ValueError:
            continue


def test_what_is_kept_is_found_by_its_id(tmp_path: Path) -> None:
    capture = Capture(tmp_path / "log")
    answers = [captured(capture.new_id(), picture=b"bytes"), detected(capture.new_id())]
    keep(capture, *answers)
    log = PredictionLog(tmp_path / "log")
    for each in answers:
        assert same(log.find(each.id), each)
    assert [each.id for each in log.answers()] == [each.id for each in answers]
    capture.close()
    for strange in ("", "x" * 500, "../../etc", f"{answers[0].id[:-1]}f", "0" * 16 + "-1"):
        with pytest.raises(NotKept, match="is kept"):
            log.find(strange)
    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "log").iterdir()} == {0o600}


def test_an_answer_whose_lane_was_slow_is_found_in_a_later_file(tmp_path: Path) -> None:
    capture = Capture(tmp_path, Bounds(total=512 * 1024))
    slow = capture.new_id()
    for _ in range(4):
        keep(capture, captured(capture.new_id(), picture=bytes(40_000)))
    keep(capture, captured(slow))
    assert len(list(tmp_path.glob("*.answers"))) > 2
    assert capture.log.find(slow).id == slow
    capture.close()


def test_writers_share_a_folder(tmp_path: Path) -> None:
    captures = [Capture(tmp_path) for _ in range(3)]
    ids = []
    for _ in range(20):
        for each in captures:
            ids.append(each.new_id())
            keep(each, captured(ids[-1]))
    for each in captures:
        each.close()
    assert sorted(each.id for each in PredictionLog(tmp_path).answers()) == sorted(ids)


def test_the_last_truth_holds_and_only_about_what_is_kept(tmp_path: Path) -> None:
    capture = Capture(tmp_path)
    name = capture.new_id()
    keep(capture, captured(name))
    for label in ("green", "blue"):
        capture.tell(Truth(name, now(), "me", (label,)))
    assert {each.id: each.labels for each in capture.log.truths()} == {name: ("blue",)}
    with pytest.raises(NotKept):
        capture.tell(Truth(capture.new_id(), now(), "me", ("green",)))
    capture.close()


def test_a_file_that_is_cut_anywhere_keeps_what_is_before(tmp_path: Path) -> None:
    capture = Capture(tmp_path)
    ids = [capture.new_id() for _ in range(3)]
    keep(capture, *map(captured, ids))
    capture.close()
    (file,) = tmp_path.glob("*.answers")
    whole = file.read_bytes()
    found = []
    for end in range(len(whole) + 1):
        file.write_bytes(whole[:end])
        damaged: list[Damage] = []
        found.append(len(list(PredictionLog(tmp_path).answers(damaged=damaged))))
        assert damaged == []
    assert found == sorted(found)
    assert (found[0], found[-1]) == (0, 3)


def test_a_changed_byte_is_noticed_and_named(tmp_path: Path) -> None:
    capture = Capture(tmp_path)
    ids = [capture.new_id() for _ in range(3)]
    keep(capture, *map(captured, ids))
    capture.close()
    (file,) = tmp_path.glob("*.answers")
    whole = file.read_bytes()
    flagged = []
    for place in range(len(whole)):
        changed = bytearray(whole)
        changed[place] ^= 0x40
        file.write_bytes(changed)
        damaged: list[Damage] = []
        left = [each.id for each in PredictionLog(tmp_path).answers(damaged=damaged)]
        assert set(left) <= set(ids)
        if len(left) < 3 and not damaged:
            flagged.append(place)
        if damaged:
            assert damaged[0].file == file.name
    # Only the mark of a forgotten record can hide one without a word: one byte for each of three.
    assert len(flagged) == 3


def test_forgotten_is_gone_from_the_disk_with_all_that_was_said(tmp_path: Path) -> None:
    capture = Capture(tmp_path)
    names = [capture.new_id() for _ in range(3)]
    keep(capture, *(captured(name, f"secret-{n}", b"picture-%d" % n) for n, name in enumerate(names)))
    capture.tell(Truth(names[1], now(), "witness-1", ("green",)))
    capture.tell(Truth(names[0], now(), "witness-0", ("green",)))
    capture.log.forget(names[1])
    keep(capture, captured(capture.new_id()))  # it is still being written to
    everything = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    for gone in (b"secret-1", b"picture-1", b"witness-1", names[1].encode()):
        assert gone not in everything
    for there in (b"secret-0", b"picture-2", b"witness-0"):
        assert there in everything
    with pytest.raises(NotKept, match="was forgotten"):
        capture.log.find(names[1])
    with pytest.raises(NotKept, match="was forgotten"):
        capture.tell(Truth(names[1], now(), "me", ("red",)))
    capture.log.forget(names[1])
    damaged: list[Damage] = []
    assert len(list(capture.log.answers(damaged=damaged))) == 3
    assert [each.id for each in capture.log.truths(damaged)] == [names[0]]
    assert damaged == []
    with pytest.raises(NotKept):
        capture.log.forget(capture.new_id())
    capture.close()


def test_killed_while_forgetting_it_is_forgotten_and_can_be_finished(tmp_path: Path) -> None:
    capture = Capture(tmp_path)
    name = capture.new_id()
    keep(capture, captured(name, "secret"))
    capture.close()
    (path,) = tmp_path.glob("*.answers")
    file = os.open(path, os.O_RDWR)
    (entry,) = segment.entries(file, path.name)
    assert isinstance(entry, Entry)
    os.pwrite(file, b"\1", entry.offset + 1)  # as far as it came
    os.close(file)
    log = PredictionLog(tmp_path)
    assert list(log.answers()) == []
    log.forget(name)
    assert b"secret" not in path.read_bytes()


def test_what_was_acknowledged_survives_a_kill_at_any_moment(tmp_path: Path) -> None:
    dice = random.Random(5)  # noqa: S311 - when to kill
    acknowledged: list[str] = []
    for _ in range(20):
        with subprocess.Popen([sys.executable, WRITING, tmp_path], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            lines = [process.stdout.readline()]
            time.sleep(dice.random() / 5)
            process.send_signal(signal.SIGKILL)
            lines += process.stdout.readlines()
        acknowledged += [line.decode().strip() for line in lines if line.endswith(b"\n")]
    damaged: list[Damage] = []
    found = [each.id for each in PredictionLog(tmp_path).answers(damaged=damaged)]
    assert damaged == []
    assert len(found) == len(set(found))
    assert set(acknowledged) <= set(found)
    assert len(acknowledged) > 100


def test_a_file_that_may_not_grow_refuses_what_does_not_fit_and_nothing_else(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    capture = Capture(tmp_path)
    kept = [capture.new_id()]
    keep(capture, captured(kept[0]))
    (path,) = tmp_path.glob("*.answers")
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 500, before[1]))
        with pytest.raises(StorageError, match=r"ulimit -f"):
            keep(capture, captured(capture.new_id(), picture=bytes(5_000)))
        assert "ulimit" in str(capture.error)
        kept.append(capture.new_id())
        keep(capture, captured(kept[1]))
        assert capture.error is None
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    kept.append(capture.new_id())
    keep(capture, captured(kept[2]))
    capture.close()
    damaged: list[Damage] = []
    assert [each.id for each in PredictionLog(tmp_path).answers(damaged=damaged)] == kept
    assert damaged == []


def test_a_disk_that_takes_answers_again_is_noticed_without_one(tmp_path: Path) -> None:
    capture = Capture(tmp_path / "log")
    (tmp_path / "log").rmdir()
    with pytest.raises(StorageError, match="No such file"):
        keep(capture, captured(capture.new_id()))
    (tmp_path / "log").mkdir()
    until = time.monotonic() + 60
    while capture.error and time.monotonic() < until:
        time.sleep(0.05)
    capture.close()
    assert time.monotonic() < until


def test_the_oldest_files_go_and_none_that_is_written_to(tmp_path: Path) -> None:
    other = Capture(tmp_path)
    held = other.new_id()
    keep(other, captured(held))
    capture = Capture(tmp_path, Bounds(total=1024**2))
    ids = []
    for _ in range(60):
        ids.append(capture.new_id())
        keep(capture, captured(ids[-1], picture=bytes(50_000)))
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 1.3 * 1024**2
    assert capture.log.find(held).id == held
    assert capture.log.find(ids[-1]).id == ids[-1]
    with pytest.raises(NotKept, match="is too old"):
        capture.log.find(ids[0])
    capture.close()
    other.close()
    for path in tmp_path.iterdir():
        os.utime(path, (1e9, 1e9))
    last = Capture(tmp_path, Bounds(age=3600))
    keep(last, captured(last.new_id()))
    last.close()
    assert len(list(PredictionLog(tmp_path).answers())) == 1


def test_a_share_of_the_pictures_is_kept() -> None:
    sure = captured("x").prediction
    unsure = replace(sure, labels=(ScoredLabel("red", 0.4, True),))
    names = [f"{n:x}" for n in range(4_000)]
    sampling = Sampling(share=0.25, unsure=0.75)
    shares = [np.mean([sampling.takes(name, each) for name in names]) for each in (sure, unsure)]
    assert shares == pytest.approx([0.25, 0.75], abs=0.03)
    assert not any(Sampling().takes(name, unsure) for name in names)
    assert all(Sampling(share=1).takes(name, sure) for name in names)
