"""torchvision's missing operators, against the plainest implementation."""

import subprocess
import sys

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.train.torchvision_ops import import_torchvision, nms
from sightline.values.boxes import Boxes
from sightline.values.image import Size


def plain_nms(boxes: np.ndarray, scores: np.ndarray, threshold: float) -> list[int]:
    iou = Boxes(boxes, Size(1, 1)).iou(Boxes(boxes, Size(1, 1)))
    kept: list[int] = []
    for index in np.argsort(-scores, kind="stable").tolist():
        if all(iou[index, other] <= threshold for other in kept):
            kept.append(index)
    return kept


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 40), st.floats(0.05, 0.95), st.integers(0, 10_000))
def test_nms_keeps_what_the_plain_loop_keeps(count: int, threshold: float, seed: int) -> None:
    dice = np.random.default_rng(seed)
    corners = dice.uniform(0, 100, (count, 2))
    boxes = np.hstack([corners, corners + dice.uniform(1, 60, (count, 2))])
    scores = dice.uniform(0, 1, count)
    kept = nms(torch.from_numpy(boxes), torch.from_numpy(scores), threshold)
    assert kept.tolist() == plain_nms(boxes, scores, threshold)


def test_torchvision_suppresses_through_its_own_function() -> None:
    torchvision = import_torchvision()
    boxes = torch.tensor([[0.0, 0, 10, 10], [1, 1, 10, 10], [20, 20, 30, 30]])
    assert torchvision.ops.nms(boxes, torch.tensor([0.5, 0.9, 0.1]), 0.5).tolist() == [1, 2]


def test_torchvision_and_timm_import_in_a_fresh_process() -> None:
    program = (
        "from sightline.train.torchvision_ops import import_timm, import_torchvision\n"
        "import_timm(); import_torchvision(); import_torchvision()\n"
        "print(import_torchvision().ops.nms.__name__)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "nms"
