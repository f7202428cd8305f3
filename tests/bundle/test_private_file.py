import os
from pathlib import Path

import pytest

from sightline.bundle.private_file import read_private, write_private
from sightline.errors import InputError, StorageError


def test_written_for_the_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "secret"
    assert write_private(path, b"one", replace=False)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert read_private(path, forbidden=0o077) == b"one"
    assert [file.name for file in path.parent.iterdir()] == ["secret"]


def test_kept_unless_told_to_replace(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    write_private(path, b"one", replace=True)
    assert not write_private(path, b"two", replace=False)
    assert path.read_bytes() == b"one"
    assert write_private(path, b"two", replace=True)
    assert path.read_bytes() == b"two"
    assert [file.name for file in tmp_path.iterdir()] == ["secret"]


def test_absent(tmp_path: Path) -> None:
    assert read_private(tmp_path / "secret", forbidden=0o077) is None


def test_open_to_others(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    write_private(path, b"one", replace=True)
    path.chmod(0o640)
    with pytest.raises(InputError, match=r"open to others \(mode 640\); close it with: chmod 600"):
        read_private(path, forbidden=0o077)
    assert read_private(path, forbidden=0o022) == b"one"


def test_not_a_plain_file(tmp_path: Path) -> None:
    write_private(tmp_path / "real", b"one", replace=True)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(InputError, match="is a link"):
        read_private(tmp_path / "link", forbidden=0o077)
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(InputError, match="not a plain file"):
        read_private(tmp_path / "pipe", forbidden=0o077)
    with pytest.raises(InputError, match="not a plain file"):
        read_private(tmp_path, forbidden=0)


def test_too_large(tmp_path: Path) -> None:
    write_private(tmp_path / "big", bytes(5), replace=True)
    with pytest.raises(InputError, match="has 5 bytes; at most 4"):
        read_private(tmp_path / "big", forbidden=0o077, limit=4)


def test_the_disk_refuses(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match="cannot write"):
        write_private(tmp_path / "file" / "secret", b"", replace=True)
    with pytest.raises(StorageError, match="cannot read"):
        read_private(tmp_path / ("x" * 300), forbidden=0)
