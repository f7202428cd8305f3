"""Small folders of pictures, all different unless asked otherwise."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sightline.values.image import Pixels

Tree = Callable[[Mapping[str, int]], Path]


def noise(seed: int, side: int = 16) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)


def put(path: Path, seed: int, form: str | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(noise(seed)).save(path, format=form)
    return path


@pytest.fixture
def picture() -> Callable[..., Path]:
    """``picture(path, seed, form=None)`` writes one picture; equal seeds give equal pixels."""
    return put


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """``tree({"cat": 5, "dog/deeper": 4})`` makes a folder with so many PNG files in each."""

    def make(counts: Mapping[str, int]) -> Path:
        root = tmp_path / "pictures"
        seed = 0
        for folder, count in counts.items():
            for number in range(count):
                put(root / folder / f"{number:03d}.png", seed)
                seed += 1
        root.mkdir(exist_ok=True)
        return root

    return make
