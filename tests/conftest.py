"""Fixtures that every room's tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# How long an example takes is the machine's business, not the test's.
settings.register_profile("sightline", deadline=None)
settings.load_profile("sightline")

_SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real pictures beside the checkout; skips where a clone has none."""
    if not _SHARED_DATA.is_dir():
        pytest.skip("real pictures are absent: no folder shared/data beside the checkout")
    return _SHARED_DATA


@pytest.fixture(autouse=True)
def own_configuration(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test has a configuration folder of its own, never the user's."""
    folder = tmp_path_factory.mktemp("config")
    monkeypatch.setenv("SIGHTLINE_CONFIG_DIR", str(folder))
    return folder


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """All tests share one cache folder, never the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIGHTLINE_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield
