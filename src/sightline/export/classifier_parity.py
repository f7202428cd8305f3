"""Does an exported classifier answer like the trained network, on the same pixels?"""

import numpy as np
import numpy.typing as npt
import torch

from sightline.errors import ParityError
from sightline.evaluate.detection_pairs import largest
from sightline.export.classifier import PROBABILITIES, PixelsToProbabilities
from sightline.export.onnx_file import EMBEDDING
from sightline.infer.runtimes import RUNTIMES
from sightline.values.evaluation import Parity

TOLERANCE = 1e-4
"""Largest difference of a probability that rounding may explain."""
_BATCH = 32


def classifier_parity(
    model: PixelsToProbabilities, exported: bytes, pixels: npt.NDArray[np.uint8], source: str, threads: int
) -> Parity:
    """Both answer ``pixels`` ``[N, H, W, 3]``; ``source`` says in words what pictures these are.

    ``same_label`` counts pictures with the same top class; a tie within the tolerance counts as the
    same, because rounding may turn it either way.
    """
    session = RUNTIMES.load("onnxruntime").load(exported, threads)
    model = model.cpu().eval()
    same, worst_score, worst_embedding = 0, 0.0, 0.0
    for start in range(0, len(pixels), _BATCH):
        batch = np.ascontiguousarray(pixels[start : start + _BATCH])
        answer = session.run(batch)
        with torch.inference_mode():
            wanted, embedding = (each.numpy() for each in model(torch.from_numpy(batch)))
        got = answer[PROBABILITIES]
        worst_score = max(worst_score, largest(got - wanted))
        worst_embedding = max(worst_embedding, largest(answer[EMBEDDING] - embedding))
        rows = np.arange(len(batch))
        same += int((wanted[rows, got.argmax(1)] >= wanted.max(1) - TOLERANCE).sum())
    passes = len(pixels) > 0 and worst_score <= TOLERANCE and same == len(pixels) and worst_embedding < np.inf
    return Parity(len(pixels), source, same, worst_score, worst_embedding, TOLERANCE, passes)


def require_parity(parity: Parity) -> Parity:
    """``parity`` itself.

    Raises:
        ParityError: it does not hold.
    """
    if parity.passes:
        return parity
    raise ParityError(
        f"the exported model does not answer like the trained one: over {parity.pictures} {parity.source}, "
        f"scores differ by up to {parity.max_score_difference:.2g} (allowed {parity.tolerance:g}) and "
        f"{parity.pictures - parity.same_label} have another label"
    )
