"""Answers in a file: whole or not there, and nothing repeated or lost after an interruption."""

import fcntl
import os
import resource
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import pytest

from sightline.errors import InputError, Interrupted, StorageError
from sightline.infer import answer_file
from sightline.infer.answer_file import Job, open_answers
from sightline.infer.predictor import Answer
from sightline.infer.writing import Tally
from sightline.values.prediction import Unanswered


@pytest.fixture
def pictures(tmp_path: Path) -> list[Answer]:
    """Answers about ten files in a folder, one name not in UTF-8, in their order."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    names = [*(f"{number}.png" for number in range(9)), os.fsdecode(b"bad\xff.png")]
    for name in names:
        (folder / name).touch()
    return [Unanswered(str(folder / name), "no") for name in names]


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job("0" * 64, "", "onnxruntime", "classification", "csv", None, (str(tmp_path / "pictures"),))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out" / "answers.csv"


@pytest.fixture(autouse=True)
def noted_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer_file, "_SECONDS", 0.0)


class Killed(BaseException):
    """Stands for a death between two lines of the program."""


def until(answers: Iterable[Answer], end: BaseException) -> Iterator[Answer]:
    yield from answers
    raise end


def whole(path: Path, job: Job, answers: list[Answer]) -> bytes:
    with open_answers(path, job, resume=False) as file:
        assert file.write(answers).total == len(answers)
    return path.read_bytes()


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def test_a_file_appears_when_it_is_whole(out: Path, job: Job, pictures: list[Answer]) -> None:
    with open_answers(out, job, resume=False) as file:

        def watched() -> Iterator[Answer]:
            for answer in pictures:
                yield answer
                assert not out.exists()

        assert file.write(watched()).unanswered == 10
    assert names(out.parent) == ["answers.csv"]
    assert len(out.read_bytes().splitlines()) == 11


@pytest.mark.parametrize("done", range(11))
@pytest.mark.parametrize("end", [Killed(), StorageError("full"), KeyboardInterrupt()])
def test_a_job_goes_on_without_repeating_or_losing(
    done: int, end: BaseException, out: Path, job: Job, pictures: list[Answer]
) -> None:
    expected = whole(out.with_name("other.csv"), job, pictures)
    with pytest.raises((Killed, StorageError, Interrupted)), open_answers(out, job, resume=False) as file:
        file.write(until(pictures[:done], end))
    assert not out.exists()
    with open_answers(out, job, resume=True) as file:
        assert file.tally.total == done
        file.write(pictures[file.tally.total :])
    assert out.read_bytes() == expected
    assert names(out.parent) == ["answers.csv", "other.csv"]


def test_what_was_not_noted_is_written_again(out: Path, job: Job, pictures: list[Answer]) -> None:
    expected = whole(out.with_name("other.csv"), job, pictures)
    with pytest.raises(Killed), open_answers(out, job, resume=False) as file:
        file.write(until(pictures[:4], Killed()))
    part, journal = (out.with_name(f"answers.csv.{each}") for each in ("part", "journal"))
    with part.open("ab") as torn:
        torn.write(b"half of a li")
    with journal.open("ab") as torn:
        torn.write(b'{"answered":')
    with open_answers(out, job, resume=True) as file:
        assert file.tally.total == 4
        file.write(pictures[4:])
    assert out.read_bytes() == expected


def test_ctrl_c_before_the_first_new_answer_loses_nothing(
    out: Path, job: Job, pictures: list[Answer]
) -> None:
    expected = whole(out.with_name("other.csv"), job, pictures)
    with pytest.raises(Killed), open_answers(out, job, resume=False) as file:
        file.write(until(pictures[:4], Killed()))
    with out.with_name("answers.csv.part").open("ab") as torn:
        torn.write(b"answers that no entry of the journal tells of")
    for _ in range(2):
        with pytest.raises(Interrupted, match="4 answers"), open_answers(out, job, resume=True) as file:
            file.write(until([], KeyboardInterrupt()))
    with open_answers(out, job, resume=True) as file:
        file.write(pictures[4:])
    assert out.read_bytes() == expected


def test_ctrl_c_between_an_answer_and_its_count_repeats_nothing(
    out: Path, job: Job, pictures: list[Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = whole(out.with_name("other.csv"), job, pictures)
    add = Tally.add

    def interrupted(self: Tally, answer: Answer) -> None:
        add(self, answer)
        if self.total == 3:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, open_answers(out, job, resume=False) as file:
        patch.setattr(Tally, "add", interrupted)
        with pytest.raises(Interrupted, match="2 answers"):
            file.write(pictures)
    with open_answers(out, job, resume=True) as file:
        file.write(pictures[file.tally.total :])
    assert out.read_bytes() == expected


def test_a_journal_that_its_job_removed_meanwhile_locks_nothing(
    out: Path, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    flock = fcntl.flock

    def removed(file: BinaryIO, how: int) -> None:
        Path(file.name).unlink()
        flock(file, how)

    monkeypatch.setattr(fcntl, "flock", removed)
    with pytest.raises(InputError, match="another process"), open_answers(out, job, resume=False):
        pass


def test_ctrl_c_says_how_to_go_on(out: Path, job: Job, pictures: list[Answer]) -> None:
    with (
        pytest.raises(Interrupted, match=r"3 answers are in .*answers\.csv\.part.*--resume"),
        open_answers(out, job, resume=False) as file,
    ):
        file.write(until(pictures[:3], KeyboardInterrupt()))


def test_an_unfinished_job_is_not_thrown_away(out: Path, job: Job, pictures: list[Answer]) -> None:
    with pytest.raises(Killed), open_answers(out, job, resume=False) as file:
        file.write(until(pictures[:3], Killed()))
    with pytest.raises(InputError, match="--resume goes on"), open_answers(out, job, resume=False):
        pass
    other = replace(job, release="1" * 64)
    with pytest.raises(InputError, match="another release"), open_answers(out, other, resume=True):
        pass
    out.with_name("answers.csv.part").unlink()
    assert whole(out, job, pictures)


def test_other_pictures_are_noticed(out: Path, job: Job, pictures: list[Answer], tmp_path: Path) -> None:
    with pytest.raises(Killed), open_answers(out, job, resume=False) as file:
        file.write(until(pictures[:3], Killed()))
    (tmp_path / "pictures" / "00.png").touch()
    with pytest.raises(InputError, match="no longer those"), open_answers(out, job, resume=True):
        pass


@pytest.mark.parametrize(
    "damage", [b"{}\n", b"\xff\n", b'{"answered": 1, "unanswered": 0, "size": 999, "names": ""}\n']
)
def test_a_damaged_journal_is_refused(damage: bytes, out: Path, job: Job, pictures: list[Answer]) -> None:
    with pytest.raises(Killed), open_answers(out, job, resume=False) as file:
        file.write(until(pictures[:3], Killed()))
    with out.with_name("answers.csv.journal").open("ab") as journal:
        journal.write(damage)
    with pytest.raises(InputError, match="does not fit"), open_answers(out, job, resume=True):
        pass


def test_two_jobs_cannot_write_the_same_file(out: Path, job: Job) -> None:
    with (
        open_answers(out, job, resume=False),
        pytest.raises(InputError, match="another process"),
        open_answers(out, job, resume=True),
    ):
        pass


def test_the_file_before_stays_until_the_end(out: Path, job: Job, pictures: list[Answer]) -> None:
    before = whole(out, job, pictures[:2])
    with pytest.raises(Killed), open_answers(out, job, resume=False) as file:
        file.write(until(pictures, Killed()))
    assert out.read_bytes() == before


def test_a_link_stays_a_link(out: Path, job: Job, pictures: list[Answer], tmp_path: Path) -> None:
    out.parent.mkdir()
    link = tmp_path / "link.csv"
    link.symlink_to(out)
    assert whole(link, job, pictures) == out.read_bytes()
    assert link.is_symlink()


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path, job: Job) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError) as caught, open_answers(tmp_path / "file" / "out", job, resume=False):
        pass
    assert "\n" not in str(caught.value)


def test_a_job_can_be_interrupted_again_after_a_torn_entry(
    out: Path, job: Job, pictures: list[Answer]
) -> None:
    expected = whole(out.with_name("other.csv"), job, pictures)
    for done in (2, 3, 4):
        with pytest.raises(Killed), open_answers(out, job, resume=True) as file:
            file.write(until(pictures[file.tally.total : done], Killed()))
        with out.with_name("answers.csv.journal").open("ab") as torn:
            torn.write(b'{"answered":')
    with open_answers(out, job, resume=True) as file:
        assert file.tally.total == 4
        file.write(pictures[4:])
    assert out.read_bytes() == expected


@pytest.mark.parametrize("limit", [0, 40, 70, 150, 500, 800])
def test_a_full_disk_is_one_line_and_the_job_goes_on(
    limit: int, out: Path, job: Job, pictures: list[Answer]
) -> None:
    expected = whole(out.with_name("other.csv"), job, pictures)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        with pytest.raises(StorageError) as caught, open_answers(out, job, resume=False) as file:
            file.write(pictures)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "\n" not in str(caught.value)
    assert not out.exists()
    with open_answers(out, job, resume=True) as file:
        file.write(pictures[file.tally.total :])
    assert out.read_bytes() == expected
