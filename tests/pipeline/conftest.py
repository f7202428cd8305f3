"""A built workspace, whole or as a copy that a test may change."""

import shutil
from pathlib import Path

import pytest

from command_line import Product, product

__all__ = ["product", "shop"]


@pytest.fixture
def shop(product: Product, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the product's workspace; it is the current folder."""
    copy = tmp_path / "shop"
    shutil.copytree(product.workspace, copy)
    monkeypatch.chdir(copy)
    return copy
