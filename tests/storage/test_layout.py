import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sightline.errors import WorkspaceError
from sightline.storage.layout import (
    Layout,
    WorkspaceConfig,
    find_workspace,
    init_workspace,
    read_config,
    write_config,
)


def test_a_workspace_is_found_from_the_nearest_folder_upwards(tmp_path: Path) -> None:
    assert find_workspace(tmp_path) is None
    outer = init_workspace(tmp_path)
    inner = init_workspace(tmp_path / "a" / "b")
    assert find_workspace(tmp_path / "a") == outer
    assert find_workspace(tmp_path / "a" / "b" / "not" / "there") == inner
    (tmp_path / "link").symlink_to(tmp_path / "a" / "b")
    assert find_workspace(tmp_path / "link") == inner


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to somebody else")
def test_a_settings_file_that_a_stranger_put_above_is_not_believed(tmp_path: Path) -> None:
    layout = init_workspace(tmp_path / "shared")
    below = layout.root / "mine"
    below.mkdir()
    os.chown(layout.toml, 54321, 54321)
    assert find_workspace(below) == layout
    layout.root.chmod(0o1777)
    with pytest.raises(WorkspaceError, match="another user's"):
        find_workspace(below)
    os.chown(layout.root, 54321, 54321)
    assert find_workspace(below) == layout


def test_a_changed_settings_file_is_as_private_as_it_was(tmp_path: Path) -> None:
    layout = init_workspace(tmp_path)
    layout.toml.chmod(0o600)
    write_config(layout, WorkspaceConfig(catalogue="postgresql://me:secret@host/db"))
    assert layout.toml.stat().st_mode & 0o777 == 0o600


def test_init_makes_the_folders_and_keeps_what_is_there(tmp_path: Path) -> None:
    layout = init_workspace(tmp_path / "new")
    assert all(folder.is_dir() for folder in (layout.models, layout.runs, layout.internal, layout.datasets))
    assert read_config(layout) == WorkspaceConfig()
    write_config(layout, WorkspaceConfig(("k",)))
    assert read_config(init_workspace(tmp_path / "new")).trusted_keys == ("k",)


def test_inits_at_once_lose_no_key_that_one_of_them_wrote(tmp_path: Path) -> None:
    def init_and_trust(number: int) -> None:
        layout = init_workspace(tmp_path)
        if number == 0:
            write_config(layout, WorkspaceConfig(("k",)))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(init_and_trust, range(8)))
    assert read_config(Layout(tmp_path)).trusted_keys == ("k",)


@pytest.mark.parametrize(
    "config",
    [
        WorkspaceConfig(),
        WorkspaceConfig(("a", "b"), "postgresql://u@h/d?options=-csearch_path%3Dx"),
        WorkspaceConfig(('quote " and \\', "é \U0001f600", "\x7f\x01\n", "]#'"), "x"),
    ],
)
def test_settings_come_back_as_written(tmp_path: Path, config: WorkspaceConfig) -> None:
    layout = init_workspace(tmp_path)
    write_config(layout, config)
    assert read_config(layout) == config


def test_comments_stay(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.toml.write_text("# ours\ncatalogue = 'x'\ntrusted_keys = [\n  'a', # Anna\n]  # two\n# end\n")
    write_config(layout, WorkspaceConfig(("b",), "y"))
    assert layout.toml.read_text() == '# ours\ncatalogue = "y"\ntrusted_keys = [\n    "b",\n]\n# end\n'
    layout.toml.write_text("# nothing set")
    write_config(layout, WorkspaceConfig(("b",), "y"))
    assert read_config(layout) == WorkspaceConfig(("b",), "y")
    assert "# nothing set" in layout.toml.read_text()


def test_a_file_that_cannot_be_changed_safely_is_left_alone(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    text = "'trusted_keys' = ['a']\n"
    layout.toml.write_text(text)
    with pytest.raises(WorkspaceError):
        write_config(layout, WorkspaceConfig(("b",)))
    assert layout.toml.read_text() == text


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"trusted_keys = [", "is not TOML"),
        (b"\xff", "is not UTF-8"),
        (b"trusted_key = []", "nothing reads 'trusted_key'; there are: catalogue, trusted_keys"),
        (b"trusted_keys = 'a'", "trusted_keys must be a list of texts"),
        (b"trusted_keys = [1]", "trusted_keys must be a list of texts"),
        (b"catalogue = 1", "catalogue must be a text"),
        (b"#" * 1_000_001, "too large"),
    ],
)
def test_a_bad_settings_file_is_one_line(tmp_path: Path, data: bytes, complaint: str) -> None:
    (tmp_path / "sightline.toml").write_bytes(data)
    with pytest.raises(WorkspaceError, match=complaint) as caught:
        read_config(Layout(tmp_path))
    assert "\n" not in str(caught.value)


def test_a_missing_settings_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match=r"cannot read .*No such file"):
        read_config(Layout(tmp_path))
