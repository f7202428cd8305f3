"""What the environment decides."""

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sightline.errors import InputError
from sightline.settings import settings, work_in_background
from sightline.workspace import Workspace


def test_the_environment_decides_folder_and_threads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SIGHTLINE_CONFIG_DIR", str(tmp_path))
    monkeypatch.setenv("SIGHTLINE_THREADS", "3")
    assert settings().config_dir == tmp_path
    assert settings().threads == 3
    monkeypatch.delenv("SIGHTLINE_CONFIG_DIR")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    monkeypatch.delenv("SIGHTLINE_THREADS")
    assert settings().config_dir == tmp_path / "xdg" / "sightline"
    monkeypatch.setenv("SIGHTLINE_CACHE_DIR", str(tmp_path))
    assert settings().cache_dir == tmp_path
    monkeypatch.delenv("SIGHTLINE_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert settings().cache_dir == tmp_path / "xdg" / "sightline"
    assert settings().threads >= 1


@pytest.mark.parametrize("wrong", ["0", "-1", "two", "1.5"])
def test_an_impossible_number_of_threads_is_refused(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    monkeypatch.setenv("SIGHTLINE_THREADS", wrong)
    with pytest.raises(InputError, match="SIGHTLINE_THREADS"):
        settings()


def test_the_environment_may_name_the_catalogue(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    workspace = Workspace.init(tmp_path / "shop")
    elsewhere = tmp_path / "elsewhere.sqlite"
    monkeypatch.setenv("SIGHTLINE_CATALOGUE", f"sqlite:///{elsewhere}")
    assert workspace.releases() == ()
    assert elsewhere.is_file()
    assert not (workspace.layout.internal / "catalogue.sqlite").exists()


def test_work_in_the_background_lowers_one_thread_alone() -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux gives a thread a priority of its own")
    before = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    with ThreadPoolExecutor(1, initializer=work_in_background) as pool:
        after = pool.submit(lambda: os.getpriority(os.PRIO_PROCESS, threading.get_native_id())).result()
    assert after > before
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == before
