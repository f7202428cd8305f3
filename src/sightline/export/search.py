"""Which layers a compressed model must leave as they are, found by measuring.

A layer's harm is what compressing it alone does to the answers. Layers are kept from those on that do the
most harm for what they cost in floating point, as few as hold the loss of the task's metric within what is
allowed. A layer over a large map can cost more time there than all later ones together.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sightline.export.compress.base import Compressible

MOST_KEPT = 0.5
"""Of a model's layers no more are left as they are: beyond, a variant is hardly smaller or faster."""


@dataclass(frozen=True, slots=True)
class Found:
    """A variant's file, the layers that it leaves as they are, and its loss, which may still be too much."""

    model: bytes
    kept: tuple[str, ...]
    loss: float


def fewest_kept(
    compressible: Compressible,
    loss: Callable[[bytes], float],
    harm: Callable[[bytes], float],
    allowed: float,
    progress: Callable[[int, int], None],
) -> Found:
    """The variant with the fewest layers kept whose ``loss`` is at most ``allowed``.

    Nothing is ranked where no layer has to be kept. The number is doubled until the loss holds and then
    halved back, so that ``loss``, which takes all validation pictures, is measured a few times only;
    it is taken to fall as more layers are kept.

    Args:
        compressible: the model.
        loss: how much worse than the full model a file is on validation, in units of the metric.
        harm: how far a file's answers are from the full model's, on a few pictures.
        allowed: the loss that may remain.
        progress: called with the layers ranked, and all there are.
    """
    best = _measured(compressible, (), loss)
    if best.loss <= allowed:
        return best
    order = _ranked(compressible, harm, progress)
    most = int(MOST_KEPT * len(order))
    low, high = 0, min(1, most)
    while high and (best := _measured(compressible, order[:high], loss)).loss > allowed:
        if high == most:
            return best
        low, high = high, min(2 * high, most)
    while high - low > 1:
        middle = (low + high) // 2
        tried = _measured(compressible, order[:middle], loss)
        if tried.loss <= allowed:
            best, high = tried, middle
        else:
            low = middle
    return best


def _measured(compressible: Compressible, kept: tuple[str, ...], loss: Callable[[bytes], float]) -> Found:
    model = compressible.compressed(kept)
    return Found(model, kept, loss(model))


def _ranked(
    compressible: Compressible, harm: Callable[[bytes], float], progress: Callable[[int, int], None]
) -> tuple[str, ...]:
    layers = compressible.layers
    harms = {}
    for done, layer in enumerate(layers, 1):
        harms[layer] = harm(compressible.compressed([other for other in layers if other != layer]))
        progress(done, len(layers))
    return tuple(sorted(layers, key=lambda layer: -harms[layer] / compressible.sizes[layer]))
