"""What the peers of ``serving.py`` share: sightline's own decoding, in the process that runs the model, and
ONNX Runtime with one thread, so that what differs is the server. On a processor without VNNI the runtime
adds pairs of 8-bit products in 16 bits, which overflow, unless it is told not to; it is told so here as
in sightline, for else the peers would be quicker by answering wrongly. Peers are installed into an
environment that is deleted afterwards, and are never dependencies.
"""

import os
from typing import Any

import numpy as np
import onnxruntime

from sightline.pixels.model_input import ModelInput, model_input
from sightline.settings import instructions
from sightline.values.contract import PixelRecipe
from sightline.values.image import Pixels, Size

MODEL = os.environ.get("PEER_MODEL", "")
PROCESSORS = len(os.sched_getaffinity(0))
_RECIPE = PixelRecipe(Size(224, 224), "crop")


def session() -> Any:
    """The model with one thread: requests, or workers, run side by side."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    if not instructions() & {"avx_vnni", "avx512_vnni"}:
        options.add_session_config_entry("session.x64quantprecision", "1")
    return onnxruntime.InferenceSession(MODEL, options, providers=["CPUExecutionProvider"])


def decode(data: bytes) -> Pixels:
    made = model_input(data, _RECIPE)
    assert isinstance(made, ModelInput)
    return made.pixels


def run(runtime: Any, pictures: list[Pixels]) -> Any:
    return runtime.run(["probabilities"], {runtime.get_inputs()[0].name: np.stack(pictures)})[0]


def top(scores: Any) -> dict[str, float]:
    return {str(number): float(scores[number]) for number in scores.argsort()[-5:][::-1]}
