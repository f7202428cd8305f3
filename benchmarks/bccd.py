"""BCCD: AP50 on its own test list, from given backbone weights.

Data: ``bccd`` of the shared data with its own lists, and ImageNet weights of MobileNetV2 (``weights``).
Wanted in 20 minutes on two cores: AP50 0.80.
"""

import argparse

from setting import data, fresh_workspace, sightline


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=20.0)
    arguments = parser.parse_args()
    cells, weights = data("bccd"), data("weights/mobilenet_v2_imagenet.pth")
    with fresh_workspace() as workspace:
        sightline(workspace, "build", cells, "--weights", weights, "--minutes", arguments.minutes)
        for name, figure in workspace.bundle("bccd").manifest.metrics.items():
            print(f"{name}: {figure.value:.4f} ({figure.low:.4f} to {figure.high:.4f})")


if __name__ == "__main__":
    main()
