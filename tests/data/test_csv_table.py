from pathlib import Path

import pytest

from sightline.data.csv_table import read_table
from sightline.errors import DatasetError


def table(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "t.csv"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    "data",
    [
        b"path,camera,site\na/1.jpg,A,north\n",
        b"\xef\xbb\xbfpath,camera,site\r\na/1.jpg,A,north\r\n",
        b"camera;path;site\nA;a/1.jpg;north\n",
        b"path\tcamera\tsite\n./a/1.jpg\tA\tnorth\n\n",
        b'"path","camera","site"\n"a\\1.jpg","A","north"\n',
        b"path,camera,site\na/1.jpg,A,north\na/1.jpg,A,north",
    ],
)
def test_the_ways_in_which_people_write_tables(tmp_path: Path, data: bytes) -> None:
    read = read_table(table(tmp_path, data), "--meta")
    assert read.columns == ("camera", "site")
    assert read.row("a/1.jpg") == ("A", "north")
    assert read.row("a/2.jpg") is None
    assert read.without_picture(["a/1.jpg"]) == []
    assert read.without_picture(["b.jpg"]) == ["a/1.jpg"]


def test_both_ways_of_unicode_are_one_path(tmp_path: Path) -> None:
    read = read_table(table(tmp_path, "path,x\ncafe\u0301.jpg,1\n".encode()), "--meta")
    assert read.row("caf\u00e9.jpg") == ("1",)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "begin with a line"),
        (b"file,camera\na.jpg,A\n", "'path'"),
        (b"path,camera,camera\na.jpg,A,B\n", "different column names"),
        (b"path,camera\na.jpg\n", "row 2 has 1 cells"),
        (b"path,camera\na.jpg,A\na.jpg,B\n", "row 3 says something else about 'a.jpg'"),
        (b"path,camera\n\xff.jpg,A\n", "UTF-8"),
        ("path,camera\na.jpg,A\n".encode("utf-16"), "UTF-8"),
        (b'path,camera\n"a.jpg,A\n', "not a CSV file"),
        (b"path,camera\n" + b"x" * 200_000 + b",A\n", "not a CSV file"),
    ],
)
def test_what_is_no_table_is_one_line(tmp_path: Path, data: bytes, words: str) -> None:
    with pytest.raises(DatasetError) as caught:
        read_table(table(tmp_path, data), "--meta")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_table(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"--split 'gone.csv' cannot be read"):
        read_table(tmp_path / "gone.csv", "--split")
