"""Compressed models in a bundle: sealed with it, checked like it, and refused where nobody accepted them."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from compressed import lost
from sightline.bundle import archive
from sightline.bundle.card import card_with_variants, model_card
from sightline.bundle.keys import SigningKey
from sightline.bundle.seal import seal
from sightline.bundle.signature import sign
from sightline.bundle.variants import read_variant, variant_members
from sightline.bundle.verify import open_bundle, verify_bytes
from sightline.errors import BundleError
from sightline.values.release import Bundle, Manifest, Variant

Sealed = Callable[[Variant], Bundle]


@pytest.fixture
def sealed_with(
    bundle_path: Path, manifest: Manifest, members: Mapping[str, bytes], key: SigningKey
) -> Sealed:
    def make(variant: Variant) -> Bundle:
        return seal(
            bundle_path,
            manifest,
            model=members[archive.MODEL],
            reference=members[archive.REFERENCE],
            card="# boards\n",
            key=key,
            variants={"int8": variant},
        )

    return make


def test_a_variant_travels_in_the_sealed_file(
    sealed_with: Sealed, bundle_path: Path, key: SigningKey, variant: Variant
) -> None:
    assert sealed_with(variant).variants == {"int8": variant}
    assert open_bundle(bundle_path, {key.fingerprint}).variants == {"int8": variant}


@pytest.mark.parametrize(
    ("loss", "most", "verdict"),
    [(0.004, 0.009, "passes"), (0.004, 0.02, "undecided"), (0.011, 0.02, "refused"), (-0.1, 0.009, "passes")],
)
def test_the_loss_decides(loss: float, most: float, verdict: str) -> None:
    assert lost(loss, most).verdict == verdict


def test_a_variant_that_loses_too_much_is_never_sealed(sealed_with: Sealed, variant: Variant) -> None:
    with pytest.raises(BundleError, match=r"int8/parity\.json is refused: the loss is not shown"):
        sealed_with(replace(variant, parity=lost(0.02, 0.03, accepted=True)))
    with pytest.raises(BundleError, match="which nobody accepted"):
        sealed_with(replace(variant, parity=lost(0.004, 0.03)))
    assert sealed_with(replace(variant, parity=lost(0.004, 0.03, accepted=True))).variants


def test_the_comparison_is_about_the_budget(variant: Variant) -> None:
    odd = replace(variant, parity=replace(variant.parity, budget=0.5))
    with pytest.raises(BundleError, match=r"not about its budget of 0\.5"):
        read_variant("int8", variant_members({"int8": odd}))


@pytest.mark.parametrize("member", archive.of_variant("int8"))
def test_every_member_of_a_variant_is_checked(
    member: str, members: Mapping[str, bytes], key: SigningKey, variant: Variant
) -> None:
    parts = {name: data for name, data in members.items() if name != archive.SIGNATURE}
    parts |= variant_members({"int8": variant})
    limits = archive.bundle_limits(["int8"])

    def resigned(changed: Mapping[str, bytes]) -> bytes:
        whole = {name: changed.get(name, parts[name]) for name in limits if name != archive.SIGNATURE}
        return archive.pack({**whole, archive.SIGNATURE: sign(whole, key)}, limits)

    assert verify_bytes(resigned({}), {key.fingerprint}).variants == {"int8": variant}
    with pytest.raises(BundleError, match=member):
        verify_bytes(resigned({member: b"{}"}), {key.fingerprint})
    unsigned = archive.pack({**parts, member: b"{}", archive.SIGNATURE: members[archive.SIGNATURE]}, limits)
    with pytest.raises(BundleError, match="signature"):
        verify_bytes(unsigned, {key.fingerprint})


def test_the_card_tells_of_variants(manifest: Manifest, variant: Variant) -> None:
    told = model_card(manifest, variants={"int8": variant})
    assert "| int8 | 0.0 | top1 | 0.9000 | 0.8960 | +0.40 | +0.90 | 1 | 2 of 7 |" in told
    assert "was published because its user accepted" not in told
    undecided = replace(variant, parity=lost(0.004, 0.03, accepted=True))
    assert "was published because its user accepted" in model_card(manifest, variants={"int8": undecided})


def test_the_next_releases_card_is_as_if_written_anew(manifest: Manifest, variant: Variant) -> None:
    following = replace(manifest, version=3, parents=("boards@2",), created="2026-02-02T03:04:05Z")
    wanted = model_card(following, variants={"int8": variant})
    assert card_with_variants(model_card(manifest), following, {"int8": variant}) == wanted
    assert card_with_variants(wanted, following, {"int8": variant}) == wanted
