"""A folder of 5,000 JPEGs through ``predict``, against decoding alone and the runtime alone.

On a processor both share the cores, so their costs add: with D pictures a second decoded and R answered,
each with all cores and nothing else to do, no way of doing both can exceed 1 / (1 / D + 1 / R). Wanted: at
least 0.85 of it, and memory that grows by less than 50 MB from the first to the last thousand.

Data: the 50 photographs of ``imagenet50``, brought to 500 x 375 and shifted in brightness by a few levels,
which makes distinct files, and MobileNetV2 (``weights``), as it is and in 8-bit integers (calibrated on the
first 48). The three take turns, a thousand pictures each. Answers are not judged here.
"""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import islice
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image

from setting import data, fresh_workspace, sightline
from sightline.export.compress.int8 import prepare
from sightline.infer.offline import predict_paths
from sightline.infer.predictor import Predictor
from sightline.pixels.model_input import ModelInput, model_input
from sightline.settings import processor, settings
from sightline.values.contract import PixelRecipe
from sightline.values.image import Pixels
from sightline.values.prediction import Prediction

FILES, BLOCK = 5000, 1000


def main() -> None:
    sources, weights = sorted(data("imagenet50").glob("*.JPEG")), data("weights/mobilenet_v2_imagenet.pth")
    print(f"{settings().threads} threads; {processor()}")
    with fresh_workspace() as workspace:
        classes = workspace.root / "classes.txt"
        classes.write_text("\n".join(f"class {number:04}" for number in range(1000)))
        sightline(
            workspace, "build", sources[0].parent, "--name", "given", "--weights", weights, "--epochs", 0,
            "--classes", classes, "--fit", "crop", "--variants", "none",
        )  # fmt: skip
        folder = workspace.root / "many"
        write_distinct(sources, folder)
        bundle = workspace.bundle("given")
        recipe = bundle.manifest.contract.pixels
        inputs = np.stack([decoded(file, recipe) for file in sources])
        small = prepare(bundle.model, [inputs[start : start + 8] for start in range(0, 48, 8)])
        for name, model in (("fp32", bundle.model), ("int8", small.compressed(()))):
            measure(name, Predictor(replace(bundle, model=model)), sorted(folder.iterdir()), inputs)


def measure(name: str, predictor: Predictor, files: Sequence[Path], inputs: Pixels) -> None:
    recipe, batch = predictor.manifest.contract.pixels, inputs[: predictor.batch_size]
    decode, run, both, memory = [], [], [], []
    with ProcessPoolExecutor(settings().threads) as pool:
        answers = predict_paths(predictor, [files[0].parent])
        list(pool.map(decode_some, chunks(files[:100]), [recipe] * 10))
        for start in range(0, FILES, BLOCK):
            some = files[start : start + BLOCK]
            began = time.perf_counter()
            answered = list(islice(answers, BLOCK))
            both.append(BLOCK / (time.perf_counter() - began))
            assert all(isinstance(each, Prediction) for each in answered), "every picture has an answer"
            memory.append(resident())
            began = time.perf_counter()
            list(pool.map(decode_some, chunks(some), [recipe] * (BLOCK // 10)))
            decode.append(BLOCK / (time.perf_counter() - began))
            began = time.perf_counter()
            for _ in range(BLOCK // len(batch)):
                predictor.run(batch)
            run.append(BLOCK // len(batch) * len(batch) / (time.perf_counter() - began))
    most = [1 / (1 / d + 1 / r) for d, r in zip(decode, run, strict=True)]
    share = median(b / m for b, m in zip(both, most, strict=True))
    print(
        f"{name}: {median(both):.0f} pictures a second; decoding alone {median(decode):.0f}, runtime alone "
        f"{median(run):.0f}, so at most {median(most):.0f}; share {share:.2f} (wanted: 0.85); memory "
        f"{memory[0] / 1e6:.0f} MB after the first thousand, {(memory[-1] - memory[0]) / 1e6:+.0f} MB after "
        "the last (wanted: below 50)"
    )


def write_distinct(sources: Sequence[Path], folder: Path) -> None:
    folder.mkdir()
    pictures = [Image.open(file).convert("RGB").resize((500, 375)) for file in sources]
    for number in range(FILES):
        shift = number // len(sources)
        picture = pictures[number % len(sources)].point(lambda level, by=shift: min(255, level + by // 2))
        picture.save(folder / f"{number:05}.jpg", quality=85 + shift % 2)


def decoded(file: Path, recipe: PixelRecipe) -> Pixels:
    made = model_input(file.read_bytes(), recipe)
    assert isinstance(made, ModelInput)
    return made.pixels


def decode_some(files: Sequence[Path], recipe: PixelRecipe) -> int:
    return sum(decoded(file, recipe).size for file in files)


def chunks(files: Sequence[Path]) -> Iterator[Sequence[Path]]:
    return (files[start : start + 10] for start in range(0, len(files), 10))


def resident() -> int:
    """Bytes of this process and of the workers that decode for it, shared pages counted in part (Linux)."""
    total, own = 0, str(Path("/proc/self").resolve().name)
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
            command = status.with_name("cmdline").read_bytes()
            if status.parent.name == own or (fields[1] == own and b"decoding_worker" in command):
                lines = status.with_name("smaps_rollup").read_text().splitlines()
                total += next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
        except OSError:
            continue  # it has ended since
    return total


if __name__ == "__main__":
    main()
