"""CIFAR-10 from scratch in ten minutes: top-1 on its own test files.

Data: CIFAR-10 as JPEG, 2,000 training and 500 test files a class (``cifar10.tar`` of the shared data).
The validation part is cut from the training files; epochs and augmentation were chosen on it. The
target is 80 %.
"""

import argparse
import tarfile
from pathlib import Path

from setting import data, fresh_workspace, sightline
from variants import show_int8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    arguments = parser.parse_args()
    archive = data("cifar10.tar")
    with fresh_workspace() as workspace:
        pictures = workspace.root.parent
        with tarfile.open(archive) as tar:
            tar.extractall(pictures, filter="data")
        sightline(
            workspace,
            "build",
            Path(pictures, "cifar10"),
            "--minutes",
            arguments.minutes,
            "--augment",
            "flip,crop=0.125",
        )
        manifest = workspace.bundle("cifar10").manifest
        top1 = manifest.metrics["top1"]
        print(
            f"planned {arguments.minutes:g} minutes, {manifest.training.epochs} epochs, "
            f"{manifest.training.precision}"
        )
        print(
            f"CIFAR-10 top-1 on 5,000 test files: {top1.value:.4f} ({top1.low:.4f} to "
            f"{top1.high:.4f}); wanted 0.80"
        )
        show_int8(workspace, "cifar10")


if __name__ == "__main__":
    main()
