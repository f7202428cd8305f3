"""The whole job with boxes: drawn boards in, a sealed detector out, its answers and its successor."""

import csv
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from command_line import Done, run
from sightline.bundle.reference import read_reference
from sightline.data.sources.boards import draw_detection_folder
from sightline.values.evaluation import DetectionParity
from sightline.workspace import Workspace

pytest.importorskip("torch", reason="nothing can be built without the extra train")

SHORT = ("--arch", "anchor_free/small", "--size", "96", "--epochs", "2")


@pytest.fixture(scope="module")
def boards(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Done]]:
    """A workspace in which ``boards@1`` was built from ``pictures/``; it is the current folder."""
    folder = tmp_path_factory.mktemp("boards")
    draw_detection_folder(folder / "pictures", 40, seed=3, size=192)
    here = Path.cwd()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIGHTLINE_CONFIG_DIR", str(folder / "config"))
        os.chdir(folder)
        try:
            done = run("build", "pictures", "--name", "boards", *SHORT)
            assert done.status == 0, done.err
            yield folder, done
        finally:
            os.chdir(here)


def test_it_says_what_it_did(boards: tuple[Path, Done]) -> None:
    _, done = boards
    assert re.search(r"dataset: 40 pictures with \d+ boxes of 6 classes \(28 train, 6 val, 6 test", done.err)
    assert "weights: anchor_free/small from scratch" in done.err
    assert "refitted: 1 epochs with the 6 validation pictures too" in done.err
    assert "scores within" in done.err
    assert "boxes within" in done.err
    assert "test ap50: " in done.err
    assert "boards@1 is in production" in done.err


def test_the_bundle_is_a_detectors(boards: tuple[Path, Done]) -> None:
    folder, _ = boards
    bundle = Workspace.open(folder).bundle("boards")
    manifest = bundle.manifest
    contract = manifest.contract
    assert (contract.task, len(contract.classes)) == ("detection", 6)
    assert contract.suppression is not None
    assert (contract.suppression.iou, contract.suppression.detections) == (0.5, 300)
    assert [spec.name for spec in contract.outputs] == ["boxes", "scores", "classes", "count", "embedding"]
    assert isinstance(manifest.parity, DetectionParity)
    assert manifest.parity.passes
    assert set(manifest.thresholds) == set(contract.classes)
    assert {"ap", "ap50", "ap75"} <= set(manifest.metrics)
    assert manifest.calibration is None
    assert manifest.recipe.pixels.fit == "letterbox"
    assert len(read_reference(bundle.reference)) == 6
    assert "detector" in bundle.card.lower()


def test_the_report_shows_boxes(boards: tuple[Path, Done]) -> None:
    folder, _ = boards
    (report,) = folder.glob("runs/*/report.html")
    page = report.read_text()
    assert "AP50" in page
    assert "Augmented" in page or "augmented" in page
    assert page.count("data:image/jpeg;base64,") > 20


def test_answers_have_boxes_in_the_pictures_own_pixels(boards: tuple[Path, Done]) -> None:
    folder, _ = boards
    picture = next(iter(sorted((folder / "pictures/JPEGImages").glob("*.jpg"))))
    done = run("predict", "boards", picture)
    assert done.status == 0, done.err
    (line,) = done.out.splitlines()
    answer = json.loads(line)
    assert answer["size"] == [192, 192]
    for found in answer["objects"]:
        x0, y0, x1, y1 = found["box"]
        assert 0 <= x0 <= x1 <= 192
        assert 0 <= y0 <= y1 <= 192
    table = run("predict", "boards", picture, "--format", "csv")
    rows = list(csv.DictReader(table.out.splitlines()))
    assert len(rows) == max(1, len(answer["objects"]))
    drawn = run("predict", "boards", picture, "--format", "pictures", "--out", "drawn")
    assert drawn.status == 0, drawn.err
    assert len(list((folder / "drawn").glob("*.jpg"))) == 1


def test_a_successor_is_compared_and_held(boards: tuple[Path, Done]) -> None:
    done = run("build", "pictures", "--name", "boards", *SHORT, "--precision", "0.9")
    assert done.status == 0, done.err
    assert re.search(r"COCO AP .* on the same 6 pictures", done.err)
    assert "boards@2 stays a candidate and boards@1 in production" in done.err
    assert "not 90.0%" in done.err
    compared = run("registry", "compare", "boards@2")
    assert "on the same 6 pictures" in compared.out


def test_a_recipe_makes_the_same_detector_again(boards: tuple[Path, Done]) -> None:
    folder, _ = boards
    recipe = sorted(folder.glob("runs/*/recipe.json"))[0]
    again = run("build", "pictures", "--name", "again", "--recipe", recipe)
    assert again.status == 0, again.err
    workspace = Workspace.open(folder)
    assert workspace.bundle("again").model == workspace.bundle("boards@1").model


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--arch", "small_resnet"), "small_resnet is made for classification"),
        (("--arch", "anchor_free/small", "--size", "90"), "cannot take pictures of 90x90"),
        (("--arch", "anchor_free/nothing"), "no backbone 'nothing'"),
        (("--arch", "anchor_free/small", "--augment", "mosaic=x"), "--augment takes"),
    ],
)
def test_what_cannot_be_used_is_one_line(
    boards: tuple[Path, Done], options: tuple[str, ...], reason: str
) -> None:
    assert reason in run("build", "pictures", "--name", "bad", *options).refusal
