import json
from pathlib import Path

import pytest

from detection_sets import aside, paint, raw, write
from sightline.data.formats import FORMATS
from sightline.data.formats.base import RawBoxes
from sightline.errors import DatasetError

CATEGORIES = [{"id": 7, "name": "cell"}, {"id": 3, "name": "disc"}]


def document(*boxes: tuple[int, int, object, int], images: tuple[str, ...] = ("a.png", "b.png")) -> str:
    """``boxes`` are image, category, bbox and iscrowd; images are numbered from 1."""
    listed = [{"id": number, "file_name": name} for number, name in enumerate(images, start=1)]
    rows = [
        {"id": number, "image_id": image, "category_id": category, "bbox": sides, "iscrowd": crowd}
        for number, (image, category, sides, crowd) in enumerate(boxes)
    ]
    return json.dumps({"images": listed, "annotations": rows, "categories": CATEGORIES}, indent=0)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Pictures ``a`` and ``b`` with one file."""
    paint(tmp_path / "images/a.png", 1)
    paint(tmp_path / "images/b.png", 2)
    return write(
        tmp_path, {"annotations/all.json": document((1, 7, [1, 2.5, 3, 4], 0), (1, 3, [0, 0, 9, 9], 1))}
    )


def test_boxes_crowds_and_pictures_without_any(root: Path) -> None:
    found = raw(root, "coco")
    assert found["images/a.png"].labels == ("cell", "disc")
    assert found["images/a.png"].boxes == RawBoxes(((1, 2.5, 3, 4), (0, 0, 9, 9)), "xywh", (False, True))
    assert found["images/b.png"].boxes == RawBoxes((), "xywh")
    assert {each.split for each in found.values()} == {None}


def test_the_split_is_in_the_files_name_and_instances_win(tmp_path: Path) -> None:
    paint(tmp_path / "train2017/a.png", 1)
    paint(tmp_path / "val2017/a.png", 2)
    paint(tmp_path / "extra/c.png", 3)
    write(
        tmp_path,
        {
            "annotations/instances_train2017.json": document((1, 7, [1, 2, 3, 4], 0), images=("a.png",)),
            "annotations/instances_val2017.json": document((1, 3, [1, 2, 3, 4], 0), images=("a.png",)),
            "annotations/captions_val2017.json": document((1, 3, [1], 0), images=("a.png",)),
        },
    )
    assert {path: (each.split, each.labels) for path, each in raw(tmp_path, "coco").items()} == {
        "train2017/a.png": ("train", ("cell",)),
        "val2017/a.png": ("val", ("disc",)),
        "extra/c.png": (None, ()),
    }


def test_a_file_in_each_folder_of_a_split(tmp_path: Path) -> None:
    for number, split in enumerate(("train", "valid", "test")):
        paint(tmp_path / split / "a.png", number)
        text = document((1, 7, [1, 2, 3, 4], 0), images=("a.png",))
        write(tmp_path, {f"{split}/_annotations.coco.json": text})
    assert FORMATS.load("coco").recognises(tmp_path)
    assert {path: each.split for path, each in raw(tmp_path, "coco").items()} == {
        "train/a.png": "train",
        "valid/a.png": "val",
        "test/a.png": "test",
    }


def test_a_file_without_annotations_says_nothing_about_its_pictures(root: Path) -> None:
    text = json.dumps({"images": [{"id": 1, "file_name": "c.png"}], "categories": CATEGORIES})
    paint(root / "images/c.png", 3)
    write(root, {"annotations/image_info_test.json": text})
    assert raw(root, "coco")["images/c.png"].boxes is None


def test_a_picture_in_two_files(root: Path) -> None:
    text = (root / "annotations/all.json").read_text()
    write(root, {"annotations/more.json": text})
    with pytest.raises(DatasetError, match=r"'annotations/all.json' and 'annotations/more.json' both list"):
        raw(root, "coco")
    for name in ("all", "more"):
        (root / f"annotations/{name}.json").unlink()
    write(root, {"annotations/train.json": text, "annotations/test.json": text})
    splits = [each.split for each in FORMATS.load("coco").read(root, "*") if hasattr(each, "split")]
    assert sorted(map(str, splits)) == ["test", "test", "train", "train"]


def test_pictures_that_cannot_be_found_or_told_apart(root: Path) -> None:
    paint(root / "x/deep/c.png", 3)
    paint(root / "y/deep/c.png", 4)
    names = ("a.png", "gone.png", "deep/c.png", "../../etc/passwd", "/etc/passwd", "/home/me/x/deep/c.png")
    write(root, {"annotations/all.json": document((1, 7, [1, 2, 3, 4], 0), images=names)})
    gone, twice, out, absolute = aside(root, "coco")
    assert gone == "gone.png: 'annotations/all.json', line 7: there is no such picture"
    assert "2 files have the name 'deep/c.png'" in twice
    assert out.endswith("there is no such picture")
    assert absolute.endswith("there is no such picture")
    assert "x/deep/c.png" in raw(root, "coco")


@pytest.mark.parametrize(
    ("box", "words"),
    [
        ((1, 7, [1, 2, 3], 0), "a box has four numbers, here are 3"),
        ((1, 7, [1, 2, -3, 4], 0), "a box is -3 wide and 4 high"),
        ((1, 7, None, 0), "an annotation needs a bbox of four numbers"),
        ((1, 7, [1, 2, "3", 4], 0), "an annotation needs a bbox of four numbers"),
        ((1, 7, [1, 2, True, 4], 0), "an annotation needs a bbox of four numbers"),
        ((1, 7, [1, 2, 1e300, 4], 0), "is no box in a picture"),
        ((1, 7, [1, 2, 10**400, 4], 0), "too large"),
        ((1, 9, [1, 2, 3, 4], 0), "there is no category with the id '9'"),
    ],
)
def test_a_wrong_annotation_sets_its_picture_aside(
    root: Path, box: tuple[int, int, object, int], words: str
) -> None:
    write(root, {"annotations/all.json": document((2, 7, [1, 2, 3, 4], 0), box)})
    [said] = aside(root, "coco")
    assert said.startswith("images/a.png: 'annotations/all.json', line ")
    assert words in said
    assert raw(root, "coco").keys() == {"images/b.png"}


def test_annotations_of_no_image_are_said_once(root: Path) -> None:
    write(root, {"annotations/all.json": document((5, 7, [1, 2, 3, 4], 0), (5, 7, [1, 2, 3, 4], 0))})
    [said] = aside(root, "coco")
    assert said.endswith("there is no image with the id 5")


FILLER = '"images": [], "categories": [{"id": 1, "name": "x"}], "category_id": 0'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{" + FILLER, "line 1: not as COCO writes it"),
        ("{\n" + FILLER + ",\n}", "line 3: not as COCO writes it"),
        ("{" + FILLER + "} {}", "something follows the end"),
        ("{" + FILLER + ', "info": NaN}', "NaN is no number"),
        ("{" + FILLER + ', "info": ' + "[" * 200_000 + "]" * 200_000 + "}", "too deep"),
        ("{" + FILLER + ', "info": ' + "9" * 5_000 + "}", "not JSON"),
        (
            '{"annotations": [], "categories": [{"id": 1, "name": "bbox"}], "bbox": 1}',
            "has no list of images",
        ),
        ('{"images": [3], "annotations": [], "bbox": 0}', "an object was wanted in 'images'"),
        ('{"images": [{"id": 1}], "annotations": [], "bbox": 0}', "an image needs an id and a file_name"),
        (
            '{"images": [{"id": 1, "file_name": "a"},\n{"id": 1, "file_name": "b"}], "annotations": []}',
            "line 2: another image has the id 1 too",
        ),
    ],
)
def test_a_file_that_cannot_be_read_ends_it(root: Path, text: str, words: str) -> None:
    write(root, {"annotations/all.json": text})
    with pytest.raises(DatasetError) as caught:
        raw(root, "coco")
    assert str(caught.value).startswith("'annotations/all.json'")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_too_large_is_refused_unread(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sightline.data.formats._coco_file.LARGEST", 1 << 20)
    text = (root / "annotations/all.json").read_text()
    write(root, {"annotations/all.json": text + " " * (1 << 20)})
    with pytest.raises(DatasetError, match="larger than 1 MiB"):
        raw(root, "coco")


def test_a_large_file_is_recognised_by_its_edges(tmp_path: Path) -> None:
    rows = [{"id": n, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]} for n in range(3_000)]
    images = [{"id": n, "file_name": f"{n:09d}.png"} for n in range(3_000)]
    text = json.dumps({"annotations": rows, "images": images, "categories": CATEGORIES})
    assert FORMATS.load("coco").recognises(write(tmp_path, {"annotations/x.json": text}))
