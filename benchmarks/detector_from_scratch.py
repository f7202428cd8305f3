"""From scratch for the same CPU seconds: the default detector against ``yolo11n``, on the same pictures.

Data: ``deeppcb`` of the shared data; both learn from the same training part at 640 px and answer the test
list. Ours is the default configuration without given weights; the peer (``yolo11n.py``) starts from its
description file, has its own defaults, keeps the best of its weights on the same validation part, and gets
the CPU seconds, over the process tree, that our whole build took, its export and its judging included.
The same metrics judge both; the paired differences come from a bootstrap of the test pictures. Wanted: their
lower ends above 0.
"""

import argparse
import json
import resource
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from setting import data, fresh_workspace, sightline
from sightline.data.manifest import read_manifest
from sightline.evaluate.gates import compare
from sightline.evaluate.matching import match
from sightline.infer.outputs.detection import in_pictures
from sightline.infer.runtimes import RUNTIMES
from sightline.pixels.model_input import model_input
from sightline.settings import settings
from sightline.values.boxes import Boxes
from sightline.values.dataset import Dataset, Sample
from sightline.values.image import Undecodable
from sightline.values.objects import Detections, Objects
from sightline.values.release import Bundle
from sightline.workspace import Workspace
from yolo11n import peer, throw_away


def ours(bundle: Bundle, root: Path, samples: Sequence[Sample]) -> list[Detections]:
    """The sealed model's answers, in pixels of the pictures."""
    contract = bundle.manifest.contract
    session = RUNTIMES.load("onnxruntime").load(bundle.model, settings().threads)
    found = []
    for sample in samples:
        made = model_input((root / sample.path).read_bytes(), contract.pixels)
        if isinstance(made, Undecodable):
            raise TypeError(made.reason)
        outputs = session.run(made.pixels[None])
        (each,) = in_pictures(outputs, len(contract.classes), contract.pixels, [sample.size])
        if each is None:
            raise ValueError(f"no sensible answer for {sample.path!r}")
        found.append(each)
    return found


def theirs(answers: Path, samples: Sequence[Sample], classes: tuple[str, ...]) -> list[Detections]:
    """The peer's answers, rows of x0, y0, x1, y1, score and the class's name, by falling score."""
    rows = json.loads(answers.read_bytes())
    found = []
    for sample, mine in zip(samples, rows, strict=True):
        boxes = np.array([row[:4] for row in mine], np.float64).reshape(-1, 4)
        numbers = np.array([classes.index(row[5]) for row in mine], np.int64)
        scores = np.array([row[4] for row in mine], np.float64)
        found.append(Detections(Boxes(boxes, sample.size).clipped(), numbers, scores))
    return found


def cpu_seconds() -> float:
    """Of all finished children and theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def build(workspace: Workspace, boards: Path, minutes: float) -> tuple[Bundle, Dataset, float]:
    before = cpu_seconds()
    sightline(workspace, "build", boards, "--name", "boards", "--weights", "none", "--minutes", minutes)
    spent = cpu_seconds() - before
    (release,) = workspace.releases()
    listed = workspace.layout.datasets / f"{release.dataset_fingerprint}.json"
    return workspace.bundle("boards"), read_manifest(listed), spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0, help="of our training")
    arguments = parser.parse_args()
    boards = data("deeppcb")
    with fresh_workspace() as workspace, throw_away() as folder:
        bundle, dataset, spent = build(workspace, boards, arguments.minutes)
        samples = [each for each in dataset.part("test") if each.boxes is not None]
        classes = bundle.manifest.contract.classes
        sightline(workspace, "data", "convert", boards, folder / "boards", "--format", "yolo")
        listed = folder / "pictures.json"
        listed.write_text(json.dumps([str(dataset.root / sample.path) for sample in samples]))
        before = cpu_seconds()
        peer(folder, "train", folder / "boards" / "data.yaml", spent, folder / "run")
        others = cpu_seconds() - before
        peer(folder, "answer", folder / "run" / "run" / "weights" / "best.pt", listed, folder / "found.json")
        truth = [Objects.of(sample, classes) for sample in samples]
        one, other = (
            match(truth, found, len(classes))
            for found in (
                ours(bundle, dataset.root, samples),
                theirs(folder / "found.json", samples, classes),
            )
        )
    print(f"CPU seconds: ours {spent:.0f} (the whole build), yolo11n {others:.0f}")
    for metric in ("ap50", "ap"):
        result = compare(one, other, metric=metric)
        difference = result.difference
        print(
            f"{metric}: ours {result.candidate:.4f}, yolo11n {result.incumbent:.4f}; difference "
            f"{difference.value:+.4f} ({difference.low:+.4f} to {difference.high:+.4f}), wanted above 0"
        )


if __name__ == "__main__":
    main()
