import os
from pathlib import Path

import pytest

from sightline.data.tree import asked_for, one_line, walk
from sightline.values.dataset import SetAside


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def names(root: Path) -> set[str]:
    return {found for found in walk(root) if isinstance(found, str)}


def reasons(root: Path) -> dict[str, str]:
    return {found.path: found.reason for found in walk(root) if isinstance(found, SetAside)}


def test_files_are_found_at_any_depth_and_hidden_ones_passed_over(tmp_path: Path) -> None:
    for path in (
        "a.jpg",
        "x/b.jpg",
        "x/y/z/c.txt",
        ".DS_Store",
        ".git/d.jpg",
        "x/._b.jpg",
        "__MACOSX/x/b.jpg",
    ):
        touch(tmp_path / path)
    assert names(tmp_path) == {"a.jpg", "x/b.jpg", "x/y/z/c.txt"}
    assert reasons(tmp_path) == {}


def test_a_link_counts_as_its_file_only_inside(tmp_path: Path) -> None:
    root = tmp_path / "root"
    touch(root / "a/real.jpg")
    touch(tmp_path / "secret.jpg")
    (root / "a/inside.jpg").symlink_to("real.jpg")
    (root / "a/outside.jpg").symlink_to(tmp_path / "secret.jpg")
    (root / "a/nothing.jpg").symlink_to("gone.jpg")
    (root / "a/self.jpg").symlink_to("self.jpg")
    assert names(root) == {"a/real.jpg", "a/inside.jpg"}
    assert set(reasons(root)) == {"a/outside.jpg", "a/nothing.jpg", "a/self.jpg"}
    assert "out of the folder" in reasons(root)["a/outside.jpg"]


def test_a_neighbour_with_the_same_beginning_is_outside(tmp_path: Path) -> None:
    touch(tmp_path / "root-2/x.jpg")
    (tmp_path / "root").mkdir()
    (tmp_path / "root/x.jpg").symlink_to(tmp_path / "root-2/x.jpg")
    assert names(tmp_path / "root") == set()


def test_links_to_folders_cannot_run_in_circles(tmp_path: Path) -> None:
    touch(tmp_path / "a/x.jpg")
    (tmp_path / "a/up").symlink_to(tmp_path)
    assert names(tmp_path) == {"a/x.jpg"}
    assert reasons(tmp_path) == {"a/up": "a link to a folder, which is not followed"}


def test_the_root_itself_may_be_a_link(tmp_path: Path) -> None:
    touch(tmp_path / "real/a/x.jpg")
    (tmp_path / "real/a/y.jpg").symlink_to("x.jpg")
    (tmp_path / "link").symlink_to("real")
    assert names(tmp_path / "link") == {"a/x.jpg", "a/y.jpg"}


def test_pipes_are_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.jpg")
    assert reasons(tmp_path) == {"x.jpg": "neither a file nor a folder"}


@pytest.mark.parametrize(
    ("name", "written"),
    [(b"a\nb.jpg", r"a\nb.jpg"), (b"\x1b[2J.jpg", r"\x1b[2J.jpg"), (b"a\xff.jpg", r"a\udcff.jpg")],
)
def test_names_that_break_a_line_or_are_no_text_are_set_aside_in_one_line(
    tmp_path: Path, name: bytes, written: str
) -> None:
    touch(Path(os.fsdecode(os.fsencode(tmp_path / "a") + b"/" + name)))
    assert names(tmp_path) == set()
    [(path, reason)] = reasons(tmp_path).items()
    assert path == f"a/{written}"
    path.encode()
    assert "rename" in reason


def test_a_folder_with_such_a_name_is_one_entry(tmp_path: Path) -> None:
    for number in range(3):
        touch(tmp_path / f"bad\nfolder/{number}.jpg")
    assert set(reasons(tmp_path)) == {r"bad\nfolder"}


def test_ordinary_unicode_stays(tmp_path: Path) -> None:
    touch(tmp_path / "Bild\u202f1 – 猫.jpg")
    assert one_line("Bild\u202f1 – 猫.jpg") in names(tmp_path)


@pytest.mark.parametrize(
    ("include", "path", "wanted"),
    [
        ("*", "a/x.JPG", True),
        ("*", "a/x.pgm", True),
        ("*", "a/x.txt", False),
        ("*", "a/x", False),
        ("*.jpg", "a/Imgs/x.JPG", True),
        ("*.jpg", "a/x.png", False),
        ("*.dat", "a/x.dat", True),
        ("exp[12]_*", "deep/exp2_x.jpg", True),
        ("a/*.jpg", "a/b/x.jpg", True),
        ("a/*.jpg", "b/a/x.jpg", False),
        ("./a/*", "a/x.jpg", True),
        ("[", "a/x.jpg", False),
    ],
)
def test_include(include: str, path: str, wanted: bool) -> None:
    assert asked_for(include)(path) is wanted
