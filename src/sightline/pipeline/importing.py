"""A model that was trained elsewhere becomes a release: checked, rewritten, tried, judged, sealed."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sightline import __version__
from sightline.bundle import archive
from sightline.bundle.canonical import write_canonical
from sightline.bundle.card import model_card
from sightline.bundle.keys import make_key
from sightline.bundle.onnx_file import OnnxFile, inspect_onnx
from sightline.data.importing import ImportOptions, import_folder
from sightline.data.manifest import write_manifest
from sightline.errors import BundleError, InputError
from sightline.evaluate.gates import MARGIN
from sightline.evaluate.thresholds import UNKNOWN
from sightline.infer.killable import Limits, run_killable
from sightline.infer.predictor import batch_size
from sightline.infer.runtimes import RUNTIMES
from sightline.infer.trial import Trial, try_out
from sightline.pipeline.answering import Answered, gather_answers
from sightline.pipeline.foreign_description import read_description
from sightline.pipeline.foreign_parity import foreign_parity, read_reference_outputs
from sightline.pipeline.foreign_soundness import check_sound
from sightline.pipeline.held_out import held_out_answers
from sightline.pipeline.judging import operating_thresholds
from sightline.pipeline.releasing import Released, offer, seal_and_add
from sightline.pipeline.watch import Unwatched, Watcher
from sightline.plugins import missing_extra
from sightline.registry.references import check_name
from sightline.registry.releases import Registry
from sightline.settings import settings
from sightline.storage.files import reported, sha256_bytes
from sightline.storage.layout import Layout
from sightline.values.contract import ModelContract, PixelRecipe, Suppression
from sightline.values.dataset import Dataset, Split
from sightline.values.foreign import ForeignModel, ImportRecipe
from sightline.values.image import Size
from sightline.values.release import Manifest

if TYPE_CHECKING:
    from sightline.infer.runtimes.base import Session

_REWRITE = "sightline.export.foreign_graph:rewrite"
_SECONDS, _BYTES_A_SECOND = 60.0, 2_000_000
_BYTES, _COPIES = 2_000_000_000, 12
"""What reading and rewriting a file may take, and more for each byte of it."""


@dataclass(frozen=True)
class ForeignOptions:
    """``name`` is the release's. ``reference`` are outputs from where the model was made, ``pictures`` a
    labelled folder to judge it on, read as ``imports`` says; pictures that it learned from flatter it.
    """

    name: str
    reference: Path | None = None
    pictures: Path | None = None
    imports: ImportOptions = field(default_factory=ImportOptions)
    margin: float = MARGIN
    watch: Watcher = field(default_factory=Unwatched)

    def __post_init__(self) -> None:
        check_name(self.name)


def import_model(
    file: Path, description: Path, options: ForeignOptions, layout: Layout, registry: Registry
) -> Released:
    """The ONNX ``file`` that ``description`` describes as a candidate, offered like any other.

    Raises:
        InputError: the description, the references or the pictures cannot be used.
        BundleError: the file is refused, or does not do what the description says.
        ParityError: it does not answer as the reference outputs say.
        MissingExtra: the extra ``onnx`` is not installed.
    """
    watch, threads = options.watch, settings().threads
    make_key(layout)  # now: a key that cannot be used must not be found out at the end
    model = read_description(description)
    data = _read(file)
    try:
        model, contract, rewritten = _rewritten(data, model)
        batch = batch_size(contract)
        try_out(rewritten, Trial("onnxruntime", threads, batch, contract.pixels.size))
        session = RUNTIMES.load("onnxruntime").load(rewritten, threads)
        note = check_sound(session, contract)
    except BundleError as error:
        raise BundleError(f"{file.name!r} is refused: {error}") from error
    if note:
        watch.say(note)
    parity = None
    if options.reference:
        outputs = read_reference_outputs(options.reference, model, contract)
        parity = foreign_parity(session, contract, outputs, batch)
        watch.say(
            f"parity: {parity.pictures} pictures answered as in {outputs.name}, scores within "
            f"{parity.max_score_difference:.1e}"
        )
    dataset = _dataset(options, contract, layout)
    test, val = (_answered(session, contract, dataset, split, watch) for split in ("test", "val"))
    thresholds = _thresholds(model, val, contract, watch)
    evaluation = test.evaluate(thresholds)
    for name, figure in evaluation.headline.items() if evaluation else ():
        watch.say(f"test {name}: {figure.value:.4f} ({figure.low:.4f} to {figure.high:.4f})")
    fingerprint = dataset.fingerprint if dataset else ""
    recipe = ImportRecipe(file.name, sha256_bytes(data), model, contract.pixels, fingerprint)
    incumbent = registry.production(options.name)
    manifest = Manifest(
        name=options.name,
        version=registry.reserve(options.name),
        contract=contract,
        thresholds=thresholds,
        calibration=None,
        metrics=evaluation.headline if evaluation else {},
        parity=parity,
        recipe=recipe,
        parents=(str(incumbent),) if incumbent else (),
        licences={"sightline": "Apache-2.0", f"model file {file.name}": model.licence or "not stated"},
        code_version=__version__,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    made = seal_and_add(
        manifest,
        rewritten,
        test.reference,
        model_card(manifest, dataset, evaluation),
        fingerprint,
        sha256_bytes(_recipe_json(recipe)),
        layout,
        registry,
        watch,
    )
    return offer(made, layout, registry, options.margin, watch)


def _read(file: Path) -> bytes:
    most = archive.BUNDLE[archive.MODEL]
    if not file.is_file():
        raise InputError(f"there is no file {str(file)!r}")
    with reported(file, "read"):
        if file.stat().st_size > most:
            raise InputError(f"{str(file)!r} is larger than an ONNX file can be: {most} bytes")
        return file.read_bytes()


def _rewritten(data: bytes, model: ForeignModel) -> tuple[ForeignModel, ModelContract, bytes]:
    """The description with what the file itself says, what the new file takes and gives, and that file."""
    try:
        from sightline.export.foreign_graph import Rewriting, rewriting_to_json
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("sightline"):
            raise
        raise missing_extra("an import", error.name or "", "onnx") from error
    model, size, fixed = _completed(inspect_onnx(data, "it"), model)
    limits = Limits(_SECONDS + len(data) / _BYTES_A_SECOND, _BYTES + _COPIES * len(data))
    asked = rewriting_to_json(Rewriting(model, size))
    rewritten = run_killable(_REWRITE, asked, data, limits, "reading it as ONNX")
    taken = model.input
    contract = _contract(
        inspect_onnx(rewritten), model, PixelRecipe(size, taken.fit, taken.crop_fraction, taken.fill)
    )
    if fixed:
        try:
            _run_two(rewritten, contract)
        except BundleError as error:
            raise BundleError(
                f"it was made for batches of {fixed} and does not take others ({error}); export it with a "
                "free batch dimension"
            ) from error
    return model, contract, rewritten


def _run_two(rewritten: bytes, contract: ModelContract) -> None:
    try_out(rewritten, Trial("onnxruntime", 1, 2, contract.pixels.size))


def _completed(ends: OnnxFile, model: ForeignModel) -> tuple[ForeignModel, Size, int]:
    """The description with the input's name, the size of pictures, and their number, 0 where it is free.

    Raises:
        BundleError: file and description contradict each other.
    """
    taken = model.input
    names = [each.name for each in ends.inputs]
    name = taken.name or (names[0] if len(names) == 1 else "")
    if names != [name]:
        raise BundleError(f"it must have one input {taken.name or '(any name)'!r}, it has {', '.join(names)}")
    (found,) = ends.inputs
    channels, rows, columns = (1, 2, 3) if taken.layout == "NCHW" else (3, 1, 2)
    if len(found.shape) != 4 or (isinstance(found.shape[channels], int) and found.shape[channels] != 3):
        shape = ", ".join(map(str, found.shape))
        raise BundleError(f"its input {name!r} is [{shape}], which is not {taken.layout} with 3 channels")
    if (taken.scale is None) != (found.dtype == "uint8"):
        raise BundleError(
            f"its input {name!r} is {found.dtype}: the description must "
            + ("not have a scale" if found.dtype == "uint8" else "say scale (such as 0.00392156862745098)")
        )
    sides = []
    for word, said, fixed in (
        ("width", taken.width, found.shape[columns]),
        ("height", taken.height, found.shape[rows]),
    ):
        side = fixed if isinstance(fixed, int) else said
        if side is None:
            raise BundleError(f"it takes pictures of any {word}; the description must say input: {word}")
        if said not in (None, side):
            raise BundleError(f"it takes pictures of {word} {side}, the description says {said}")
        sides.append(side)
    number = found.shape[0]
    size = Size(*sides)
    completed = replace(taken, name=name, width=size.width, height=size.height)
    return replace(model, input=completed), size, number if isinstance(number, int) else 0


def _contract(ends: OnnxFile, model: ForeignModel, pixels: PixelRecipe) -> ModelContract:
    suppression = model.suppression
    if suppression is not None:
        most = next(int(each.shape[1]) for each in ends.outputs if each.name == "scores")
        suppression = Suppression(
            suppression.iou, suppression.least_score, max(suppression.candidates, most), most
        )
    return ModelContract(model.task, model.classes, pixels, ends.inputs, ends.outputs, suppression)


def _dataset(options: ForeignOptions, contract: ModelContract, layout: Layout) -> Dataset | None:
    if options.pictures is None:
        return None
    imports = replace(options.imports, held_out=True, classes=contract.classes)
    read = import_folder(options.pictures, imports, partial(options.watch.progress, "import"))
    dataset = read.dataset
    if dataset.task != contract.task:
        raise InputError(
            f"{str(options.pictures)!r} is labelled for {dataset.task}, the model is for {contract.task}"
        )
    write_manifest(dataset, layout.datasets / f"{dataset.fingerprint}.json")
    return dataset


def _answered(
    session: "Session", contract: ModelContract, dataset: Dataset | None, split: Split, watch: Watcher
) -> Answered:
    width = next((int(each.shape[1]) for each in contract.outputs if each.name == "embedding"), 0)
    batches = (
        held_out_answers(
            session.run,
            contract.pixels,
            dataset,
            dataset.part(split),
            batch_size(contract),
            partial(watch.progress, f"judge on {split}"),
        )
        if dataset
        else ()
    )
    return gather_answers(contract.task, contract.classes, contract.pixels, width, batches)


def _thresholds(
    model: ForeignModel, val: Answered, contract: ModelContract, watch: Watcher
) -> dict[str, float]:
    """The description's; for other classes those found on validation, or a detector's usual."""
    usual = dict.fromkeys(contract.classes, UNKNOWN) if contract.task == "detection" else {}
    found = operating_thresholds(val.measured, contract.classes, None, watch) if len(val.known) else {}
    return {**usual, **found, **model.thresholds}


def _recipe_json(recipe: ImportRecipe) -> bytes:
    from pydantic import TypeAdapter

    return write_canonical(recipe, TypeAdapter(ImportRecipe), "the import's recipe")
