"""A model's answers to pictures of a dataset, read from their files as a server would."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np

from sightline.errors import InputError
from sightline.infer.runtimes.base import Arrays
from sightline.pixels.isolated import model_input
from sightline.settings import settings
from sightline.storage.files import sha256_bytes
from sightline.values.contract import PixelRecipe
from sightline.values.dataset import Dataset, Sample
from sightline.values.image import Pixels, Undecodable


def held_out_answers(
    run: Callable[[Pixels], Arrays],
    recipe: PixelRecipe,
    dataset: Dataset,
    samples: Sequence[Sample],
    batch: int,
    progress: Callable[[int, int], None],
) -> Iterator[tuple[list[Sample], Pixels, Arrays]]:
    """``samples``, their pixels as the model's input and what ``run`` makes of them, ``batch`` at a time.

    Raises:
        InputError: a picture is not there as it was when the dataset was made.
    """
    with ThreadPoolExecutor(settings().threads, thread_name_prefix="decode") as pool:
        for start in range(0, len(samples), batch):
            part = list(samples[start : start + batch])
            pixels = np.stack(list(pool.map(partial(_input, recipe, dataset), part)))
            yield part, pixels, run(pixels)
            progress(start + len(part), len(samples))


def _input(recipe: PixelRecipe, dataset: Dataset, sample: Sample) -> Pixels:
    try:
        data = (dataset.root / sample.path).read_bytes()
    except OSError as error:
        raise InputError(f"test picture {sample.path!r} cannot be read: {error.strerror}") from error
    if sha256_bytes(data) != sample.sha256:
        raise InputError(f"test picture {sample.path!r} has changed since it was listed")
    made = model_input(data, recipe)
    if isinstance(made, Undecodable):
        raise InputError(f"test picture {sample.path!r}: {made.reason}")
    return made.pixels
