"""What the audit says about pictures with boxes."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from detection_sets import Labelled, boxed, paint
from sightline.data.audit import CHECKS
from sightline.data.auditing import audit
from sightline.data.formats import FORMATS
from sightline.data.importing import Imported, ImportOptions, import_folder
from sightline.data.manifest import fingerprint
from sightline.values.dataset import AuditReport, Dataset, Finding, Split

GOOD: Labelled = ("open", (1, 2, 30, 20), False)
ENOUGH: tuple[Split, ...] = ("train",) * 24 + ("val",) * 6 + ("test",) * 12


def report(
    root: Path,
    odd: Sequence[Sequence[Labelled]] = (),
    splits: Sequence[Split] = ENOUGH,
    options: ImportOptions | None = None,
) -> AuditReport:
    """The audit of a set with one good box in each picture, less the first, which have ``odd`` ones."""
    pictures = [*odd, *[[GOOD]] * (len(splits) - len(odd))]
    source = boxed(root / "source", pictures, splits, {})
    (root / "set").mkdir()
    FORMATS.load("csv").write(source, root / "set")
    return audit(import_folder(root / "set", options or ImportOptions()))


def found(result: AuditReport, check: str) -> list[Finding]:
    return [finding for finding in result.findings if finding.check == check]


def test_a_good_set_has_no_findings(tmp_path: Path) -> None:
    assert report(tmp_path).findings == ()


def test_boxes_without_area(tmp_path: Path) -> None:
    odd = [[GOOD, ("open", (5, 6, 5, 9), False)], [("short", (7, 7, 7, 7), False), GOOD]]
    [finding] = found(report(tmp_path, odd), "boxes")
    assert finding.message == (
        "2 boxes have no area: 'open' at (5, 6, 5, 9) in 'drawn/0/00.png'; "
        "'short' at (7, 7, 7, 7) in 'drawn/1/01.png'"
    )
    assert finding.figures == {"boxes": 2, "pictures": 2}
    assert finding.paths == ("drawn/0/00.png", "drawn/1/01.png")


def test_fractions_in_the_place_of_pixels(tmp_path: Path) -> None:
    fractions: list[list[Labelled]] = [[("open", (0.1, 0.3, 0.5, 1.0), False)]] * len(ENOUGH)
    [finding] = found(report(tmp_path, fractions), "boxes")
    assert finding.severity == "error"
    assert "fractions of the picture? pixels were wanted" in finding.message


def test_boxes_that_reach_out(tmp_path: Path) -> None:
    odd: list[list[Labelled]] = [
        [("open", (-0.4, 0, 40.5, 30), False)],
        [("open", (-2.5, 0, 40, 30), False)],
        [("open", (41, 2, 47, 9), False)],
        [("open", (5, 30, 9, 40), False)],
    ]
    [finding] = found(report(tmp_path, odd), "boxes")
    assert finding.message.startswith(
        "3 boxes reach out of the picture, by up to 10 px, 2 of them wholly: "
        "'open' at (5, 30, 9, 40) in 'drawn/0/03.png'; 'open' at (-2.5, 0, 40, 30) in "
    )
    assert finding.figures == {"boxes": 3, "pictures": 3, "beyond": 10, "wholly": 2}


def test_boxes_that_are_there_twice(tmp_path: Path) -> None:
    odd = [
        [GOOD, GOOD, GOOD],
        [GOOD, ("short", (1, 2, 30, 20), False)],
        [GOOD, ("open", (1, 2, 30, 20.5), False)],
        [GOOD, ("open", (1, 2, 30, 25), False)],
    ]
    [finding] = found(report(tmp_path, odd), "boxes")
    assert finding.message.startswith("3 boxes repeat another of the same class")
    assert finding.paths == ("drawn/0/00.png", "drawn/2/02.png")


def test_very_many_boxes_are_compared_for_equality(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CHECKS.load("boxes"), "_COMPARED", 2)
    odd = [[GOOD, GOOD, ("open", (1, 2, 30, 20.5), False)]]
    [finding] = found(report(tmp_path, odd), "boxes")
    assert finding.figures["boxes"] == 1


def test_pictures_without_boxes_are_a_note(tmp_path: Path) -> None:
    [finding] = report(tmp_path, [[], []]).findings
    assert finding.severity == "note"
    assert finding.message == (
        "2 pictures (4.8%) have no boxes, so a detector learns that nothing is there: "
        "'drawn/0/00.png', 'drawn/1/01.png'"
    )


def test_few_examples_counts_pictures_and_imbalance_boxes(tmp_path: Path) -> None:
    odd: list[list[Labelled]] = [[("short", (1, 2, 3 + n, 20), False) for n in range(20)]]
    result = report(tmp_path, odd)
    words = [finding.message for finding in found(result, "few_examples")]
    assert words[0] == "1 class has no picture in val: 'short'" or "'short' has 1" in words[0]
    assert any(message.endswith("in train: 'short' has 1") for message in words)
    assert found(result, "imbalance") == []
    (tmp_path / "more").mkdir()
    odd = [
        [GOOD, ("short", (1, 2, 3, 4), False)],
        [GOOD] + [("open", (n, 2, 40, 20), False) for n in range(40)],
    ]
    [finding] = found(report(tmp_path / "more", odd), "imbalance")
    assert finding.message.startswith(
        "the largest class 'open' has 64 times the training boxes of the smallest 'short' (64 and 1); 98% "
    )


def test_identical_pictures_with_other_boxes(tmp_path: Path) -> None:
    source = boxed(tmp_path / "source", [[GOOD]] * len(ENOUGH), ENOUGH, {})
    (tmp_path / "set").mkdir()
    FORMATS.load("csv").write(source, tmp_path / "set")
    for name, seed in (("same.png", 0), ("other.png", 1)):
        paint(tmp_path / "set" / name, seed)
    with (tmp_path / "set/boxes.csv").open("a") as file:
        file.write("same.png,train,1,2,30,20,open,0\nother.png,train,1,2,30,19,open,0\n")
    torn, alike = found(audit(import_folder(tmp_path / "set", ImportOptions())), "duplicates")
    assert torn.message.startswith("1 pictures are there with different boxes, the first as 'drawn/1/01.png'")
    assert alike.message.startswith("2 pictures are there more than once")


def test_groups_on_both_sides_of_a_split_are_named(tmp_path: Path) -> None:
    options = ImportOptions(meta_from_name=r"(?P<tens>\d)\d\.png", group_by="tens")
    leaks = found(report(tmp_path, options=options), "leakage")
    [(severity, words, groups)] = [(leak.severity, leak.message, leak.figures["groups"]) for leak in leaks]
    assert (severity, groups) == ("warning", 1)
    assert words.startswith("6 pictures of val (100.0%) are known from train: pictures of the same tens")
    assert "also there, group '2' (" in words


def test_what_was_cut_from_train_counts_where_the_set_had_it(tmp_path: Path) -> None:
    splits: list[Split] = ["train" if number % 10 < 8 else "test" for number in range(60)]
    options = ImportOptions(meta_from_name=r"(?P<tens>\d)\d\.png", group_by="tens")
    [leak] = found(report(tmp_path, splits=splits, options=options), "leakage")
    assert leak.message.startswith("12 pictures of test (100.0%) are known from the set's own train: ")
    assert leak.figures["groups"] == 6


def test_the_real_set_of_blood_cells_has_two_boxes_without_area(shared_data: Path) -> None:
    result = audit(import_folder(shared_data / "bccd", ImportOptions()))
    [finding] = found(result, "boxes")
    assert finding.message.startswith("2 boxes have no area: 'RBC' at (504, 337, 504, 337)")
    assert {each.check for each in result.findings} == {"boxes", "imbalance"}


@pytest.mark.parametrize("name", CHECKS.names())
def test_every_check_says_nothing_about_nothing(name: str) -> None:
    mark = fingerprint("detection", ("a",), ())
    empty = Dataset(Path(), "detection", ("a",), (), (), "none", mark)
    assert list(CHECKS.load(name).check(Imported(empty))) == []
