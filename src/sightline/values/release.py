"""The sealed model and its life in the registry."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from sightline.errors import InputError
from sightline.values.contract import ModelContract
from sightline.values.evaluation import Calibration, DetectionParity, Interval, Parity, VariantParity
from sightline.values.foreign import ImportRecipe
from sightline.values.recipe import Recipe

Stage = Literal["candidate", "production", "archived"]
STAGES: tuple[Stage, ...] = ("candidate", "production", "archived")


@dataclass(frozen=True, slots=True)
class Manifest:
    """``manifest.json`` of a bundle.

    ``thresholds`` maps a class to the score from which its answer is accepted (best F1 on
    validation); ``metrics`` are the test split's headline numbers, empty where nothing was held out;
    ``recipe`` is how the model was trained here, or how it came in;
    ``parents`` are releases as ``NAME@VERSION``; ``licences`` maps each ingredient to its licence.
    """

    name: str
    version: int
    contract: ModelContract
    thresholds: Mapping[str, float]
    calibration: Calibration | None
    metrics: Mapping[str, Interval]
    parity: Parity | DetectionParity | None
    recipe: Recipe | ImportRecipe
    parents: tuple[str, ...]
    licences: Mapping[str, str]
    code_version: str
    created: str
    schema_version: int = 1

    @property
    def training(self) -> Recipe:
        """The recipe of a model that was trained here.

        Raises:
            InputError: it was imported.
        """
        if isinstance(self.recipe, Recipe):
            return self.recipe
        raise InputError(
            f"{self.name}@{self.version} was trained elsewhere ({self.recipe.file}), so what it learned from "
            "is not here; do this where it was trained, and import what comes out"
        )


@dataclass(frozen=True, slots=True)
class Variant:
    """A compressed model inside a bundle: ``model`` and ``reference`` as the bundle's own."""

    model: bytes
    parity: VariantParity
    reference: bytes


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle whose every byte has been checked: verified bytes, never a path to read again.

    ``variants`` maps a way to compress, such as ``int8``, to what it made of ``model``.
    """

    path: Path
    sha256: str
    manifest: Manifest
    model: bytes
    reference: bytes
    card: str
    signer: str
    variants: Mapping[str, Variant] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Release:
    """One version of a model in the registry. ``path`` is relative to the workspace."""

    name: str
    version: int
    stage: Stage
    path: str
    sha256: str
    dataset_fingerprint: str
    recipe_sha256: str
    code_version: str
    parent: str | None
    created: str

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"
