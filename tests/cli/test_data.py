"""``sightline data convert``: a copy in another format, and what that cannot hold."""

from pathlib import Path

import pytest

from command_line import draw_pictures, run
from detection_sets import boxed
from sightline.data.formats import FORMATS


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Pictures with boxes and a column of metadata, in CSV."""
    source = boxed(
        tmp_path / "source",
        [[("cell", (1, 2, 3, 4), False)]] * 4,
        ["train", "train", "val", "test"],
        {"site": "x"},
    )
    (tmp_path / "table").mkdir()
    FORMATS.load("csv").write(source, tmp_path / "table")
    return tmp_path / "table"


def test_it_says_what_it_wrote_and_what_is_lost(table: Path) -> None:
    target = table.parent / "new"
    done = run("data", "convert", table, target, "--format", "voc")
    assert done.status == 0, done.err
    assert done.err.splitlines() == [
        "not kept: the metadata column 'site' is lost",
        "4 pictures, 4 boxes (2 train, 1 val, 1 test: the set's own train, val, test) "
        f"are in {target} as voc; 0 set aside",
    ]
    audited = run("audit", target)
    assert audited.err.splitlines()[0] == "4 pictures, 4 boxes of 1 class (2 train, 1 val, 1 test)"


def test_a_format_can_be_named_on_both_sides(table: Path) -> None:
    FORMATS.load("coco").write(
        boxed(table.parent / "other", [[("cell", (1, 2, 3, 4), False)]], ["train"], {}), table
    )
    target = table.parent / "new"
    assert "--format coco or --format csv (data convert: --from)" in run("audit", table).refusal
    done = run("data", "convert", table, target, "--format", "yolo", "--from", "csv")
    assert done.status == 0, done.err
    assert "set aside: 'images/00.png': in no split list" in done.err
    assert (target / "data.yaml").is_file()


def test_what_cannot_be_is_refused_in_one_line(table: Path, tmp_path: Path) -> None:
    folder = draw_pictures(tmp_path / "parts", 4)
    assert "there are: coco, csv" in run("data", "convert", table, tmp_path / "n", "--format", "x").refusal
    assert "holds one class" in run("data", "convert", table, tmp_path / "n", "--format", "folder").refusal
    assert "holds boxes" in run("data", "convert", folder, tmp_path / "n", "--format", "coco").refusal
    assert not (tmp_path / "n").exists()
