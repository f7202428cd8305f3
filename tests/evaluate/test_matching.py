"""Figures made of the matches of single pictures are those of faster-coco-eval itself."""

import numpy as np
import pytest
from faster_coco_eval import COCO, COCOeval_faster

from evaluate.drawn_objects import Pictures, detections, draw, objects
from sightline.evaluate.average_precision import average_precision, class_precisions, precision_curve
from sightline.evaluate.matches import AREAS, IOUS, MOST_DETECTIONS, Matches
from sightline.evaluate.matching import match
from sightline.evaluate.measure import measure, metrics_of
from sightline.values.objects import Detections

COCO_NAMES = {
    "ap": "AP_all",
    "ap50": "AP_50",
    "ap75": "AP_75",
    "ap_small": "AP_small",
    "ap_medium": "AP_medium",
    "ap_large": "AP_large",
}


def as_the_library_has_it(pictures: Pictures, classes: int) -> COCOeval_faster:
    """The plain way from annotations to totals, as its documentation has it."""
    truth, answers = pictures
    rows = [
        {
            "image_id": i,
            "category_id": int(c) + 1,
            "bbox": box.tolist(),
            "area": float(area),
            "iscrowd": int(mark),
        }
        for i, each in enumerate(truth)
        for c, box, area, mark in zip(
            each.classes, each.boxes.to("xywh"), each.boxes.areas, each.ignored, strict=True
        )
    ]
    results = [
        {"image_id": i, "category_id": int(c) + 1, "bbox": box.tolist(), "score": float(score)}
        for i, each in enumerate(answers)
        for c, box, score in zip(each.classes, each.boxes.to("xywh"), each.scores, strict=True)
    ]
    stored = COCO(
        {
            "images": [{"id": i} for i in range(len(truth))],
            "categories": [{"id": c + 1, "name": str(c)} for c in range(classes)],
            "annotations": [{"id": k + 1, **row} for k, row in enumerate(rows)],
        }
    )
    judged = COCOeval_faster(stored, stored.loadRes(results), "bbox")
    judged.params.maxDets = [1, 10, MOST_DETECTIONS]
    judged.run()
    return judged


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("classes", "used", "crowd"), [(3, 3, 0.0), (4, 2, 0.2), (1, 1, 0.1)])
def test_weights_of_one_give_the_library_s_own_totals(
    seed: int, classes: int, used: int, crowd: float
) -> None:
    pictures = draw(np.random.default_rng(seed), 25, classes=classes, used=used, crowd=crowd)
    matches, judged = match(*pictures, classes), as_the_library_has_it(pictures, classes)
    theirs = judged.stats_as_dict
    assert set(COCO_NAMES) == set(metrics_of("detection"))
    for ours, name in COCO_NAMES.items():
        assert measure(ours, matches) == pytest.approx(theirs[name], abs=1e-6), ours
    assert average_precision(*pictures, classes) == pytest.approx(theirs["AP_all"], abs=1e-6)
    precision = judged.eval["precision"][:, :, :, 0, -1]
    one = np.ones((1, matches.pictures))
    for c, found in enumerate(class_precisions(matches, one)[0]):
        if c < used:
            assert found == pytest.approx(precision[:, :, c].mean(), abs=1e-6)
            curve = precision_curve(matches.by_area["all"][c])
            assert curve == pytest.approx(precision[0, :, c], abs=1e-6)
        else:
            assert np.isnan(found)
            assert (precision[:, :, c] == -1).all()


def test_crowded_pictures_are_cut_at_three_hundred_of_a_class() -> None:
    rng = np.random.default_rng(3)
    pictures = draw(rng, 3, objects=40, false=900, classes=2)
    matches = match(*pictures, 2)
    theirs = as_the_library_has_it(pictures, 2).stats_as_dict
    assert measure("ap", matches) == pytest.approx(theirs["AP_all"], abs=1e-6)
    assert max(np.bincount(each.picture).max() for each in matches.by_area["all"]) == MOST_DETECTIONS


def test_equal_scores_are_taken_in_the_order_of_the_pictures() -> None:
    truth, answers = draw(np.random.default_rng(8), 20)
    rounded = [Detections(each.boxes, each.classes, each.scores.round(1)) for each in answers]
    theirs = as_the_library_has_it((truth, rounded), 3).stats_as_dict
    assert measure("ap", match(truth, rounded, 3)) == pytest.approx(theirs["AP_all"], abs=1e-6)


def test_who_found_what_by_hand() -> None:
    truth = [
        objects(
            [[0, 0, 100, 100], [200, 200, 210, 210], [300, 0, 400, 100]], [0, 0, 0], [False, False, True]
        ),
        objects([], []),
    ]
    answers = [
        detections(
            [[0, 0, 100, 90], [0, 0, 100, 100], [310, 10, 390, 90], [200, 200, 210, 216]],
            [0, 0, 0, 0],
            [0.9, 0.8, 0.7, 0.6],
        ),
        detections([[0, 0, 50, 50]], [0], [0.75]),
    ]
    table = match(truth, answers, 1).by_area["all"][0]
    assert table.objects.tolist() == [2, 0], "an ignored object is not asked for"
    assert table.score.tolist() == [0.9, 0.8, 0.75, 0.7, 0.6]
    assert table.picture.tolist() == [0, 0, 1, 0, 0]
    assert table.index.tolist() == [0, 1, 0, 2, 3]
    assert table.partner.tolist() == [0, -1, -1, 2, 1]
    assert table.hits[0].tolist() == [True, False, False, False, True], "one object, one find"
    assert table.counts[0].tolist() == [True, True, True, False, True], "nor is a find of an ignored one held"
    assert table.hits[IOUS.searchsorted(0.7)].tolist() == [True, False, False, False, False]
    small, large = (match(truth, answers, 1).by_area[area][0] for area in ("small", "large"))
    assert (small.objects.tolist(), large.objects.tolist()) == ([1, 0], [1, 0])
    assert small.hits[0].tolist() == [False, False, False, False, True]
    assert small.counts[0].tolist() == [False, False, False, False, True]


def test_pictures_without_anything() -> None:
    nothing: Matches = match([objects([], [])] * 3, [detections([], [], [])] * 3, 2)
    assert (nothing.pictures, nothing.classes, nothing.detections) == (3, 2, 0)
    for name in metrics_of("detection"):
        assert np.isnan(measure(name, nothing))
    unseen = match([objects([[0, 0, 50, 50]], [1])], [detections([], [], [])], 2)
    assert measure("ap", unseen) == 0
    assert measure("ap_medium", unseen) == 0
    assert np.isnan(measure("ap_small", unseen))


def test_areas_are_those_of_coco() -> None:
    assert {name: AREAS[name] for name in ("small", "medium")} == {"small": (0, 1024), "medium": (1024, 9216)}


def test_what_cannot_be_matched_is_refused() -> None:
    with pytest.raises(ValueError, match="1 pictures with a truth came with answers to 0"):
        match([objects([], [])], [], 1)
    with pytest.raises(ValueError, match=r"class numbers lie in 0\.\.0, got \[1\]"):
        match([objects([[0, 0, 5, 5]], [1])], [detections([], [], [])], 1)


def test_it_says_nothing(capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    match(*draw(np.random.default_rng(0), 2), 3)
    assert capsys.readouterr() == ("", "")
    assert not caplog.records
