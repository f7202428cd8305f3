"""Pictures decoded once, and what happens where that is not possible."""

import subprocess
import sys
from pathlib import Path

import numpy as np

from sightline.train.pixel_cache import PictureReader, open_pixels
from sightline.values.contract import PixelRecipe
from sightline.values.image import Size
from train_bench import draw_samples, make_bench


def test_pictures_that_changed_or_vanished_are_set_aside(tmp_path: Path) -> None:
    samples = draw_samples(tmp_path, 8)
    (tmp_path / samples[2].path).unlink()
    (tmp_path / samples[5].path).write_bytes((tmp_path / samples[4].path).read_bytes())
    reader = PictureReader(tmp_path, samples, PixelRecipe(Size(16, 16)))
    cached = open_pixels(reader, tmp_path / "cache", 10**6, 2)
    assert cached.usable.tolist() == [0, 1, 3, 4, 6, 7]
    assert "changed since" in cached.set_aside[5].reason
    direct = open_pixels(reader, tmp_path / "cache", 0, 2)
    pixels, kept = direct.read(np.arange(8))
    assert kept.tolist() == [0, 1, 3, 4, 6, 7]
    assert np.array_equal(pixels, cached.read(kept)[0])
    assert sorted(direct.set_aside) == [2, 5]
    assert {gone.path for gone in direct.newly_set_aside()} == {samples[2].path, samples[5].path}
    (tmp_path / samples[0].path).unlink()
    direct.read(np.arange(2))
    assert [gone.path for gone in direct.newly_set_aside()] == [samples[0].path]
    assert direct.newly_set_aside() == ()


def test_the_cache_leaves_no_file_behind(tmp_path: Path) -> None:
    make_bench(tmp_path)
    assert list((tmp_path / "cache").iterdir()) == []


def test_no_room_for_the_cache_is_said_and_training_goes_on(tmp_path: Path) -> None:
    """With a limit on file sizes the reservation fails as on a full disk, and nothing is killed."""
    draw_samples(tmp_path, 8)
    program = f"""
import resource
from pathlib import Path
from train_bench import draw_samples
from sightline.train.pixel_cache import PictureReader, open_pixels
from sightline.values.contract import PixelRecipe
from sightline.values.image import Size
import numpy as np
samples = draw_samples(Path({str(tmp_path)!r}), 8)
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
reader = PictureReader(Path({str(tmp_path)!r}), samples, PixelRecipe(Size(16, 16)))
source = open_pixels(reader, Path({str(tmp_path / "cache")!r}), 10**6, 2)
print(source.note)
print(source.read(np.arange(8))[0].shape)
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[1],
    )
    assert "no room for a cache" in done.stdout
    assert "(8, 16, 16, 3)" in done.stdout
