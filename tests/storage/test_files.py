import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from sightline.errors import StorageError
from sightline.storage.files import (
    atomic_file,
    confined,
    create_atomic,
    make_folder,
    read_bytes,
    sha256_bytes,
    sha256_file,
    write_atomic,
)


@contextmanager
def no_file_larger_than(size: int) -> Iterator[None]:
    """The operating system refuses to write more, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def test_a_file_is_written_with_its_folders_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file"
    write_atomic(path, b"one")
    write_atomic(path, b"two")
    assert path.read_bytes() == b"two"
    assert names(path.parent) == ["file"]


def test_mode_is_that_of_any_new_file(tmp_path: Path) -> None:
    write_atomic(tmp_path / "ours", b"")
    (tmp_path / "plain").touch()
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_block_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomic(path, b"old")

    def read_something_else_half_way() -> None:
        with atomic_file(path) as file:
            file.write(b"new")
            (tmp_path / "none").read_bytes()

    with pytest.raises(FileNotFoundError):
        read_something_else_half_way()
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


@pytest.mark.parametrize("size", [5_000, 5_000_000])
def test_a_disk_that_refuses_is_one_line_and_leaves_what_was_there(tmp_path: Path, size: int) -> None:
    path = tmp_path / "two\nlines"
    write_atomic(path, b"old")
    with no_file_larger_than(4096):
        with pytest.raises(StorageError, match=r"cannot write .*File too large") as caught:
            write_atomic(path, bytes(size))
        with pytest.raises(StorageError, match="File too large"):
            create_atomic(tmp_path / "fresh", bytes(size))
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["two\nlines"]


def test_no_space_says_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="No space left on device; free some space and try again"):
        write_atomic(tmp_path / "file", b"data")
    assert names(tmp_path) == []


def test_a_part_that_cannot_be_removed_does_not_hide_what_happened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(path: Path, *, missing_ok: bool = False) -> None:
        raise OSError(5, os.strerror(5))

    monkeypatch.setattr(Path, "unlink", broken)
    write_atomic(tmp_path / "file", b"data")
    assert (tmp_path / "file").read_bytes() == b"data"
    assert create_atomic(tmp_path / "fresh", b"data")
    with pytest.raises(ValueError, match="mine"), atomic_file(tmp_path / "file"):
        raise ValueError("mine")


def test_what_is_no_plain_file_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name in ("folder", "pipe"):
        with pytest.raises(StorageError, match="not a plain file"):
            write_atomic(tmp_path / name, b"data")
    assert names(tmp_path) == ["folder", "pipe"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    write_atomic(tmp_path / "link", b"data")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "elsewhere").read_bytes() == b"data"


def test_a_name_may_be_as_long_as_the_disk_allows(tmp_path: Path) -> None:
    write_atomic(tmp_path / ("n" * 255), b"data")
    with pytest.raises(StorageError, match="choose a shorter name"):
        write_atomic(tmp_path / ("n" * 256), b"data")


def test_of_several_creators_one_wins(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda number: create_atomic(path, bytes([number])), range(8)))
    assert won.count(True) == 1
    assert path.read_bytes() == bytes([won.index(True)])
    assert names(tmp_path) == ["file"]


def test_a_killed_writer_leaves_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    program = (
        "import sys; from pathlib import Path; from sightline.storage.files import write_atomic\n"
        "while True:\n    for letter in b'ab': write_atomic(Path(sys.argv[1]), bytes([letter]) * 2_000_000)"
    )
    process = subprocess.Popen([sys.executable, "-c", program, str(path)])
    while not path.exists():
        time.sleep(0.005)
    for _ in range(50):
        data = path.read_bytes()
        assert len(data) == 2_000_000
        assert data.count(data[0]) == len(data)
    process.send_signal(signal.SIGKILL)
    process.wait()
    data = path.read_bytes()
    assert len(data) == 2_000_000
    assert data.count(data[0]) == len(data)


def test_folders_are_made_and_may_be_there(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b")
    make_folder(tmp_path / "a" / "b")
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(StorageError, match="cannot make the folder"):
            make_folder(path)


def test_hashes(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    wanted = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256_bytes(b"abc") == wanted
    assert sha256_file(tmp_path / "file") == wanted
    assert read_bytes(tmp_path / "file") == b"abc"
    for read in (sha256_file, read_bytes):
        with pytest.raises(StorageError, match=r"cannot read .*No such file"):
            read(tmp_path / "none")


def test_confined_paths(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "out").symlink_to(tmp_path)
    root = tmp_path / "root"
    assert confined(root, "models/a.sight") == root.resolve() / "models" / "a.sight"
    assert confined(root, "models/../a") == root.resolve() / "a"
    for relative in ("..", "../x", "a/../../x", "/etc/passwd", "out/x", "", ".", "a\0b"):
        with pytest.raises(StorageError, match="leads out of"):
            confined(root, relative)
