"""``manifest.json``: written in one canonical form, and read back strictly."""

import re
from functools import cache

from pydantic import TypeAdapter

from sightline.bundle.archive import MANIFEST
from sightline.bundle.canonical import read_canonical, write_canonical
from sightline.errors import BundleError
from sightline.values.contract import ModelContract, TensorSpec, task_outputs
from sightline.values.recipe import Recipe
from sightline.values.release import Manifest

SCHEMA_VERSION = 1
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
LONGEST_SIDE = 16_384
_LONGEST_CLASS = 1_000


def write_manifest(manifest: Manifest) -> bytes:
    """``manifest`` in canonical form.

    Raises:
        BundleError: a field cannot be written, for instance a number that is not finite.
    """
    return write_canonical(manifest, _adapter(), MANIFEST)


def read_manifest(data: bytes) -> Manifest:
    """The manifest in ``data``, which must be the canonical form of a sensible one.

    Raises:
        BundleError: as ``read_canonical``, or the contract makes no sense.
    """
    manifest = read_canonical(data, _adapter(), MANIFEST)
    check_manifest(manifest)
    return manifest


def check_manifest(manifest: Manifest) -> None:
    """Refuse a manifest whose parts contradict each other or could not be served.

    Raises:
        BundleError: says which field, what was wanted and what came.
    """
    contract = manifest.contract
    problems = [
        (
            manifest.schema_version != SCHEMA_VERSION,
            f"it has schema version {manifest.schema_version}; this sightline reads {SCHEMA_VERSION}: "
            "install a newer sightline",
        ),
        (not NAME.fullmatch(manifest.name), f"name must match {NAME.pattern}, got {manifest.name[:80]!r}"),
        (manifest.version < 1, f"version counts from 1, got {manifest.version}"),
        (
            not set(manifest.thresholds) <= set(contract.classes),
            "thresholds has a class that the contract does not have",
        ),
        (
            not all(0 <= threshold <= 1 for threshold in manifest.thresholds.values()),
            "every threshold must lie in [0, 1]",
        ),
        (
            manifest.calibration is not None and manifest.calibration.temperature <= 0,
            "the calibration's temperature must be positive",
        ),
        (manifest.recipe.classes != contract.classes, "recipe and contract have different classes"),
        (manifest.recipe.pixels != contract.pixels, "recipe and contract prepare pixels differently"),
        *_contract_problems(contract, trained_here=isinstance(manifest.recipe, Recipe)),
    ]
    for wrong, words in problems:
        if wrong:
            raise BundleError(f"manifest.json is refused: {words}")


def _contract_problems(contract: ModelContract, *, trained_here: bool) -> list[tuple[bool, str]]:
    size, classes = contract.pixels.size, contract.classes
    least = 2 if contract.task == "classification" else 1
    inputs = [(tensor.dtype, tensor.shape) for tensor in contract.inputs]
    outputs = {tensor.name: tensor for tensor in contract.outputs}
    embedding = outputs.get("embedding")
    wanted = task_outputs(contract.task, classes, contract.suppression)
    missing = next((tensor for tensor in wanted if outputs.get(tensor.name) != tensor), None)
    return [
        (len(classes) < least, f"{contract.task} needs at least {least} classes, got {len(classes)}"),
        (len(set(classes)) != len(classes), "two classes have the same name"),
        (
            not all(0 < len(name) <= _LONGEST_CLASS for name in classes),
            f"a class name has 1 to {_LONGEST_CLASS} characters",
        ),
        (
            max(size.width, size.height) > LONGEST_SIDE,
            f"the model's input may have {LONGEST_SIDE} pixels a side, got {size}",
        ),
        (
            inputs != [("uint8", ("N", size.height, size.width, 3))],
            f"the model must take one uint8 tensor [N, {size.height}, {size.width}, 3]",
        ),
        (len(outputs) != len(contract.outputs), "two outputs have the same name"),
        (
            (contract.suppression is not None) != (contract.task == "detection"),
            "a detector says how it suppresses, and only a detector does",
        ),
        (missing is not None, f"the model must give {missing and _in_words(missing)}"),
        (
            embedding is not None
            and (embedding.dtype != "float32" or len(embedding.shape) != 2 or embedding.shape[0] != "N"),
            "the model's embedding must be float32 [N, D]",
        ),
        (
            embedding is None and trained_here,
            "a model that was trained here must give embedding, float32 [N, D]",
        ),
    ]


def _in_words(tensor: TensorSpec) -> str:
    return f"{tensor.name}, {tensor.dtype} [{', '.join(map(str, tensor.shape))}]"


@cache
def _adapter() -> TypeAdapter[Manifest]:
    return TypeAdapter(Manifest)
