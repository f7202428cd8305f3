from collections.abc import Callable
from pathlib import Path

import pytest

from sightline.data.formats import FORMATS
from sightline.data.formats.base import RawSample
from sightline.data.formats.folder import read, split_folders
from sightline.values.dataset import Split


@pytest.mark.parametrize("name", FORMATS.names())
def test_every_format_refuses_what_is_no_folder_and_reads_none(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert FORMATS.load(name).recognises(tmp_path / "file") is False
    assert list(FORMATS.load("folder").read(tmp_path, "*.none")) != []


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
