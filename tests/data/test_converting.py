"""A set from one format into another, whole or not at all."""

from itertools import permutations, product
from pathlib import Path

import numpy as np
import pytest

from detection_sets import boxed, labelled, paint, write
from sightline.data.converting import convert
from sightline.data.formats import FORMATS
from sightline.data.importing import ImportOptions, import_folder
from sightline.errors import DatasetError, InputError, UnknownPlugin
from sightline.values.dataset import Split

SPLITS: tuple[Split, ...] = ("train", "train", "val", "test")
BOXES = tuple(name for name in FORMATS.names() if FORMATS.load(name).TASK == "detection")
PICTURES = [
    [("open", (1.0, 2.0, 30.0, 20.0), False)],
    [("short", (3.0, 4.0, 5.0, 6.0), False), ("open", (0.0, 0.0, 40.0, 30.0), False)],
    [("open", (7.0, 8.0, 9.0, 10.0), False)],
    [("short", (2.0, 2.0, 4.0, 4.0), False)],
]


@pytest.fixture
def sets(tmp_path: Path) -> Path:
    """The same four pictures in every format with boxes, a folder each."""
    source = boxed(tmp_path / "source", PICTURES, SPLITS, {})
    for name in BOXES:
        (tmp_path / name).mkdir()
        FORMATS.load(name).write(source, tmp_path / name)
    return tmp_path


@pytest.mark.parametrize(("one", "other"), list(permutations(BOXES, 2)))
def test_between_any_two(one: str, other: str, sets: Path) -> None:
    converted = convert(sets / one, sets / "new", other, ImportOptions(fractions=(0.5, 0.25, 0.25)))
    before = {sample.sha256: sample for sample in converted.dataset.samples}
    after = import_folder(sets / "new", ImportOptions(fractions=(0.5, 0.25, 0.25))).dataset
    assert len(after.samples) == len(before) == 4
    for sample in after.samples:
        assert sample.labels == before[sample.sha256].labels
        assert sample.boxes is not None
        np.testing.assert_allclose(sample.boxes.xyxy, before[sample.sha256].boxes.xyxy, atol=1e-6)  # type: ignore[union-attr]
        assert (sample.split == "test") == (before[sample.sha256].split == "test")
    assert sorted(path.name for path in sets.iterdir()) == sorted([*BOXES, "source", "new"])


def test_losses_are_said(sets: Path) -> None:
    write(sets, {"sites.csv": "path,site\n" + "".join(f"images/{n:02d}.png,{n}\n" for n in range(4))})
    options = ImportOptions(meta_csv=sets / "sites.csv")
    converted = convert(sets / "coco", sets / "new", "deeppcb", options)
    assert converted.losses == (
        "validation pictures are in trainval.txt, with those of training",
        "the boards without defects (NAME_temp) that DeepPCB has beside each are not written",
        "the metadata column 'site' is lost",
    )
    assert convert(sets / "coco", sets / "more", "csv", options).losses == ()


def test_pictures_that_only_include_finds(sets: Path) -> None:
    (sets / "coco/images/00.png").rename(sets / "coco/images/00.dat")
    file = sets / "coco/annotations/instances_train.json"
    file.write_text(file.read_text().replace("00.png", "00.dat"))
    [lost] = convert(sets / "coco", sets / "new", "csv", ImportOptions(include="images/*")).losses
    assert "'images/00.dat' have an odd ending" in lost


def test_folders_of_classes_stay_among_themselves(tmp_path: Path) -> None:
    for number, (split, label) in enumerate(product(("train", "val", "test"), ("good", "bad"))):
        paint(tmp_path / "set" / split / label / "deep/x.png", number)
    converted = convert(tmp_path / "set", tmp_path / "new", "folder", ImportOptions())
    again = import_folder(tmp_path / "new", ImportOptions()).dataset
    assert {(s.sha256, s.labels, s.split) for s in again.samples} == {
        (s.sha256, s.labels, s.split) for s in converted.dataset.samples
    }
    with pytest.raises(
        InputError, match="the format 'voc' holds boxes in each picture, and this set has one"
    ):
        convert(tmp_path / "set", tmp_path / "more", "voc", ImportOptions())
    odd = labelled(tmp_path / "odd", ["a/b", "c"], ["train", "test"], {})
    with pytest.raises(InputError, match="cannot be the name of a folder"):
        FORMATS.load("folder").write(odd, tmp_path / "more")


def test_boxes_do_not_become_classes(sets: Path) -> None:
    with pytest.raises(InputError, match="holds one class for each picture, and this set has boxes"):
        convert(sets / "voc", sets / "new", "folder", ImportOptions())


def test_what_is_in_the_way(sets: Path) -> None:
    (sets / "empty").mkdir()
    convert(sets / "voc", sets / "empty", "coco", ImportOptions())
    for target, words in (
        (sets / "coco", "is there already"),
        (sets / "voc/Annotations/00.xml", "lies in the folder that is read"),
        (sets / "voc", "lies in the folder that is read"),
    ):
        with pytest.raises(InputError, match=words):
            convert(sets / "voc", target, "coco", ImportOptions())
    (sets / "file").touch()
    with pytest.raises(InputError, match="is there already"):
        convert(sets / "voc", sets / "file", "coco", ImportOptions())
    with pytest.raises(UnknownPlugin, match="coco"):
        convert(sets / "voc", sets / "new", "cocoa", ImportOptions())


def test_a_failure_leaves_nothing_behind(sets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object) -> None:
        raise DatasetError("no")

    before = sorted(sets.rglob("*"))
    monkeypatch.setattr("sightline.data.formats.coco.write_text", fail)
    with pytest.raises(DatasetError):
        convert(sets / "voc", sets / "new/deep", "coco", ImportOptions())
    assert sorted(path for path in sets.rglob("*") if path != sets / "new") == before
