from pathlib import Path

import pytest

from detection_sets import aside, paint, raw, write
from sightline.data.formats import FORMATS
from sightline.data.formats.base import RawBoxes
from sightline.errors import DatasetError

YAML = "names: [cell, disc]\ntrain: images/train\nval: images/val\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """``a`` to train with, ``b`` to validate."""
    paint(tmp_path / "images/train/a.png", 1)
    paint(tmp_path / "images/val/b.png", 2)
    return write(
        tmp_path,
        {
            "data.yaml": YAML,
            "labels/train/a.txt": "1 0.5 0.5 0.25 0.5\n\n0 0.1 .2 0 1e-1\n",
            "labels/val/b.txt": "0 0.5 0.5 1 1\n",
        },
    )


def refusal(root: Path) -> str:
    with pytest.raises(DatasetError) as caught:
        raw(root, "yolo")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def splits(root: Path) -> dict[str, object]:
    return {path: each.split for path, each in raw(root, "yolo").items()}


def test_labels_are_fractions_and_a_missing_file_is_a_picture_of_nothing(root: Path) -> None:
    found = raw(root, "yolo")["images/train/a.png"]
    assert found.labels == ("disc", "cell")
    assert found.boxes == RawBoxes(((0.5, 0.5, 0.25, 0.5), (0.1, 0.2, 0.0, 0.1)), "normalised-cxcywh")
    (root / "labels/val/b.txt").unlink()
    assert raw(root, "yolo")["images/val/b.png"].boxes == RawBoxes((), "normalised-cxcywh")


@pytest.mark.parametrize(
    "text",
    [
        YAML,
        "path: .\nnames:\n  0: cell\n  1: disc\ntrain: images/train\nval: [images/val]\ntest: # nothing\n",
        "path: /home/me/datasets/cells\nnames: ['cell', \"disc\"]\ntrain: images/train/\nval: ./images/val\n",
        "names: [cell, disc]\ntrain: ../images/train\nval: /content/cells/images/val\n",
        "names: [cell, disc]\ntrain: C:\\me\\images\\train\nval: images/val\nnc: 2\n",
        "names: [cell, disc]\ntrain: train.txt\nval: [lists/val.txt]\n",
    ],
)
def test_the_ways_to_say_where_pictures_lie(root: Path, text: str) -> None:
    write(root, {"data.yaml": text})
    write(root, {"train.txt": "./images/train/a.png\n", "lists/val.txt": "/home/me/images/val/b.png\n"})
    assert splits(root) == {"images/train/a.png": "train", "images/val/b.png": "val"}
    assert raw(root, "yolo")["images/val/b.png"].labels == ("cell",)


def test_split_folders_above_images(tmp_path: Path) -> None:
    for number, split in enumerate(("train", "valid")):
        paint(tmp_path / split / "images/images.png", number)
        write(tmp_path, {f"{split}/labels/images.txt": "0 0.5 0.5 1 1\n"})
    write(
        tmp_path,
        {"data.yaml": "names: [a]\ntrain: ../train/images\nval: ../valid/images\ntest: ../test/images\n"},
    )
    assert {path: (each.split, each.labels) for path, each in raw(tmp_path, "yolo").items()} == {
        "train/images/images.png": ("train", ("a",)),
        "valid/images/images.png": ("val", ("a",)),
    }
    assert aside(tmp_path, "yolo") == ["data.yaml: line 4: test: there is no '../test/images'"]


def test_names_stay_as_they_are_written(root: Path) -> None:
    write(root, {"data.yaml": YAML.replace("[cell, disc]", "[no, 007]")})
    assert raw(root, "yolo")["images/train/a.png"].labels == ("007", "no")


def test_pictures_in_no_list_have_no_split(root: Path) -> None:
    paint(root / "images/extra/c.png", 3)
    assert splits(root)["images/extra/c.png"] is None


def test_a_picture_that_a_list_names_and_is_not_there(root: Path) -> None:
    write(
        root,
        {"data.yaml": YAML.replace("images/val", "val.txt"), "val.txt": "images/val/b.png\n../../x.png\n"},
    )
    assert aside(root, "yolo") == ["../../x.png: 'val.txt', line 2: there is no such picture"]


def test_a_picture_in_two_splits_is_in_both(root: Path) -> None:
    write(root, {"data.yaml": YAML + "test: images/train\n"})
    found = FORMATS.load("yolo").read(root, "*")
    assert [(each.path[-5], each.split) for each in found if hasattr(each, "split")] == [
        ("a", "train"),
        ("b", "val"),
        ("a", "test"),
    ]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("0 0.1 0.2 0.3", "class cx cy width height were wanted, got 4 numbers"),
        ("0 0.1 0.2 0.3 0.4 0.5 0.6", "7 numbers are a polygon or keypoints"),
        ("2 0.5 0.5 1 1", "there is no class '2'; names has 2"),
        ("-1 0.5 0.5 1 1", "there is no class '-1'"),
        ("0.0 0.5 0.5 1 1", "there is no class '0.0'"),
        ("0 0.5 0.5 -1 1", "a box is -1 wide and 1 high"),
        ("0 0.5 0.5 inf 1", "'inf' is not a number"),
        ("0 0.5 0.5 1 \u0661", "is not a number"),
    ],
)
def test_a_wrong_line_sets_its_picture_aside(root: Path, row: str, words: str) -> None:
    write(root, {"labels/train/a.txt": f"0 0.5 0.5 1 1\n{row}\n"})
    [said] = aside(root, "yolo")
    assert said.startswith("images/train/a.png: 'labels/train/a.txt', line 2: ")
    assert words in said
    assert splits(root) == {"images/val/b.png": "val"}


BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nnames: [*b, *b]\ntrain: images/train\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (BOMB, "line 2: aliases (*name) are refused"),
        ("names: !!python/object/apply:os.system [ls]\ntrain: x\n", "line 1: tags (!name) are refused"),
        ("names: " + "[" * 20_000 + "\ntrain: x\n", "values lie more than 16 deep"),
        ("names: [a\ntrain: x\n", "not YAML"),
        ("names: [a]\nnames: [b]\ntrain: x\n", "line 2: the key 'names' is there twice"),
        ("names: [a]\n? [b]\n: c\ntrain: x\n", "line 2: a key must be a text"),
        ("names: [a]\ntrain: x\n\x07", "characters that YAML does not allow"),
        ("names: 3\ntrain: images/train\n", "line 1: names must be a list of class names"),
        ("names: [a, a]\ntrain: images/train\n", "line 1: names has one name twice"),
        ("names:\n  x: a\ntrain: images/train\n", "line 2: names must have a number"),
        ("names: [[a]]\ntrain: images/train\n", "line 1: names must have a number"),
        ("names: [a]\ntrain: {a: b}\n", "line 2: a folder or a list of folders was wanted"),
        ("names: [a]\ntrain:\n", "names no pictures"),
        ("names: [a]\ntrain: images/gone\n", "line 2: train: there is no 'images/gone'"),
        ("names: [a]\ntrain: ../../../etc\n", "line 2: train: there is no '../../../etc'"),
        ("names: [a]\ntrain: /etc\n", "line 2: train: there is no '/etc'"),
    ],
)
def test_a_yaml_file_that_cannot_be_used_ends_it(root: Path, text: str, words: str) -> None:
    write(root, {"data.yaml": text})
    said = refusal(root)
    assert said.startswith("'data.yaml'")
    assert words in said


def test_a_yaml_file_that_is_too_large(root: Path) -> None:
    write(root, {"data.yaml": YAML + "#" * (1 << 20)})
    assert refusal(root) == "'data.yaml': larger than 1 MiB"


def test_one_yaml_file_of_another_name_will_do_and_two_will_not(root: Path) -> None:
    (root / "data.yaml").rename(root / "cells.yaml")
    assert FORMATS.load("yolo").recognises(root)
    assert len(raw(root, "yolo")) == 2
    write(root, {"more.yml": YAML})
    assert "'cells.yaml', 'more.yml' could each be it" in refusal(root)
