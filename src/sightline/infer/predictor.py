"""A sealed model that answers about pictures."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sightline.errors import BundleError, InputError
from sightline.infer.agreement import check_contract, check_tensors, fits
from sightline.infer.outputs import OUTPUTS
from sightline.infer.outputs.base import Reading
from sightline.infer.runtimes import RUNTIMES
from sightline.infer.runtimes.base import Arrays, Session
from sightline.infer.trial import Trial, try_out
from sightline.pixels.decode import MAX_PIXELS
from sightline.pixels.isolated import model_input
from sightline.pixels.model_input import ModelInput, lifted
from sightline.settings import settings
from sightline.values.contract import ModelContract
from sightline.values.image import Pixels, Undecodable
from sightline.values.prediction import Prediction, Unanswered
from sightline.values.release import Bundle

Answer = Prediction | Unanswered

_BATCH_PIXELS = 4 * 224 * 224


@dataclass(frozen=True, slots=True)
class Prepared:
    """A picture made ready for the model, and what its caller calls it."""

    source: str
    picture: ModelInput


class Predictor:
    """Answers from the verified ``bundle``; needs no torch and reads no file.

    Loading checks that the model's real inputs and outputs are those that the manifest promises; the first
    time on a machine a process of its own loads and runs it, within limits.
    ``threads`` (default: the settings') work inside the model; ``top`` is how many labels an answer
    carries at most (default: a classifier's 5 best, all that a detector found); ``variant`` is the
    compressed model to answer with (default: the full one), and stands behind the release in answers. May
    be used from several threads at a time.

    Raises:
        BundleError: the model cannot be loaded, or is not what its manifest says.
        UnknownPlugin: no such runtime, or the bundle's task is not known here.
        InputError: ``top`` is below 1, or the bundle has no such variant.
    """

    def __init__(
        self,
        bundle: Bundle,
        runtime: str = "onnxruntime",
        threads: int | None = None,
        top: int | None = None,
        variant: str = "",
    ) -> None:
        manifest = bundle.manifest
        self.manifest = manifest
        self.release = f"{manifest.name}@{manifest.version}" + (f"/{variant}" if variant else "")
        self._top = top
        if top is not None and top < 1:
            raise InputError(f"an answer carries at least 1 label, got top={top}")
        self._output = OUTPUTS.load(manifest.contract.task)
        self._session = open_session(bundle, runtime, threads or settings().threads, variant)

    @property
    def batch_size(self) -> int:
        """Pictures a batch, from 1 to 64: larger ones leave the processor's caches and are slower."""
        return batch_size(self.manifest.contract)

    def prepare(self, source: str, data: bytes, most_pixels: int = MAX_PIXELS) -> Prepared | Unanswered:
        """The file ``data`` decoded and made into the model's input; may run in any thread.

        A picture of more than ``most_pixels`` is refused from its header.
        """
        picture = model_input(data, self.manifest.contract.pixels, most_pixels)
        if isinstance(picture, Undecodable):
            return Unanswered(source, picture.reason)
        return Prepared(source, picture)

    def answer(self, pictures: Sequence[Prepared | Unanswered]) -> list[Answer]:
        """Answers in the order of ``pictures``, from one batch; what is unanswered already stays so."""
        ready = [each for each in pictures if isinstance(each, Prepared)]
        if not ready:
            return [each for each in pictures if isinstance(each, Unanswered)]
        read = iter(self.read(ready, self.run(np.stack([each.picture.pixels for each in ready]))))
        return [each if isinstance(each, Unanswered) else next(read) for each in pictures]

    def read(self, pictures: Sequence[Prepared], outputs: Arrays) -> list[Answer]:
        """What the model's ``outputs`` for the batch of ``pictures`` say about each."""
        contract, thresholds = self.manifest.contract, self.manifest.thresholds
        readings = self._output.interpret(outputs, contract, thresholds, self._top)
        return [self._answer(each, reading) for each, reading in zip(pictures, readings, strict=True)]

    def predict(self, pictures: Sequence[tuple[str, bytes]]) -> list[Answer]:
        """Answers about ``pictures``, pairs of a name and a file's bytes, in their order."""
        answers: list[Answer] = []
        for start in range(0, len(pictures), self.batch_size):
            some = pictures[start : start + self.batch_size]
            answers += self.answer([self.prepare(source, data) for source, data in some])
        return answers

    def run(self, batch: Pixels) -> Arrays:
        """The model's outputs for ``batch``, uint8 ``[N, H, W, 3]`` with ``N`` at least 1, by name.

        Raises:
            BundleError: the engine failed, or gave other shapes than the manifest says.
        """
        outputs = self._session.run(batch)
        for spec in self.manifest.contract.outputs:
            found = outputs[spec.name].shape
            if found[:1] != (len(batch),) or not fits(spec.shape, found):
                raise BundleError(
                    f"{self.release}: {spec.name} of {len(batch)} pictures came as {found}, "
                    f"the manifest says {spec.shape}; export the model again"
                )
        return outputs

    def probabilities(self, batch: Pixels) -> npt.NDArray[np.float32]:
        """Calibrated probabilities ``[N, C]`` for ``batch``, uint8 ``[N, H, W, 3]``."""
        return self._batched(batch, "probabilities")

    def embeddings(self, batch: Pixels) -> npt.NDArray[np.float32]:
        """Embeddings ``[N, D]`` for ``batch``, uint8 ``[N, H, W, 3]``."""
        return self._batched(batch, "embedding")

    def _batched(self, batch: Pixels, name: str) -> npt.NDArray[np.float32]:
        spec = next((each for each in self.manifest.contract.outputs if each.name == name), None)
        if spec is None:
            raise BundleError(f"{self.release} has no output {name!r}; export the model again")
        starts = range(0, len(batch), self.batch_size)
        parts = [self.run(batch[start : start + self.batch_size])[name] for start in starts]
        none = np.empty((0, *(each for each in spec.shape[1:] if isinstance(each, int))))
        return np.concatenate(parts or [none]).astype(np.float32, copy=False)

    def _answer(self, asked: Prepared, reading: Reading | None) -> Answer:
        if reading is None:
            return Unanswered(asked.source, "the model gave numbers that make no sense")
        original, boxes = asked.picture.original, reading.boxes
        if boxes is not None:
            boxes = lifted(boxes, self.manifest.contract.pixels, original)
        return Prediction(asked.source, original, reading.labels, self.release, boxes)


def open_session(bundle: Bundle, runtime: str, threads: int, variant: str = "") -> Session:
    """The model of ``bundle``, or its ``variant``, in this process, once its first run elsewhere went well.

    Raises:
        BundleError: the model cannot be loaded or run within limits, or is not what its manifest says.
        UnknownPlugin: no such runtime.
        InputError: no such variant.
    """
    manifest, model = bundle.manifest, _file(bundle, variant)
    contract = manifest.contract
    release = f"{manifest.name}@{manifest.version}" + (f"/{variant}" if variant else "")
    check_contract(release, contract)
    try:
        try_out(model, Trial(runtime, threads, batch_size(contract), contract.pixels.size))
        session = RUNTIMES.load(runtime).load(model, threads)
    except BundleError as error:
        raise BundleError(f"{release} is refused: {error}") from error
    check_tensors(release, "inputs", contract.inputs, session.inputs)
    check_tensors(release, "outputs", contract.outputs, session.outputs)
    return session


def batch_size(contract: ModelContract) -> int:
    """Pictures a batch, from 1 to 64, so that activations stay in the processor's caches."""
    return max(1, min(64, _BATCH_PIXELS // contract.pixels.size.area))


def _file(bundle: Bundle, variant: str) -> bytes:
    if not variant:
        return bundle.model
    if variant not in bundle.variants:
        there = ", ".join(sorted(bundle.variants)) or "none"
        raise InputError(
            f"{bundle.path.name} has no variant {variant!r} (it has: {there}); sightline compress makes one"
        )
    return bundle.variants[variant].model
