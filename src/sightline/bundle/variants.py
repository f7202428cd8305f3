"""The compressed models in a bundle: ``variants/NAME/`` with its model, its parity and its reference."""

from collections.abc import Mapping
from functools import cache

from pydantic import TypeAdapter

from sightline.bundle import archive
from sightline.bundle.canonical import read_canonical, write_canonical
from sightline.errors import BundleError
from sightline.values.evaluation import VariantParity
from sightline.values.release import Variant


def variant_members(variants: Mapping[str, Variant]) -> dict[str, bytes]:
    """The members of all variants, by their names in the archive.

    Raises:
        BundleError: a parity cannot be written.
    """
    members = {}
    for name, variant in sorted(variants.items()):
        model, parity, reference = archive.of_variant(name)
        members[model] = variant.model
        members[parity] = write_canonical(variant.parity, _adapter(), parity)
        members[reference] = variant.reference
    return members


def read_variant(name: str, members: Mapping[str, bytes]) -> Variant:
    """Variant ``name`` out of a bundle's members.

    Raises:
        BundleError: its parity cannot be read, or says that it must not be published.
    """
    model, parity, reference = archive.of_variant(name)
    read = read_canonical(members[parity], _adapter(), parity)
    if read.verdict == "refused" or (read.verdict == "undecided" and not read.accepted):
        raise BundleError(
            f"{parity} is refused: the loss is not shown to be within {read.budget:g}, which nobody accepted"
        )
    if not 0 < read.budget < 1 or read.comparison.margin != -read.budget:
        raise BundleError(f"{parity} is refused: the comparison is not about its budget of {read.budget:g}")
    return Variant(members[model], read, members[reference])


@cache
def _adapter() -> TypeAdapter[VariantParity]:
    return TypeAdapter(VariantParity)
