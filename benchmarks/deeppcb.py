"""DeepPCB: AP50 and AP on its test list, trained on its trainval list, from given backbone weights.

Data: ``deeppcb`` of the shared data (the inspected pictures only; a whole board group of ``trainval.txt`` is
the validation part, ``test.txt`` is only judged) and ImageNet weights of MobileNetV2 (``weights``).
Everything is the default configuration at 640 px. Wanted with the given weights in 30 minutes on two cores:
AP50 0.93 and AP 0.60; parity on all test pictures: scores within 1e-4, boxes within 0.05 px, every detection
matched that does not lie at a threshold. ``--keep`` keeps the sealed file for ``detector_speed.py``.
"""

import argparse
import shutil
from pathlib import Path

from setting import data, fresh_workspace, sightline
from sightline.values.evaluation import DetectionParity
from variants import show_int8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--epochs", type=int, help="instead of minutes")
    parser.add_argument("--scratch", action="store_true", help="without the given weights")
    parser.add_argument("--keep", type=Path, help="a folder for the sealed file")
    arguments = parser.parse_args()
    boards, weights = data("deeppcb"), data("weights/mobilenet_v2_imagenet.pth")
    given = ("--weights", "none") if arguments.scratch else ("--weights", weights)
    time = ("--epochs", arguments.epochs) if arguments.epochs else ("--minutes", arguments.minutes)
    with fresh_workspace() as workspace:
        sightline(workspace, "build", boards, "--name", "boards", *given, *time)
        bundle = workspace.bundle("boards")
        manifest = bundle.manifest
        for name in ("ap50", "ap", "ap75", "ap_small", "ap_medium"):
            if name in manifest.metrics:
                figure = manifest.metrics[name]
                print(f"{name}: {figure.value:.4f} ({figure.low:.4f} to {figure.high:.4f})")
        parity = manifest.parity
        if isinstance(parity, DetectionParity):
            print(
                f"parity on {parity.pictures} pictures: {parity.matched} of {parity.detections} detections "
                f"matched, {parity.borderline} at a threshold, scores within "
                f"{parity.max_score_difference:.1e}, boxes within {parity.max_box_difference:.1e} px, AP "
                f"differs by {parity.ap_difference:+.1e}"
            )
        show_int8(workspace, "boards")
        if arguments.keep:
            arguments.keep.mkdir(parents=True, exist_ok=True)
            shutil.copy(bundle.path, arguments.keep)


if __name__ == "__main__":
    main()
