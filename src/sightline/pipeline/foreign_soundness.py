"""Does a strange model give what its contract means, not only arrays of the right shapes?"""

from typing import TYPE_CHECKING

import numpy as np

from sightline.errors import BundleError
from sightline.evaluate.detection_pairs import largest
from sightline.infer.outputs.detection import detections
from sightline.values.contract import ModelContract

if TYPE_CHECKING:
    from sightline.infer.runtimes.base import Arrays, Session

_SUM = 1e-3
"""How far a picture's probabilities may be from adding up to 1."""

_ROUNDING, _MIXED = 1e-3, 0.05
"""Difference of a score, alone and among others, that is worth saying, and that is a refusal."""


def check_sound(session: "Session", contract: ModelContract) -> str:
    """Ask the model about noise, together and one by one; what a person should know, or nothing.

    A server puts pictures of several callers into one batch, so an answer must not depend on the others.

    Raises:
        BundleError: its numbers make no sense, or pictures of a batch change each other's answers.
    """
    size = contract.pixels.size
    dice = np.random.default_rng(0)
    noise = dice.integers(0, 256, (4, size.height, size.width, 3), dtype=np.uint8)
    # Pictures that differ in more than noise: dark, bright, one colour, all.
    noise[0] //= 4
    noise[1] = 255 - noise[1] // 4
    noise[2, :, :, 1:] //= 8
    together = session.run(noise)
    alone = [session.run(noise[number : number + 1]) for number in range(len(noise))]
    for outputs in (together, *alone):
        _check_numbers(outputs, contract)
    name = "probabilities" if contract.task == "classification" else "scores"
    apart = largest(together[name] - np.concatenate([each[name] for each in alone]))
    if apart > _MIXED:
        raise BundleError(
            f"pictures of one batch change each other's answers: scores differ by {apart:.2g} from those of "
            "each picture alone; export it in evaluation mode, without normalisation over the batch"
        )
    if apart > _ROUNDING:
        return (
            f"scores depend on the other pictures of a batch, by up to {apart:.2g} on noise: ranges that are "
            "measured while it runs (dynamic quantisation) do that"
        )
    return ""


def _check_numbers(outputs: "Arrays", contract: ModelContract) -> None:
    for spec in contract.outputs:
        wanted = tuple(each for each in spec.shape if isinstance(each, int))
        if outputs[spec.name].shape[1:] != wanted:
            raise BundleError(f"{spec.name} came as {outputs[spec.name].shape}, [N, {wanted}] was declared")
        if not np.isfinite(outputs[spec.name]).all():
            raise BundleError(f"{spec.name} has numbers that are not finite, on noise")
    if contract.task == "classification":
        given = outputs["probabilities"]
        sums = given.sum(axis=1)
        if given.min() < 0 or abs(sums - 1).max() > _SUM:
            raise BundleError(
                f"probabilities lie between {given.min():.3g} and {given.max():.3g} and add up to "
                f"{sums.min():.3g}; if they are logits, say logits in the description's outputs"
            )
        return
    if any(each is None for each in detections(outputs, len(contract.classes), contract.pixels.size)):
        raise BundleError(
            "its detections make no sense: boxes must be xyxy, scores between 0 and 1, classes numbers of "
            "those in the description, count at most the number of rows"
        )
    if (np.diff(outputs["scores"], axis=1) > 0).any():
        raise BundleError("its detections are not sorted by falling score")
