from pathlib import Path

import pytest

from detection_sets import aside, beside, paint, raw, write
from sightline.data.formats import FORMATS
from sightline.data.formats.base import RawBoxes
from sightline.errors import DatasetError

OBJECT = (
    "<object><name>{}</name><difficult>{}</difficult>"
    "<bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox></object>"
)


def annotation(*objects: tuple[object, ...], filename: str = "") -> str:
    rows = "\n".join(OBJECT.format(*each) for each in objects)
    return f"<annotation>\n<filename>{filename}</filename>\n{rows}\n</annotation>"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Three annotated pictures, ``a``, ``b`` and ``c``, without lists."""
    for number, name in enumerate("abc"):
        paint(tmp_path / f"JPEGImages/{name}.png", number)
        write(tmp_path, {f"Annotations/{name}.xml": annotation(("cell", 0, 1, 2, 3, 4))})
    return tmp_path


def lists(root: Path, **names: str) -> dict[str, object]:
    """The splits that lists of names give, by picture."""
    write(root, {f"ImageSets/Main/{name}.txt": text.replace(" ", "\n") for name, text in names.items()})
    found = FORMATS.load("voc").read(root, "*")
    splits: dict[str, object] = {}
    for each in found:
        if hasattr(each, "split"):
            before = splits.get(each.path[-5:-4])
            splits[each.path[-5:-4]] = each.split if before is None else {before, each.split}
    return splits


def test_numbers_are_taken_as_they_are_written(root: Path) -> None:
    write(
        root,
        {"Annotations/a.xml": annotation(("cell", 1, "-1.5", 2, 50, "4e1"), (" ce\nll ", 0, 5, 5, 5, 5))},
    )
    assert "'Annotations/a.xml', line 4" in aside(root, "voc")[0]
    write(root, {"Annotations/a.xml": annotation(("cell", 1, "-1.5", 2, 50, "4e1"), ("disc", 0, 5, 5, 5, 5))})
    assert raw(root, "voc")["JPEGImages/a.png"].boxes == RawBoxes(
        ((-1.5, 2, 50, 40), (5, 5, 5, 5)), "xyxy", (True, False)
    )
    assert raw(root, "voc")["JPEGImages/b.png"].boxes == RawBoxes(((1, 2, 3, 4),), "xyxy")


def test_without_lists_nothing_is_said_about_the_split(root: Path) -> None:
    assert {each.split for each in raw(root, "voc").values()} == {None}


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({"train": "a", "val": "b", "test": "c"}, {"a": "train", "b": "val", "c": "test"}),
        ({"train": "a", "val": "b", "trainval": "a b c"}, {"a": "train", "b": "val", "c": None}),
        ({"trainval": "a b", "test": "c"}, {"a": "train", "b": "train", "c": "test"}),
        ({"train": "a", "trainval": "a b", "test": "c"}, {"a": "train", "b": "val", "c": "test"}),
        ({"val": "a", "trainval": "a b", "test": "c"}, {"a": "val", "b": "train", "c": "test"}),
        ({"train": "a b", "test": "b"}, {"a": "train", "b": {"train", "test"}, "c": None}),
        ({"train": "a.png b", "cell_train": "c"}, {"a": "train", "b": "train", "c": None}),
    ],
)
def test_the_sets_own_lists(root: Path, names: dict[str, str], expected: dict[str, object]) -> None:
    assert lists(root, **names) == expected


def test_a_listed_name_without_a_picture_is_said_with_its_line(root: Path) -> None:
    write(root, {"ImageSets/Main/train.txt": "a\n\nd\n../../etc/passwd\n"})
    assert aside(root, "voc") == [
        "ImageSets/Main/train.txt: line 3: there is no picture 'd'",
        "ImageSets/Main/train.txt: line 4: there is no picture '../../etc/passwd'",
    ]


def test_a_listed_line_that_is_no_name_is_said(root: Path) -> None:
    write(root, {"ImageSets/Main/train.txt": "a\n/\n.\n"})
    assert aside(root, "voc") == [
        "ImageSets/Main/train.txt: line 2: there is no picture '/'",
        "ImageSets/Main/train.txt: line 3: there is no picture '.'",
    ]


def test_lists_with_marks_behind_the_names(root: Path) -> None:
    write(root, {"ImageSets/Main/train.txt": "a  1\nb -1\n"})
    assert raw(root, "voc")["JPEGImages/b.png"].split == "train"


def test_a_picture_without_annotation_is_unknown_and_one_without_objects_is_empty(root: Path) -> None:
    paint(root / "JPEGImages/d.png", 4)
    write(root, {"Annotations/a.xml": annotation()})
    found = raw(root, "voc")
    assert found["JPEGImages/d.png"].boxes is None
    assert found["JPEGImages/a.png"].boxes == RawBoxes((), "xyxy")


def test_an_annotation_finds_its_picture_by_the_name_that_it_says(root: Path) -> None:
    paint(root / "JPEGImages/other.png", 5)
    write(root, {"Annotations/d.xml": annotation(("cell", 0, 1, 1, 2, 2), filename="other.png")})
    write(root, {"Annotations/e.xml": annotation(("cell", 0, 1, 1, 2, 2), filename="../../x.png")})
    assert raw(root, "voc")["JPEGImages/other.png"].labels == ("cell",)
    assert aside(root, "voc") == ["Annotations/e.xml: an annotation without its picture"]


def test_annotations_beside_their_pictures(tmp_path: Path) -> None:
    for number, name in enumerate(("train/a", "valid/b", "test/c")):
        paint(tmp_path / f"{name}.png", number)
        write(tmp_path, {f"{name}.xml": annotation(("cell", 0, 1, 2, 3, 4))})
    assert FORMATS.load("voc").recognises(tmp_path)
    assert {path: each.split for path, each in raw(tmp_path, "voc").items()} == {
        "train/a.png": "train",
        "valid/b.png": "val",
        "test/c.png": "test",
    }


def test_include_and_what_lies_beside(root: Path) -> None:
    write(root, {"LICENSE": "", "ImageSets/Main/train.txt": "a\nb\n"})
    assert "LICENSE" in beside(root, "voc")
    found = FORMATS.load("voc").read(root, "a.*")
    assert [each.path for each in found if hasattr(each, "split")] == ["JPEGImages/a.png"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "line 1: not XML: no element found"),
        ("<annotation>\n<object>\n", "line 3: not XML"),
        ("<html/>", "line 1: begins with <html>"),
        ("<annotation>\n<object><name>x</name></object></annotation>", "line 2: an object has no <bndbox>"),
        (annotation(("cell", 0, 5, 2, 3, 4)), "line 3: a box has its right edge 3 left of its left edge 5"),
        (annotation(("cell", 0, 1, 4, 3, 2)), "lower edge 2 above its upper edge 4"),
        (annotation(("", 0, 1, 2, 3, 4)), "line 3: a box has no class"),
        (annotation(("cell", 0, "nan", 2, 3, 4)), "xmin: 'nan' is not a number"),
        (annotation(("cell", 0, "1_0", 2, 30, 4)), "'1_0' is not a number"),
        (annotation(("cell", 0, 1, 2, 3, "1e30")), "is no box in a picture"),
        ("<annotation>" + "<a>" * 100 + "</a>" * 100 + "</annotation>", "elements lie more than 64 deep"),
        ("<?xml version='1.0' encoding='nope'?>\n<annotation/>", "in an encoding that is not known"),
        ("<?xml version='1.0' encoding='utf-7'?>\n<annotation/>", "line 1"),
    ],
)
def test_a_wrong_annotation_sets_its_picture_aside(root: Path, text: str, words: str) -> None:
    write(root, {"Annotations/a.xml": text})
    [said] = aside(root, "voc")
    assert said.startswith("JPEGImages/a.png: 'Annotations/a.xml'")
    assert words in said
    assert "\n" not in said
    assert len(raw(root, "voc")) == 2


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>',
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE x SYSTEM "http://127.0.0.1/x.dtd">',
        '<!DOCTYPE x [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;]>',
    ],
)
def test_document_types_and_entities_are_refused(root: Path, doctype: str) -> None:
    write(root, {"Annotations/a.xml": f"\n{doctype}\n".lstrip() + annotation(("&a;", 0, 1, 2, 3, 4))})
    [said] = aside(root, "voc")
    assert (
        said
        == "JPEGImages/a.png: 'Annotations/a.xml', line 1: a document type (DTD) and its entities are refused"
    )


def test_an_annotation_that_leads_out_or_is_too_large(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    away = tmp_path_factory.mktemp("away") / "a.xml"
    (root / "Annotations/a.xml").rename(away)
    (root / "Annotations/a.xml").symlink_to(away)
    with (root / "Annotations/b.xml").open("wb") as file:
        file.truncate((1 << 23) + 1)
    assert raw(root, "voc")["JPEGImages/a.png"].boxes is None
    large, link = aside(root, "voc")
    assert large == "JPEGImages/b.png: 'Annotations/b.xml': larger than 8 MiB"
    assert link.startswith("Annotations/a.xml: a link that leads out")


def test_a_list_that_is_no_text_ends_it_with_file_and_line(root: Path) -> None:
    write(root, {"ImageSets/Main/train.txt": ""})
    (root / "ImageSets/Main/train.txt").write_bytes(b"a\nb\xff\n")
    with pytest.raises(DatasetError, match=r"'ImageSets/Main/train.txt', line 2: not UTF-8"):
        aside(root, "voc")
