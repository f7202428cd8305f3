"""Pictures with boxes on their way to a dataset."""

from collections import Counter
from pathlib import Path

import pytest

from detection_sets import Labelled, boxed, paint, write
from sightline.data.formats import FORMATS
from sightline.data.importing import Imported, ImportOptions, import_folder
from sightline.errors import DatasetError
from sightline.values.image import Size

BOX = (1.0, 2.0, 3.0, 4.0)
HEAD = "path,split,xmin,ymin,xmax,ymax,label"


def table(root: Path, *rows: str, pictures: int = 0) -> Path:
    """``pictures`` drawn as ``0.png`` and so on, and a table of boxes."""
    for number in range(pictures):
        paint(root / f"{number}.png", number)
    return write(root, {"boxes.csv": "\n".join([HEAD, *rows]) + "\n"})


def lists(root: Path, train: int, test: int) -> Path:
    """A table with so many pictures of each list, one box in each."""
    splits = ["train"] * train + ["test"] * test
    rows = [f"{number}.png,{split},1,2,3,4,cell" for number, split in enumerate(splits)]
    return table(root, *rows, pictures=len(splits))


def refusal(root: Path, options: ImportOptions | None = None) -> str:
    with pytest.raises(DatasetError) as caught:
        import_folder(root, options or ImportOptions())
    assert "\n" not in str(caught.value)
    return str(caught.value)


def counts(imported: Imported) -> dict[str, int]:
    return Counter(sample.split for sample in imported.dataset.samples)


def test_boxes_are_in_pixels_of_the_picture_and_one_class_is_enough(tmp_path: Path) -> None:
    for number in range(10):
        paint(tmp_path / f"images/{number}.png", number, Size(40, 20))
        write(tmp_path, {f"labels/{number}.txt": "0 0.5 0.5 0.5 1\n"})
    write(tmp_path, {"data.yaml": "names: [cell]\ntrain: images\n"})
    dataset = import_folder(tmp_path, ImportOptions()).dataset
    assert (dataset.task, dataset.classes) == ("detection", ("cell",))
    boxes = dataset.samples[0].boxes
    assert boxes is not None
    assert boxes.xyxy.tolist() == [[10, 0, 30, 20]]
    assert boxes.size == Size(40, 20)
    assert dataset.samples[0].ignored == ()


def test_what_is_in_no_list_is_set_aside_and_a_missing_val_cut_from_train(tmp_path: Path) -> None:
    root = lists(tmp_path, 20, 4)
    paint(root / "extra.png", 99)
    imported = import_folder(root, ImportOptions())
    assert [(gone.path, gone.reason) for gone in imported.dataset.set_aside] == [
        ("extra.png", "in no split list")
    ]
    assert counts(imported) == {"train": 16, "val": 4, "test": 4}
    assert imported.own_splits.count("train") == 20
    assert imported.dataset.split_origin.startswith("the set's own train, test; val cut from train")


def test_a_split_table_overrules_the_sets_own_lists(tmp_path: Path) -> None:
    root = lists(tmp_path / "set", 6, 2)
    paint(root / "extra.png", 99)
    rows = [f"{number}.png,{split}" for number, split in enumerate(["train"] * 4 + ["val", "test"] * 2)]
    write(tmp_path, {"split.csv": "path,split\n" + "\n".join([*rows, "extra.png,train"])})
    options = ImportOptions(split_csv=tmp_path / "split.csv", unlabelled="background")
    assert counts(import_folder(root, options)) == {"train": 5, "val": 2, "test": 2}


def test_a_picture_in_two_lists_is_in_both(tmp_path: Path) -> None:
    root = lists(tmp_path, 8, 2)
    with (root / "boxes.csv").open("a") as file:
        file.write("0.png,test,1,2,3,4,cell\n")
    found = import_folder(root, ImportOptions()).dataset
    assert sorted(sample.split for sample in found.samples if sample.path == "0.png") == ["test", "train"]


def test_pictures_without_annotation(tmp_path: Path) -> None:
    root = table(tmp_path, *(f"{number}.png,,1,2,3,4,cell" for number in range(10)), pictures=12)
    said = refusal(root)
    assert "2 of 12 pictures" in said
    assert "have no annotation, the first '10.png'" in said
    assert "--unlabelled ignore" in said
    assert "--unlabelled background" in said
    dataset = import_folder(root, ImportOptions(unlabelled="ignore")).dataset
    assert [gone.reason for gone in dataset.set_aside] == ["without annotation, ignored as asked"] * 2
    dataset = import_folder(root, ImportOptions(unlabelled="background")).dataset
    empty = [sample for sample in dataset.samples if sample.boxes is not None and not len(sample.boxes)]
    assert [sample.path for sample in empty] == ["10.png", "11.png"]
    held_out = import_folder(root, ImportOptions(held_out=True)).dataset
    assert [sample.path for sample in held_out.samples if sample.boxes is None] == ["10.png", "11.png"]


def test_nothing_annotated_at_all(tmp_path: Path) -> None:
    root = table(tmp_path, "0.png,,,,,,", pictures=3)
    assert "there are no labelled pictures" in refusal(root, ImportOptions(unlabelled="background"))
    root = table(tmp_path, pictures=3)
    assert "none of 3 pictures" in refusal(root, ImportOptions(unlabelled="ignore"))


def test_background_is_not_for_folders_of_classes(tmp_path: Path) -> None:
    for number, label in enumerate("aabb"):
        paint(tmp_path / label / f"{number}.png", number)
    assert "is for pictures with boxes" in refusal(tmp_path, ImportOptions(unlabelled="background"))


def test_training_pictures_without_any_object_are_refused(tmp_path: Path) -> None:
    root = table(tmp_path, "0.png,train,,,,,", "1.png,val,1,2,3,4,a", "2.png,test,1,2,3,4,a", pictures=3)
    assert "show no object to learn from" in refusal(root)


def test_training_pictures_whose_objects_have_no_area_are_refused(tmp_path: Path) -> None:
    rows = ("0.png,train,1,2,1,4,a", "1.png,val,1,2,3,4,a", "2.png,test,1,2,3,4,a")
    assert "show no object to learn from" in refusal(table(tmp_path, *rows, pictures=3))


def test_a_list_of_classes(tmp_path: Path) -> None:
    rows = [f"{number}.png,,1,2,3,4,{'cell' if number % 2 else 'disc'}" for number in range(10)]
    root = table(tmp_path, *rows, "0.png,,5,6,7,8,cell", pictures=10)
    assert import_folder(root, ImportOptions(classes=("x", "disc", "cell"))).dataset.classes == (
        "x",
        "disc",
        "cell",
    )
    assert "1 classes of boxes are not in the list of classes" in refusal(
        root, ImportOptions(classes=("disc",))
    )
    imported = import_folder(root, ImportOptions(classes=("cell",), held_out=True))
    assert Counter(sample.labels for sample in imported.dataset.samples) == {("cell",): 6, (): 4}
    assert imported.notes[0].message.startswith("5 boxes of 1 classes that are not in the list")


def test_the_rarest_class_of_each_picture_is_spread_evenly(tmp_path: Path) -> None:
    pictures: list[list[Labelled]] = [[("often", BOX, False)] for _ in range(100)]
    for number in range(0, 100, 10):
        pictures[number].append(("rare", BOX, False))
    source = boxed(tmp_path / "source", pictures, ["train"] * 100, {})
    (tmp_path / "set").mkdir()
    FORMATS.load("csv").write(source, tmp_path / "set")
    text = (tmp_path / "set/boxes.csv").read_text().replace(",train,", ",,")
    write(tmp_path / "set", {"boxes.csv": text})
    samples = import_folder(tmp_path / "set", ImportOptions()).dataset.samples
    rare = Counter(sample.split for sample in samples if "rare" in sample.labels)
    assert rare == {"train": 7, "val": 2, "test": 1} or rare == {"train": 7, "val": 1, "test": 2}


def test_the_sets_own_groups_and_those_of_the_user(tmp_path: Path) -> None:
    splits = ["train"] * 40 + ["test"] * 4
    rows: dict[str, list[str]] = {"trainval": [], "test": []}
    for number, split in enumerate(splits):
        group, name = f"group{number % 5}", f"{number:03d}"
        paint(tmp_path / f"{group}/g/{name}_test.png", number)
        write(tmp_path, {f"{group}/g_not/{name}.txt": f"1 2 3 4 {number // 5 % 6 + 1}\n"})
        listed = f"{group}/g/{name}.png {group}/g_not/{name}.txt"
        rows["trainval" if split == "train" else "test"].append(listed)
    write(tmp_path, {f"{name}.txt": "\n".join(lines) for name, lines in rows.items()})
    imported = import_folder(tmp_path, ImportOptions())
    assert imported.group_by == ("group",)
    assert imported.columns == ("group",)
    learned = [sample for sample in imported.dataset.samples if sample.split != "test"]
    assert len({(sample.meta["group"], sample.split) for sample in learned}) == 5
    mine = ImportOptions(meta_from_name=r"(?P<tens>\d)\d_test", group_by="tens")
    imported = import_folder(tmp_path, mine)
    assert imported.group_by == ("tens",)
    learned = [sample for sample in imported.dataset.samples if sample.split != "test"]
    assert len({(sample.meta["tens"], sample.split) for sample in learned}) == 4
    clash = ImportOptions(meta_from_name=r"(?P<group>\d)_test")
    assert "the set itself and --meta-from-name both give the column 'group'" in refusal(tmp_path, clash)


def test_the_real_set_of_blood_cells(shared_data: Path) -> None:
    imported = import_folder(shared_data / "bccd", ImportOptions())
    assert counts(imported) == {"train": 205, "val": 87, "test": 72}
    assert imported.dataset.classes == ("Platelets", "RBC", "WBC")
    assert sum(len(sample.labels) for sample in imported.dataset.samples) == 4888
    assert imported.dataset.set_aside == ()
