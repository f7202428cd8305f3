"""Pictures at half size, and their boxes with them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from sightline.train.batches import CELL, AllObjects
from sightline.values.boxes import Boxes
from sightline.values.image import Size
from sightline.values.objects import Objects
from train_bench import make_bench


def test_half_a_loader_shows_the_same_pictures_smaller(tmp_path: Path) -> None:
    train = make_bench(tmp_path, side=64, augment={}).loaders.train
    half = replace(train, half=True)
    assert half.size == Size(32, 32)
    large, small = (next(each.shuffled(0, 1)) for each in (train, half))
    assert np.array_equal(large.indices, small.indices)
    assert small.images.shape[2:] == (32, 32)
    assert small.images.is_contiguous(memory_format=torch.channels_last)
    means = [each.images.mean((2, 3)) for each in (large, small)]
    assert torch.allclose(means[0], means[1], atol=0.05)


def test_boxes_are_in_pixels_of_the_size_that_is_asked_for() -> None:
    objects = Objects(Boxes(np.array([[10, 20, 30, 60]]), Size(100, 80)), np.array([1]), np.array([False]))
    truth = AllObjects((objects,), None)
    (target,) = truth.of(np.array([0]), None, Size(50, 20), torch.device("cpu"))
    assert target.boxes.tolist() == [[5, 5, 15, 15]]
    (same,) = truth.of(np.array([0]), None, Size(100, 80), torch.device("cpu"))
    assert same.boxes.tolist() == [[10, 20, 30, 60]]


@given(st.integers(1, 4000), st.integers(1, 4000))
def test_half_a_size_is_whole_cells(width: int, height: int) -> None:
    half = Size(width, height).halved(CELL)
    for side, halved in ((width, half.width), (height, half.height)):
        if side < 2 * CELL:
            assert halved == side
        else:
            assert halved % CELL == 0
            assert abs(halved - side / 2) <= CELL / 2
