from collections import Counter
from pathlib import Path

import pytest

from detection_sets import aside, beside, boxed, paint, raw, write
from sightline.data.auditing import audit
from sightline.data.formats import FORMATS
from sightline.data.formats.base import RawBoxes
from sightline.data.importing import ImportOptions, import_folder
from sightline.errors import DatasetError, InputError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two groups of two boards; the last is in no list."""
    lists: dict[str, list[str]] = {"trainval": [], "test": []}
    for number in range(4):
        group, name = f"group{number // 2}", f"{number:03d}"
        paint(tmp_path / f"{group}/g/{name}_test.png", number)
        paint(tmp_path / f"{group}/g/{name}_temp.png", 100 + number)
        write(tmp_path, {f"{group}/g_not/{name}.txt": f"1 2 3 4 {number + 1}\n"})
        if number < 3:
            lists["test" if number == 2 else "trainval"].append(
                f"{group}/g/{name}.png {group}/g_not/{name}.txt"
            )
    return write(tmp_path, {f"{name}.txt": "\n".join(lines) for name, lines in lists.items()})


def test_boards_have_their_group_and_templates_lie_beside(root: Path) -> None:
    found = raw(root, "deeppcb")
    assert {path[-12:-9]: (each.split, each.labels, each.meta) for path, each in found.items()} == {
        "000": ("train", ("open",), {"group": "group0"}),
        "001": ("train", ("short",), {"group": "group0"}),
        "002": ("test", ("mousebite",), {"group": "group1"}),
        "003": (None, ("spur",), {"group": "group1"}),
    }
    assert found["group0/g/000_test.png"].boxes == RawBoxes(((1, 2, 3, 4),), "xyxy")
    assert "group0/g/000_temp.png" in beside(root, "deeppcb")


def test_a_set_without_lists(root: Path) -> None:
    for name in ("trainval", "test"):
        (root / f"{name}.txt").unlink()
    assert FORMATS.load("deeppcb").recognises(root)
    assert [each.split for each in raw(root, "deeppcb").values()] == [None] * 4


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("1 2 3 4", "x1 y1 x2 y2 class were wanted, got '1 2 3 4'"),
        ("1 2 3 4 7", "a class is a number from 1 to 6, not '7'"),
        ("1 2 3 4 0000000012", "a class is a number from 1 to 6"),
        ("1 2 3 4 open", "not 'open'"),
        ("1 2 3 4 \u0661", "a class is a number"),
        ("1 x 3 4 1", "'x' is not a number"),
        ("5 2 3 4 1", "right edge 3 left of its left edge 5"),
    ],
)
def test_a_wrong_line_sets_its_board_aside(root: Path, row: str, words: str) -> None:
    write(root, {"group0/g_not/000.txt": f"1 2 3 4 1\n{row}\n"})
    [said] = aside(root, "deeppcb")
    assert said.startswith("group0/g/000_test.png: 'group0/g_not/000.txt', line 2: ")
    assert words in said


def test_wrong_lists(root: Path) -> None:
    write(root, {"test.txt": "group1/g/009.png group1/g_not/009.txt\n../../x.png /etc/passwd.txt\n"})
    gone, out = aside(root, "deeppcb")
    assert gone.startswith("test.txt: line 1: there is no picture")
    assert out.startswith("test.txt: line 2: there is no picture")
    write(root, {"test.txt": "\ngroup1/g/002.png\n"})
    with pytest.raises(DatasetError, match=r"'test.txt', line 2: an image and its label were wanted"):
        raw(root, "deeppcb")


def test_what_it_cannot_hold_is_said_or_refused(tmp_path: Path) -> None:
    source = boxed(
        tmp_path / "s",
        [[("open", (1.4, 2, 3, 4), True)], [("short", (1, 2, 3, 4), False)]],
        ["train", "val"],
        {"site": "x"},
    )
    (tmp_path / "out").mkdir()
    assert FORMATS.load("deeppcb").write(source, tmp_path / "out") == [
        "validation pictures are in trainval.txt, with those of training",
        "the boards without defects (NAME_temp) that DeepPCB has beside each are not written",
        "1 boxes are rounded to whole pixels",
        "1 boxes lose the mark that they are to be ignored",
        "the metadata column 'site' is lost",
    ]
    other = boxed(tmp_path / "t", [[("crack", (1, 2, 3, 4), False)]], ["train"], {})
    with pytest.raises(InputError, match=r"DeepPCB has the classes open, short.*this set has 'crack'"):
        FORMATS.load("deeppcb").write(other, tmp_path / "out2")


def test_the_real_set(shared_data: Path) -> None:
    imported = import_folder(shared_data / "deeppcb", ImportOptions())
    data = imported.dataset
    assert data.classes == ("copper", "mousebite", "open", "pin-hole", "short", "spur")
    assert {gone.reason for gone in data.set_aside} == {"in no split list"}
    assert len(data.set_aside) == 2
    assert len(data.part("train")) + len(data.part("val")) == 310
    assert len(data.part("test")) == 108
    groups = Counter((sample.split, sample.meta["group"]) for sample in data.samples)
    assert sum(split == "val" for split, _ in groups) == 1
    assert sum(split == "train" for split, _ in groups) == 3
    assert imported.group_by == ("group",)
    leak, left_out = audit(imported).findings
    assert leak.message.startswith(
        "95 pictures of test (88.0%) are known from the set's own train: pictures of the same group are also "
        "there, groups 'group44000', 'group50600', 'group77000', 'group92000' ("
    )
    assert leak.figures["groups"] == 4
    assert left_out.message.startswith("2 set aside: in no split list")
