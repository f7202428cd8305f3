"""Compressing a release: its next version, what it answers, and when there is none."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from command_line import SMALL, Product, run
from sightline.bundle.reference import read_reference
from sightline.pipeline.compressing import spread
from sightline.workspace import Workspace

LENIENT = ("--budget", "0.5", "--accept-undecided")


@pytest.mark.usefixtures("shop")
def test_a_variant_is_in_the_next_version() -> None:
    done = run("compress", "parts", *LENIENT)
    assert done.status == 0, done.err
    assert "release: parts@2 (candidate)" in done.out
    workspace = Workspace.open()
    first, second = (workspace.bundle(f"parts@{version}") for version in (1, 2))
    assert (first.model, first.reference) == (second.model, second.reference)
    assert second.manifest.parents == ("parts@1",)
    assert workspace.registry.get("parts@2").parent == "parts@1"
    variant = second.variants["int8"]
    assert len(variant.model) < len(second.model)
    assert variant.parity.calibrated_on > 0
    assert read_reference(variant.reference).scores.shape == read_reference(second.reference).scores.shape
    assert "## Variants" in second.card
    assert second.card.startswith("# parts, version 2")
    again = run("compress", "parts@2", *LENIENT)
    assert "parts@2 has the variant 'int8' already" in again.refusal


@pytest.mark.usefixtures("shop")
def test_a_variant_answers(product: Product) -> None:
    assert run("compress", "parts", *LENIENT).status == 0
    full, compressed = (
        run("predict", "parts@2", product.pictures, *more) for more in ((), ("--variant", "int8"))
    )
    rows = [[json.loads(line) for line in done.out.splitlines()] for done in (full, compressed)]
    assert {row["release"] for row in rows[1]} == {"parts@2/int8"}
    best = [[row["label"] for row in each] for each in rows]
    assert np.mean([one == other for one, other in zip(*best, strict=True)]) > 0.9
    assert (
        "no variant 'int8' (it has: none)"
        in run("predict", "parts@1", product.pictures, "--variant", "int8").refusal
    )


@pytest.mark.usefixtures("shop")
def test_a_variant_that_is_not_shown_to_hold_needs_a_word() -> None:
    held = run("compress", "parts", "--budget", "0.0001")
    assert "int8: top1 " in held.refusal
    assert "0.01 points are allowed" in held.refusal
    assert [str(each) for each in Workspace.open().releases("parts")] == ["parts@1"]


@pytest.mark.usefixtures("shop")
def test_the_pictures_that_it_was_made_with_are_needed() -> None:
    for manifest in Workspace.open().layout.datasets.glob("*.json"):
        manifest.unlink()
    assert "parts@1 was made with" in run("compress", "parts").refusal


@pytest.mark.usefixtures("shop")
def test_an_unknown_way_is_refused_before_anything_is_read() -> None:
    assert "no export compress plugin named 'int4'" in run("compress", "parts", "--variant", "int4").refusal
    assert "no export compress plugin named 'int4'" in run("build", "nowhere", "--variants", "int4").refusal


@given(
    arrays.arrays(np.float64, st.tuples(st.integers(1, 30), st.integers(1, 4)), elements=st.floats(-9, 9)),
    st.integers(1, 40),
)
def test_calibration_pictures_are_different_ones(points: np.ndarray, count: int) -> None:
    chosen = spread(points, count)
    assert len(chosen) == min(count, len(points))
    assert all(0 <= each < len(points) for each in chosen)


def test_calibration_pictures_lie_far_apart() -> None:
    points = np.array([[0.0], [0.1], [0.2], [5.0], [5.1], [-7.0]])
    assert sorted(spread(points, 3)) in ([0, 4, 5], [1, 4, 5], [2, 4, 5])


@pytest.mark.parametrize("variants", ["none", "int8"])
def test_a_build_makes_what_is_asked_for(shop: Path, product: Product, variants: str) -> None:
    short = (*SMALL, "--name", "other", "--variants", variants, "--budget", "0.6")
    done = run("build", product.pictures, *short)
    assert done.status == 0, done.err
    assert ("int8: top1 " in done.err) == (variants == "int8")
    page = max(shop.glob("runs/*/report.html"), key=lambda path: path.stat().st_mtime).read_text()
    assert ('id="variants"' in page) == (variants == "int8")
    sealed = Workspace.open().bundle("other").variants
    left_out = "left out" in done.err
    assert set(sealed) == (set() if variants == "none" or left_out else {"int8"})


def test_a_build_says_where_too_few_pictures_could_show_anything(product: Product) -> None:
    assert (
        "int8: left out: 6 test pictures cannot show a loss within the budget of 1 points"
        in product.build.err
    )
