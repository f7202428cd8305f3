"""A release that is ready to answer, and how people say which they want served."""

import re
from dataclasses import dataclass

import numpy as np

from sightline.errors import InputError
from sightline.infer.predictor import Predictor
from sightline.registry.references import Reference, parse_reference
from sightline.values.release import Bundle

_VARIANT = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A release to serve, in the form ``variant`` (empty: the full one).

    With a version it is that one for good; otherwise whatever is in the stage, now and after a promotion.
    """

    reference: Reference
    variant: str = ""

    @property
    def text(self) -> str:
        """The reference as the registry takes it."""
        name, version, stage = self.reference.name, self.reference.version, self.reference.stage
        return f"{name}@{version}" if version else f"{name}:{stage}"


def parse_wanted(text: str) -> Wanted:
    """``NAME``, ``NAME@VERSION`` or ``NAME:STAGE``, each with ``/VARIANT`` behind it or without.

    Example:
        >>> parse_wanted("boards@3/int8")
        Wanted(reference=Reference(name='boards', version=3, stage='production'), variant='int8')

    Raises:
        InputError: another form.
    """
    reference, slash, variant = text.partition("/")
    if slash and not _VARIANT.fullmatch(variant):
        raise InputError(f"what is served is NAME[@VERSION|:STAGE][/VARIANT], got {text!r}")
    return Wanted(parse_reference(reference), variant)


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """A release in memory, run once. Every picture of a request is answered by the same one."""

    predictor: Predictor

    @property
    def name(self) -> str:
        """The model's name."""
        return self.predictor.manifest.name

    @property
    def version(self) -> int:
        """The release's number."""
        return self.predictor.manifest.version


def load(bundle: Bundle, variant: str = "") -> Loaded:
    """The release in ``bundle``, warmed up.

    A run stays on the thread that asks for it: several pictures are worked on at a time by several threads,
    which wastes less than several threads on one.

    Raises:
        BundleError, InputError: as ``Predictor``.
    """
    predictor = Predictor(bundle, threads=1, variant=variant)
    size = predictor.manifest.contract.pixels.size
    for count in sorted({1, predictor.batch_size}):
        predictor.run(np.zeros((count, size.height, size.width, 3), dtype=np.uint8))
    return Loaded(predictor)
