import inspect
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sightline.infer.walking import find_pictures
from sightline.values.prediction import Unanswered

Put = Callable[..., Path]


def test_a_folder_is_walked_by_name_and_only_pictures_count(tmp_path: Path, put: Put) -> None:
    wanted = [put("a.PNG"), put("b/c.jpeg"), put("b/d/e.tif"), put("f.pgm")]
    for name in ("notes.txt", ".hidden.png", ".folder/x.png", "._a.PNG", "noextension"):
        put(name)
    assert list(find_pictures([tmp_path])) == wanted


def test_what_was_named_comes_whatever_it_is_called(tmp_path: Path, put: Put) -> None:
    named = [put("z.dat"), put(".hidden"), tmp_path / "absent.png", put("a.png")]
    assert list(find_pictures(named)) == named


def test_links_to_folders_do_not_make_a_walk_endless(tmp_path: Path, put: Put) -> None:
    picture = put("in/a.png")
    (tmp_path / "in" / "again").symlink_to(tmp_path / "in")
    (tmp_path / "in" / "b.png").symlink_to(picture)
    assert list(find_pictures([tmp_path])) == [picture, tmp_path / "in" / "b.png"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_a_folder_that_cannot_be_read_is_told(tmp_path: Path, put: Put) -> None:
    picture = put("b.png")
    closed = tmp_path / "a"
    closed.mkdir(mode=0)
    assert list(find_pictures([tmp_path])) == [
        Unanswered(str(closed), "the folder cannot be read: Permission denied"),
        picture,
    ]


def test_a_folder_gone_since_it_was_seen_is_told(tmp_path: Path, put: Put) -> None:
    put("a.png")
    (tmp_path / "b").mkdir()
    walk = find_pictures([tmp_path])
    next(walk)
    (tmp_path / "b").rmdir()
    (gone,) = walk
    assert isinstance(gone, Unanswered)
    assert "No such file" in gone.reason


def test_a_tree_deeper_than_the_stack(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["d"] * 200)
    deep.mkdir(parents=True)
    (deep / "a.png").touch()
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + 100)
    try:
        found = list(find_pictures([tmp_path]))
    finally:
        sys.setrecursionlimit(limit)
    assert found == [deep / "a.png"]
