from pathlib import Path

import pytest

from detection_sets import aside, boxed, paint, raw, write
from sightline.data.formats import FORMATS
from sightline.data.formats.base import RawBoxes
from sightline.errors import DatasetError

HEAD = "path,split,xmin,ymin,xmax,ymax,label,ignored,camera"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for number, name in enumerate("abc"):
        paint(tmp_path / f"images/{name}.png", number)
    return tmp_path


def table(root: Path, *rows: str, head: str = HEAD) -> Path:
    return write(root, {"boxes.csv": "\n".join([head, *rows]) + "\n"})


def refusal(root: Path) -> str:
    with pytest.raises(DatasetError) as caught:
        raw(root, "csv")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_rows_of_boxes_pictures_without_any_and_metadata(root: Path) -> None:
    table(
        root,
        "images/a.png,train,1,2,3.5,4,cell,0,A",
        "",
        "images/a.png,train,0,0,9,9,disc,true,A",
        "images/b.png,val,,,,,,,B",
    )
    found = raw(root, "csv")
    assert found["images/a.png"].labels == ("cell", "disc")
    assert found["images/a.png"].boxes == RawBoxes(((1, 2, 3.5, 4), (0, 0, 9, 9)), "xyxy", (False, True))
    assert found["images/a.png"].meta == {"camera": "A"}
    assert found["images/b.png"].boxes == RawBoxes((), "xyxy")
    assert found["images/b.png"].split == "val"
    assert found["images/c.png"].boxes is None


@pytest.mark.parametrize(
    "text",
    [
        "\ufefffilename,width,height,class,xmin,ymin,xmax,ymax\r\na.png,40,30,cell,1,2,3,4\r\n",
        "image_path;x_min;y_min;x_max;y_max;class_name\nimages/a.png;1;2;3;4;cell\n",
        "Image\tX1\tY1\tX2\tY2\tCategory\n./images/a.png\t 1\t2\t3\t4 \tcell\n",
        '"path","xmin","ymin","xmax","ymax","label"\n"images\\a.png","1","2","3","4"," cell "\n',
    ],
)
def test_the_ways_in_which_programs_write_such_tables(root: Path, text: str) -> None:
    write(root, {"any.csv": text})
    assert FORMATS.load("csv").recognises(root)
    found = raw(root, "csv")["images/a.png"]
    assert (found.labels, found.boxes) == (("cell",), RawBoxes(((1, 2, 3, 4),), "xyxy"))
    assert found.meta == {}


def test_a_column_about_boxes_is_no_metadata(root: Path) -> None:
    table(
        root,
        "images/a.png,1,2,3,4,cell,0.9,A",
        "images/a.png,1,2,3,4,cell,0.8,A",
        head="path,xmin,ymin,xmax,ymax,label,score,camera",
    )
    assert raw(root, "csv")["images/a.png"].meta == {"camera": "A"}


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("images/a.png,train,1,2,3,four,cell,0,A", "'four' is not a number"),
        ("images/a.png,train,1,2,3,,cell,0,A", "'' is not a number"),
        ("images/a.png,train,1,2,3,4,,0,A", "a box has no class"),
        ("images/a.png,train,5,2,3,4,cell,0,A", "right edge 3 left of its left edge 5"),
        ("images/a.png,train,1,2,3,4,cell,maybe,A", "ignored is 0 or 1, not 'maybe'"),
        ("images/a.png,holdout,1,2,3,4,cell,0,A", "the split 'holdout' is none of train"),
        ("images/a.png,train,1,2,3,4,cell,0", "8 cells where the first line has 9"),
    ],
)
def test_a_wrong_line_sets_its_picture_aside(root: Path, row: str, words: str) -> None:
    table(root, "images/b.png,train,1,2,3,4,cell,0,A", row)
    [said] = aside(root, "csv")
    assert said.startswith("images/a.png: 'boxes.csv', line 3: ")
    assert words in said
    assert "images/a.png" not in raw(root, "csv")


def test_pictures_that_are_not_there_are_said_once(root: Path) -> None:
    table(root, *["../../etc/passwd,train,1,2,3,4,cell,0,A"] * 2)
    assert aside(root, "csv") == ["../../etc/passwd: 'boxes.csv', line 2: there is no such picture"]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([",train,1,2,3,4,cell,0,A"], "'boxes.csv', line 2: a row needs a path"),
        (['"images/a.png,train', "x"], "not CSV"),
        (["x" * 200_000 + ",train"], "line 2: not CSV: field larger than field limit"),
    ],
)
def test_a_table_that_cannot_be_read_ends_it(root: Path, rows: list[str], words: str) -> None:
    table(root, *rows)
    assert words in refusal(root)


def test_two_tables_are_too_many(root: Path) -> None:
    table(root, "images/a.png,train,1,2,3,4,cell,0,A")
    write(root, {"more.csv": HEAD})
    assert "'boxes.csv', 'more.csv' could each be it" in refusal(root)


def test_metadata_with_the_name_of_a_column_of_boxes_is_lost_and_said(tmp_path: Path) -> None:
    meta = {"Label": "x", "class": "y", "site": "a\nb,c"}
    source = boxed(tmp_path / "s", [[("open", (1, 2, 3, 4), False)]], ["train"], meta)
    (tmp_path / "out").mkdir()
    [lost] = FORMATS.load("csv").write(source, tmp_path / "out")
    assert "'Label'" in lost
    [found] = raw(tmp_path / "out", "csv").values()
    assert found.meta == {"class": "y", "site": "a\nb,c"}
