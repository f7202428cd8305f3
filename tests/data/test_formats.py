"""What every format keeps to, found without being told which there are, and how a set is recognised."""

import re
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detection_sets import Labelled, aside, boxed, labelled, paint, raw, reread, write
from sightline.data.formats import FORMATS
from sightline.data.formats.base import RawSample
from sightline.data.formats.folder import read, split_folders
from sightline.data.importing import ImportOptions, import_folder
from sightline.data.listing import format_of
from sightline.errors import DatasetError, InputError, UnknownPlugin
from sightline.values.dataset import Dataset, Sample, Split

SPLITS: tuple[Split, ...] = ("train", "train", "val", "test")
NAMES = FORMATS.names()
_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.])")


@st.composite
def corners(draw: st.DrawFn) -> tuple[float, float, float, float]:
    """Anywhere around the picture, also without area; whole pixels or not."""
    side = st.integers(-5, 45).map(float) | st.floats(-5, 45, allow_subnormal=False)
    left, right = sorted((draw(side), draw(side)))
    top, bottom = sorted((draw(side), draw(side)))
    return left, top, right, bottom


objects = st.lists(st.tuples(st.sampled_from(("open", "short")), corners(), st.booleans()), max_size=4)
pictures = st.lists(objects, min_size=4, max_size=4).filter(lambda each: any(each[:2]))


def drawn(name: str, root: Path, found: Sequence[Sequence[Labelled]]) -> Dataset:
    """A set of the format's task."""
    meta = {"camera": "A, 2"}
    if FORMATS.load(name).TASK == "classification":
        return labelled(root, ("good", "bad", "good", "bad"), SPLITS, meta)
    return boxed(root, found, SPLITS, meta)


def same(one: Sample, other: Sample, lost: str = "") -> None:
    """Two samples agree in everything that the sentence does not name."""
    assert one.labels == other.labels
    assert one.size == other.size
    if "validation" not in lost:
        assert one.split == other.split
    if "ignored" not in lost:
        assert one.ignored == other.ignored
    if "metadata" not in lost:
        assert one.meta.items() <= other.meta.items()
    assert (one.boxes is None) == (other.boxes is None)
    if one.boxes is not None and other.boxes is not None:
        away = 0.5 if "rounded" in lost else 1e-6
        np.testing.assert_allclose(one.boxes.xyxy, other.boxes.xyxy, rtol=0, atol=away)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=20)
@given(found=pictures)
def test_written_read_written_read_gives_the_same(name: str, found: list[list[Labelled]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source = drawn(name, Path(folder) / "source", found)
        first, second = Path(folder) / "first", Path(folder) / "second"
        first.mkdir()
        second.mkdir()
        plugin = FORMATS.load(name)
        lost = "; ".join(plugin.write(source, first))
        once = reread(first, name)
        assert once.keys() == {sample.sha256 for sample in source.samples}
        for sample in source.samples:
            same(sample, once[sample.sha256], lost)

        again = Dataset(
            first, source.task, source.classes, tuple(once.values()), (), "the set's own", source.fingerprint
        )
        plugin.write(again, second)
        twice = reread(second, name)
        assert {mark: sample.path for mark, sample in once.items()} == {
            mark: sample.path for mark, sample in twice.items()
        }
        for mark, sample in once.items():
            same(sample, twice[mark], lost)


@pytest.mark.parametrize("name", NAMES)
def test_what_a_format_writes_is_recognised_as_that_format_alone(name: str, tmp_path: Path) -> None:
    source = drawn(name, tmp_path / "source", [[("open", (1, 2, 3, 4), False)]] * 4)
    (tmp_path / "written").mkdir()
    FORMATS.load(name).write(source, tmp_path / "written")
    assert format_of(tmp_path / "written") is FORMATS.load(name)


@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_line_is_named_by_file_and_line(name: str, tmp_path: Path) -> None:
    source = drawn(name, tmp_path / "source", [[("open", (1, 2, 3, 4), False)]] * 4)
    root = tmp_path / "written"
    root.mkdir()
    FORMATS.load(name).write(source, root)
    before = len(raw(root, name))
    refused = 0
    for file in sorted(path for path in root.rglob("*") if path.suffix not in {"", ".png"}):
        whole = file.read_text()
        for place in _NUMBER.finditer(whole):
            file.write_text(whole[: place.start()] + "oops" + whole[place.end() :])
            try:
                said = aside(root, name)
                assert said or len(raw(root, name)) == before
            except DatasetError as error:
                said = [str(error)]
            line = whole.count("\n", 0, place.start()) + 1
            for words in said:
                assert "\n" not in words
                assert file.relative_to(root).as_posix() in words
                assert re.search(rf"\bline {line}\b", words), (line, words)
            refused += bool(said)
        file.write_text(whole)
    assert refused or FORMATS.load(name).TASK == "classification"


@pytest.mark.parametrize("name", NAMES)
def test_a_set_of_another_task_is_refused(name: str, tmp_path: Path) -> None:
    if FORMATS.load(name).TASK == "classification":
        other = boxed(tmp_path, [[("open", (1, 2, 3, 4), False)]], ["train"], {})
    else:
        other = labelled(tmp_path, ["good", "bad"], ["train", "test"], {})
    with pytest.raises(InputError, match=f"the format '{name}' holds"):
        FORMATS.load(name).write(other, tmp_path / "out")


@pytest.mark.parametrize("name", NAMES)
def test_pictures_of_equal_names_stay_apart(name: str, tmp_path: Path) -> None:
    source = drawn(name, tmp_path / "source", [[("open", (1, 2, 3, 4), False)]] * 4)
    samples = []
    for number, (sample, path) in enumerate(
        zip(source.samples, ("a/x.png", "b/x.png", "b/X.png", "a-x.bmp"), strict=True)
    ):
        paint(tmp_path / "source" / path, 100 + number)
        samples.append(Sample(path, str(number), sample.size, sample.labels, "train", boxes=sample.boxes))
    clashing = Dataset(source.root, source.task, source.classes, tuple(samples), (), "", "")
    (tmp_path / "out").mkdir()
    FORMATS.load(name).write(clashing, tmp_path / "out")
    assert len(reread(tmp_path / "out", name)) == 4


@pytest.mark.parametrize("name", NAMES)
def test_every_format_refuses_what_is_no_folder_and_reads_none(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert FORMATS.load(name).recognises(tmp_path / "file") is False
    assert list(FORMATS.load("folder").read(tmp_path, "*.none")) != []


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_folder_is_no_set(name: str, tmp_path: Path) -> None:
    assert FORMATS.load(name).recognises(tmp_path) is (name == "folder")
    with pytest.raises(DatasetError) as caught:
        import_folder(tmp_path, ImportOptions(format=name))
    assert "\n" not in str(caught.value)


def test_where_two_formats_fit_the_way_out_is_said(tmp_path: Path) -> None:
    source = boxed(tmp_path / "source", [[("open", (1, 2, 3, 4), False)]] * 4, SPLITS, {})
    for name in ("csv", "coco"):
        FORMATS.load(name).write(source, tmp_path)
    with pytest.raises(DatasetError) as caught:
        import_folder(tmp_path, ImportOptions())
    assert "looks like coco and like csv" in str(caught.value)
    assert "--format coco or --format csv" in str(caught.value)
    options = ImportOptions(format="csv", unlabelled="ignore")
    assert len(import_folder(tmp_path, options).dataset.samples) == 4


def test_an_unknown_format_lists_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(UnknownPlugin, match="voc"):
        import_folder(tmp_path, ImportOptions(format="vok"))


@pytest.mark.parametrize(
    "stray",
    [
        {"notes.json": '{"images": 3, "annotations": "none"}'},
        {"export.json": '[{"file_name": "a.png", "bbox": [1, 2, 3, 4]}]'},
        {"table.csv": "path,label\ncat/000.png,cat\n"},
        {"data.yaml": "names: [cat, dog]\nauthor: me\n"},
        {"config.yaml": "train: 3\nlr: 0.1\n"},
        {"trainval.txt": "cat/000.png\n"},
        {"cat/about.xml": "<annotation/>"},
        {"cat/layout.xml": "<html/>", "sheet.xml": "<sheet/>"},
        {"annotations/readme.txt": "none"},
        {"group1/x_not/readme.md": "none"},
    ],
)
def test_stray_files_do_not_make_a_folder_of_classes_something_else(
    stray: dict[str, str], tmp_path: Path, picture: Callable[..., Path]
) -> None:
    for number in range(4):
        picture(tmp_path / ("cat", "dog")[number % 2] / f"{number:03d}.png", number)
    write(tmp_path, stray)
    assert format_of(tmp_path) is FORMATS.load("folder")


def test_links_out_of_the_folder_do_not_decide(tmp_path: Path) -> None:
    write(tmp_path, {"away/data.yaml": "names: [a]\ntrain: images\n"})
    (tmp_path / "set").mkdir()
    (tmp_path / "set/data.yaml").symlink_to(tmp_path / "away/data.yaml")
    assert format_of(tmp_path / "set") is FORMATS.load("folder")


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({"train", "test"}, {"train": "train", "test": "test"}),
        ({"Train", "VALID"}, {"Train": "train", "VALID": "val"}),
        ({"train", "test", "extra"}, {"train": "train", "test": "test"}),
        ({"test"}, {"test": "test"}),
        ({"train", "car"}, {}),
        ({"valid", "invalid"}, {}),
        ({"test", "val", "other"}, {}),
        (set(), {}),
    ],
)
def test_which_folders_are_a_split(names: set[str], expected: dict[str, Split]) -> None:
    assert split_folders(names) == expected


def test_one_class_written_in_two_ways_of_unicode(tmp_path: Path, picture: Callable[..., Path]) -> None:
    picture(tmp_path / "caf\u00e9/1.png", 1)
    picture(tmp_path / "cafe\u0301/2.png", 2)
    labels = {each.labels for each in read(tmp_path, "*") if isinstance(each, RawSample)}
    assert labels == {("caf\u00e9",)}
