"""Given weights released as they are answer like torchvision's own model on the same input.

Data: 50 photographs of 50 ImageNet classes (``imagenet50``) and MobileNetV2 (``weights``). No picture is
trained on and nothing is tuned.
"""

import json
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from PIL import Image

from setting import data, fresh_workspace, sightline
from sightline.infer.predictor import Predictor
from sightline.pixels.model_input import ModelInput, model_input
from sightline.train.torchvision_ops import import_torchvision
from sightline.train.weights_file import read_state


def main() -> None:
    folder, weights = data("imagenet50"), data("weights/mobilenet_v2_imagenet.pth")
    labels = data("weights/coral/imagenet_labels.txt").read_text().splitlines()[1:]
    # The list has names twice (crane, maillot); numbered names are unique.
    names = [f"{number:04} {label.strip()}" for number, label in enumerate(labels)]
    files = sorted(folder.glob("*.JPEG"))
    torchvision = import_torchvision()
    network = torchvision.models.mobilenet_v2(num_classes=1000).eval()
    network.load_state_dict(read_state(weights)[0])
    with fresh_workspace() as workspace:
        listed = workspace.root / "classes.txt"
        listed.write_text("\n".join(names))
        sightline(
            workspace, "build", folder, "--name", "given", "--weights", weights, "--epochs", 0,
            "--classes", listed, "--fit", "crop",
        )  # fmt: skip
        bundle = workspace.bundle("given")
        predictor = Predictor(bundle)
    made = [model_input(file.read_bytes(), bundle.manifest.contract.pixels) for file in files]
    pixels = np.stack([each.pixels for each in made if isinstance(each, ModelInput)])
    ours = predictor.probabilities(pixels)
    theirs = answer(network, torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255)
    own = torch.stack([resize_256_crop_224(torchvision, file) for file in files])
    its_own_way = answer(network, own)
    truth = [number_of(file.stem, labels) for file in files]
    right = {n: int((p.argmax(1) == truth).sum()) for n, p in (("ours", ours), ("its own way", its_own_way))}
    same = int((ours.argmax(1) == theirs.argmax(1)).sum())
    print(f"same class as torchvision's model on the same input: {same} of 50")
    print(f"largest difference of a score: {np.abs(ours - theirs).max():.2e}; wanted at most 1e-4")
    print(
        f"top-1 with our pixels: {right['ours']} of 50; "
        f"torchvision's resize 256, crop 224: {right['its own way']} of 50"
    )
    print("metrics claimed in the manifest:", json.dumps(dict(bundle.manifest.metrics)))


def answer(network: torch.nn.Module, images: torch.Tensor) -> np.ndarray:
    with torch.inference_mode():
        return torch.softmax(network((images - 0.5) / 0.5), 1).numpy()


def resize_256_crop_224(torchvision: ModuleType, file: Path) -> torch.Tensor:
    transforms = torchvision.transforms
    steps = [transforms.Resize(256), transforms.CenterCrop(224), transforms.ToTensor()]
    image: torch.Tensor = transforms.Compose(steps)(Image.open(file).convert("RGB"))
    return image


def number_of(stem: str, labels: list[str]) -> int:
    """The class number of ``n01234567_some_name``."""
    name = stem.split("_", 1)[1].replace("_", " ").lower()
    found = [
        i for i, label in enumerate(labels) if name in (part.strip().lower() for part in label.split(","))
    ]
    return found[0] if found else -1


if __name__ == "__main__":
    main()
