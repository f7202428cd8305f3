"""A model from elsewhere, imported: how far its answers are from its maker's, what the front costs, what
becomes of 250 files with something wrong.

torchvision's MobileNetV2 with the shared ImageNet weights is exported by torch alone, as anybody would, and
imported with reference outputs and the 50 photographs. Then the file is changed (bytes, attributes,
operators, constants, weights, operators that never end or ask for all memory) and imported again, each in
one and the same process, which must live.

    python benchmarks/imported_model.py [--data FOLDER] [--files 250]

Data: ``weights/mobilenet_v2_imagenet.pth``, ``weights/coral/imagenet_labels.txt`` and ``imagenet50/`` of the
folder of shared data (default: ``../shared/data``); skipped where they are absent. Needs the extra ``train``
to make the file; importing does without.
"""

import argparse
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import yaml

from malformed_models import CHANGES, endless
from sightline import Workspace
from sightline.errors import SightlineError
from sightline.infer.predictor import Predictor
from sightline.infer.runtimes import RUNTIMES
from sightline.pipeline.importing import ForeignOptions
from sightline.settings import settings

_SIDE = 224


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared" / "data")
    parser.add_argument("--files", type=int, default=250)
    parser.add_argument("--caller", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    needed = [
        arguments.data / each for each in ("weights/mobilenet_v2_imagenet.pth", "weights/coral", "imagenet50")
    ]
    if missing := [str(each) for each in needed if not each.exists()]:
        print(f"skipped: {', '.join(missing)} is absent")
        return
    if arguments.caller:
        be_caller(arguments.caller, arguments.files)
        return
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SIGHTLINE_CONFIG_DIR"] = str(Path(folder, "config"))
        os.environ["SIGHTLINE_CACHE_DIR"] = str(Path(folder, "cache"))
        shop = Path(folder, "shop")
        shop.mkdir()
        make(arguments.data, shop)
        faithful(shop)
        began = time.monotonic()
        command = [sys.executable, *sys.argv, "--caller", str(shop)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as caller:
            outcomes: dict[str, Counter[str]] = {}
            for line in caller.stdout or ():
                kind, outcome = json.loads(line)
                outcomes.setdefault(kind, Counter())[outcome] += 1
    for kind, told in sorted(outcomes.items()):
        print(f"{kind:<12} " + ", ".join(f"{count} {outcome}" for outcome, count in told.most_common(3)))
    total = sum(each.total() for each in outcomes.values())
    died = caller.returncode != 0 or total != arguments.files
    print(f"{total} files in {time.monotonic() - began:.0f} s; the caller {'DIED' if died else 'lives'}")
    sys.exit(died)


def make(data: Path, shop: Path) -> None:
    """The file, its description, its maker's answers to pixels, and the photographs by class."""
    import torch

    from sightline.train.torchvision_ops import import_torchvision

    network = import_torchvision().models.mobilenet_v2(weights=None).eval()
    network.load_state_dict(torch.load(data / "weights/mobilenet_v2_imagenet.pth", weights_only=True))

    class Both(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            features = network.features(x).mean((2, 3))
            return network.classifier(features), features

    both = Both().eval()
    program = torch.onnx.export(
        both,
        (torch.zeros(2, 3, _SIDE, _SIDE),),
        dynamo=True,
        input_names=["x"],
        output_names=["logits", "embedding"],
        dynamic_shapes={"x": {0: torch.export.Dim.DYNAMIC}},
        external_data=False,
        verbose=False,
    )
    assert program is not None
    Path(shop, "theirs.onnx").write_bytes(program.model_proto.SerializeToString())
    pixels = np.random.default_rng(1).integers(0, 256, (64, _SIDE, _SIDE, 3), dtype=np.uint8)
    floats = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1
    with torch.inference_mode():
        logits, embedding = both(floats)
    np.savez(shop / "theirs.npz", pictures=pixels, logits=logits.numpy(), embedding=embedding.numpy())
    classes: list[str] = []
    for line in (data / "weights/coral/imagenet_labels.txt").read_text().splitlines()[1:]:
        classes.append(line.strip() + (" (another)" if line.strip() in classes else ""))
    told = {
        "task": "classification",
        "classes": classes,
        "input": {"layout": "NCHW", "fit": "crop", "scale": 1 / 127.5, "mean": [1, 1, 1]},
        "outputs": {"logits": "logits", "embedding": "embedding"},
        "licence": "Apache-2.0",
    }
    Path(shop, "theirs.yaml").write_text(yaml.safe_dump(told))
    number = {name.strip().lower(): each for each in reversed(classes) for name in each.split(",")}
    for photograph in sorted((data / "imagenet50").iterdir()):
        name = photograph.stem.partition("_")[2].replace("_", " ").lower()
        folder = shop / "photographs" / number[name].replace("/", "-")
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(photograph, folder)


def faithful(shop: Path) -> None:
    """Parity, top-1, and what the front costs."""
    workspace = Workspace.init(shop)
    began = time.monotonic()
    options = ForeignOptions("theirs", shop / "theirs.npz", shop / "photographs")
    released = workspace.import_model(shop / "theirs.onnx", shop / "theirs.yaml", options)
    bundle = workspace.bundle(str(released.release))
    parity, top1 = bundle.manifest.parity, bundle.manifest.metrics["top1"]
    assert parity is not None
    print(
        f"imported in {time.monotonic() - began:.1f} s; against torch on {parity.pictures} noisy pictures: "
        f"scores within {parity.max_score_difference:.1e}, embeddings within "
        f"{parity.max_embedding_difference:.1e}; top-1 on 50 photographs {top1.value:.2f} ({top1.low:.2f} to "
        f"{top1.high:.2f})"
    )
    threads = settings().threads
    predictor = Predictor(bundle, threads=threads)
    bare = RUNTIMES.load("onnxruntime").load((shop / "theirs.onnx").read_bytes(), threads)
    pixels = np.load(shop / "theirs.npz")["pictures"][:1]
    times: dict[str, list[float]] = {"with the front": [], "numpy and the bare file": []}
    for _ in range(60):
        start = time.perf_counter()
        predictor.run(pixels)
        middle = time.perf_counter()
        floats = (pixels.astype(np.float32) / 127.5 - 1).transpose(0, 3, 1, 2)
        bare.run(np.ascontiguousarray(floats))
        times["with the front"].append(middle - start)
        times["numpy and the bare file"].append(time.perf_counter() - middle)
    front, plain = (float(np.median(each)) for each in times.values())
    print(
        f"one picture: {1000 * front:.1f} ms with the front inside, {1000 * plain:.1f} ms with numpy before "
        f"the bare file ({front / plain:.2f} times)"
    )


def be_caller(shop: Path, files: int) -> None:
    """Import changed files and print what became of each."""
    workspace = Workspace.open(shop)
    good = (shop / "theirs.onnx").read_bytes()
    changed, description = shop / "changed.onnx", shop / "theirs.yaml"
    for number in range(files):
        dice = np.random.default_rng((7, number))
        # One in thirty never ends, as each of those takes the whole time that a first run may.
        change = endless if dice.random() < 1 / 30 else CHANGES[int(dice.integers(len(CHANGES)))]
        changed.write_bytes(change(onnx.load(io.BytesIO(good)), dice))
        try:
            workspace.import_model(changed, description, ForeignOptions(f"changed{number}"))
            outcome = "imported"
        except SightlineError as error:
            outcome = " ".join(str(error).removeprefix("'changed.onnx' is refused: ").split()[:8])
        print(json.dumps([change.__name__, outcome]), flush=True)
        for each in shop.glob("models/changed*"):
            each.unlink()


if __name__ == "__main__":
    main()
