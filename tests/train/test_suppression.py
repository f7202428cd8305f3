"""Suppression in torch, against a plain loop over single boxes."""

import numpy as np
import pytest
import torch

from sightline.train.arch.base import Found
from sightline.train.suppression import suppress
from sightline.values.boxes import Boxes
from sightline.values.contract import Suppression
from sightline.values.image import Size

SIZE = Size(100, 80)


def plain(boxes: np.ndarray, scores: np.ndarray, rule: Suppression) -> list[tuple[float, int, int]]:
    """(score, place, class) of what is kept, as the contract says it, one after the other."""
    pairs = [(float(s), place, c) for place, row in enumerate(scores) for c, s in enumerate(row)]
    best = sorted((p for p in pairs if p[0] > rule.least_score), reverse=True)[: rule.candidates]
    clipped = [Boxes.of([box], SIZE, "xyxy").clipped() for box in boxes]
    kept: list[tuple[float, int, int]] = []
    for pair in best:
        rivals = [each for each in kept if each[2] == pair[2]]
        if all(float(clipped[pair[1]].iou(clipped[each[1]])[0, 0]) <= rule.iou for each in rivals):
            kept.append(pair)
    return kept[: rule.detections]


@pytest.mark.parametrize("rule", [Suppression(), Suppression(0.3, 0.4, 20, 5), Suppression(1.0, 0.0, 30, 30)])
@pytest.mark.parametrize("seed", range(4))
def test_it_keeps_what_a_plain_loop_keeps(rule: Suppression, seed: int) -> None:
    dice = np.random.default_rng(seed)
    low = dice.uniform(-10, 70, (40, 2))
    boxes = np.hstack([low, low + dice.uniform(5, 40, (40, 2))]).astype(np.float32)
    scores = dice.uniform(0, 1, (40, 3)).astype(np.float32)
    found = Found(torch.tensor(boxes)[None], torch.tensor(scores)[None], torch.empty(1, 1), ())
    (got,) = suppress(found, SIZE, rule)
    wanted = plain(boxes, scores, rule)
    assert got.scores.tolist() == pytest.approx([score for score, _, _ in wanted])
    assert got.classes.tolist() == [number for _, _, number in wanted]
    limit = np.array([SIZE.width, SIZE.height] * 2)
    assert np.allclose(got.boxes.xyxy, [np.clip(boxes[place], 0, limit) for _, place, _ in wanted])


def test_nothing_above_the_least_score_is_nothing_found() -> None:
    (got,) = suppress(
        Found(torch.zeros(1, 5, 4), torch.zeros(1, 5, 2), torch.empty(1, 1), ()), SIZE, Suppression()
    )
    assert len(got) == 0
