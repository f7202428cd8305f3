"""What the 8-bit form of a release loses and gains: called by ``cifar10.py`` and ``deeppcb.py``.

Wanted on a processor with VNNI: 1.8 times faster at the same threads, and on the test pictures a loss of at
most 1 point: CIFAR by the upper end of the one-sided 95 % interval, DeepPCB by the estimate of AP50.
"""

import subprocess
from statistics import median

import numpy as np

from setting import sightline
from sightline.data.manifest import read_manifest
from sightline.evaluate.measure import measure
from sightline.infer.runtimes import RUNTIMES
from sightline.infer.timing import latencies
from sightline.pipeline.answering import answer
from sightline.pipeline.fitting import gather
from sightline.pipeline.watch import Unwatched
from sightline.settings import processor
from sightline.workspace import Workspace

_METRICS = {"classification": ("top1",), "detection": ("ap50", "ap")}
_SECONDS = 20.0


def show_int8(workspace: Workspace, name: str) -> None:
    """Print the int8 variant's speed, size and loss; one that a build left out is made for it."""
    if "int8" not in workspace.bundle(name).variants:
        try:
            sightline(workspace, "compress", name, "--accept-undecided")
        except subprocess.CalledProcessError:
            print("int8: refused")
            return
        newest = max(release.version for release in workspace.registry.all(name))
        name = f"{name}@{newest}"
    bundle = workspace.bundle(name)
    variant, recipe = bundle.variants["int8"], bundle.manifest.training
    compared = variant.parity.comparison
    print(
        f"int8: {variant.parity.verdict}; loss {-100 * compared.difference.value:+.2f} points, at most "
        f"{-100 * compared.lower:+.2f}; {len(variant.parity.kept)} of {variant.parity.layers} layers kept; "
        f"{len(variant.model) / 1e6:.1f} MB against {len(bundle.model) / 1e6:.1f}"
    )
    models = {"fp32": bundle.model, "int8": variant.model}
    sessions = {
        each: RUNTIMES.load("onnxruntime").load(model, recipe.threads) for each, model in models.items()
    }
    release = workspace.registry.get(name)
    dataset = read_manifest(workspace.layout.datasets / f"{release.dataset_fingerprint}.json")
    material = gather(dataset, recipe, workspace.layout.internal / "cache", 4 * 10**9, Unwatched())
    answers = {
        each: answer(session, material, recipe, "test", Unwatched()) for each, session in sessions.items()
    }
    for metric in _METRICS[recipe.task]:
        figures = {each: measure(metric, answered.measured) for each, answered in answers.items()}
        print(f"{metric} on the test pictures: " + ", ".join(f"{k} {v:.4f}" for k, v in figures.items()))
    pixels, _ = material.source.read(material.indices("test")[:1])
    material.source.close()
    taken = {each: median(times) for each, times in latencies(sessions, np.asarray(pixels), _SECONDS).items()}
    print(
        f"one picture: fp32 {1000 * taken['fp32']:.1f} ms, int8 {1000 * taken['int8']:.1f} ms, "
        f"{taken['fp32'] / taken['int8']:.2f} times faster (wanted: 1.8); {recipe.threads} threads; "
        f"{processor()}"
    )
