import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sightline.bundle.manifest import check_manifest, read_manifest, write_manifest
from sightline.errors import BundleError
from sightline.values.contract import PixelRecipe, TensorSpec
from sightline.values.evaluation import Calibration, Interval, Parity
from sightline.values.image import Size
from sightline.values.release import Manifest

numbers = st.floats(allow_nan=False, allow_infinity=False)
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
intervals = st.builds(Interval, numbers, numbers, numbers, numbers)


def test_round_trip(manifest: Manifest) -> None:
    data = write_manifest(manifest)
    assert read_manifest(data) == manifest
    assert data == write_manifest(read_manifest(data))
    assert data.startswith(b'{\n "calibration": {')
    assert data.endswith(b"}\n")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    metrics=st.dictionaries(words, intervals, max_size=3),
    licences=st.dictionaries(words, words, max_size=3),
    parents=st.lists(words, max_size=3).map(tuple),
    version=st.integers(1, 2**40),
    created=words,
    parity=st.none() | st.builds(Parity, st.integers(), words, st.integers(), *[numbers] * 3, st.booleans()),
    calibration=st.none() | st.builds(Calibration, st.floats(1e-300, 1e300), st.integers(), numbers, numbers),
    threshold=st.floats(0, 1),
)
def test_any_manifest_comes_back_equal(manifest: Manifest, threshold: float, **changes: Any) -> None:
    made = replace(manifest, thresholds={"good": threshold}, **changes)
    assert read_manifest(write_manifest(made)) == made


def test_the_same_manifest_gives_the_same_bytes(manifest: Manifest) -> None:
    backwards = replace(manifest, metrics=dict(sorted(manifest.metrics.items(), reverse=True)))
    assert write_manifest(backwards) == write_manifest(manifest)


DAMAGES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "white space": (lambda data: data + b" ", "canonical form"),
    "another order": (
        lambda data: json.dumps(dict(reversed(json.loads(data).items()))).encode(),
        "canonical",
    ),
    "doubled key": (lambda data: data.replace(b'"version": 2', b'"version": 3,\n "version": 2'), "canonical"),
    "escapes": (lambda data: data.replace("é".encode(), b"\\u00e9"), "canonical form"),
    "NaN": (lambda data: data.replace(b"1.25", b"NaN"), "not usable JSON|canonical|finite"),
    "infinity": (lambda data: data.replace(b"1.25", b"1e999"), "not usable JSON"),
    "unknown field": (lambda data: data.replace(b'{\n "cal', b'{\n "aa": 1,\n "cal'), "field 'aa', which"),
    "unknown below": (
        lambda data: data.replace(b'"fill": 7', b'"fill": 7,\n   "find": 7', 1),
        "field 'contract.pixels.find'",
    ),
    "missing field": (
        lambda data: data.replace(b'"version": 2', b'"versiom": 2'),
        "'version': Field required",
    ),
    "text for a number": (lambda data: data.replace(b'"version": 2', b'"version": "2"'), "'version'"),
    "truth for a number": (lambda data: data.replace(b'"version": 2', b'"version": true'), "'version'"),
    "a refused value": (lambda data: data.replace(b'"fill": 7', b'"fill": 700'), "grey level"),
    "deep nesting": (lambda _: b"[" * 1_000_000, "manifest.json is refused"),
    "deep nesting inside": (lambda data: data.replace(b'"2026', b"[" * 100_000 + b'"2026'), "refused"),
    "long number": (lambda data: data.replace(b"1.25", b"9" * 10_000), "manifest.json"),
    "not UTF-8": (lambda data: data.replace(b"boards", b"b\xff"), "manifest.json is refused"),
    "half a character": (lambda data: data.replace(b"boards@1", b"\\ud800"), "manifest.json is refused"),
    "empty": (lambda _: b"", "manifest.json is refused"),
    "a list": (lambda _: b"[]\n", "manifest.json is refused"),
    "the future": (
        lambda data: data.replace(b'"schema_version": 1,\n "thr', b'"schema_version": 2,\n "thr'),
        "schema version 2; this sightline reads 1: install a newer",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_strange_json_is_refused_in_one_line(manifest: Manifest, damage: str) -> None:
    make, words = DAMAGES[damage]
    data = write_manifest(manifest)
    assert make(data) != data
    with pytest.raises(BundleError, match=words) as caught:
        read_manifest(make(data))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


def test_a_field_with_a_default_may_be_absent(manifest: Manifest) -> None:
    fields = json.loads(write_manifest(manifest))
    del fields["recipe"]["planned_minutes"]
    older = f"{json.dumps(fields, sort_keys=True, indent=1, ensure_ascii=False)}\n".encode()
    assert read_manifest(older) == manifest


@pytest.mark.parametrize("value", [float("nan"), float("inf"), np.float32(1.0)])
def test_numbers_that_json_cannot_hold_are_not_written(manifest: Manifest, value: float) -> None:
    with pytest.raises(BundleError, match="cannot be written"):
        write_manifest(replace(manifest, metrics={"top1": Interval(value, 0.0, 1.0)}))


def test_numpy_doubles_are_ordinary_numbers(manifest: Manifest) -> None:
    made = replace(manifest, metrics={"top1": Interval(np.float64(0.1), 0, 1)})
    assert read_manifest(write_manifest(made)) == made


def test_names_that_are_not_text_are_not_written(manifest: Manifest) -> None:
    with pytest.raises(BundleError, match="cannot be written"):
        write_manifest(replace(manifest, parents=("\udc80",)))


PROBABILITIES = TensorSpec("probabilities", "float32", ("N", 3))
EMBEDDING = TensorSpec("embedding", "float32", ("N", 5))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"classes": ("a",)}, "at least 2 classes, got 1"),
        ({"classes": ("good", "x", "good")}, "same name"),
        ({"classes": ("good", "", "née 穴")}, "1 to 1000 characters"),
        ({"pixels": PixelRecipe(Size(100_000, 100_000))}, "16384 pixels a side, got 100000x100000"),
        ({"pixels": PixelRecipe(Size(9, 6))}, r"one uint8 tensor \[N, 6, 9, 3\]"),
        ({"inputs": ()}, "one uint8 tensor"),
        ({"outputs": (EMBEDDING,)}, r"probabilities, float32 \[N, 3\]"),
        ({"outputs": (PROBABILITIES,)}, r"embedding, float32 \[N, D\]"),
        ({"outputs": (PROBABILITIES, EMBEDDING, EMBEDDING)}, "two outputs"),
    ],
)
def test_a_contract_that_makes_no_sense(
    altered: Callable[..., Manifest], changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(BundleError, match=words):
        check_manifest(replace(altered(**changes), thresholds={}))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "../evil"}, "name must match"),
        ({"name": "a" * 65}, "name must match"),
        ({"name": "boards\n"}, "name must match"),
        ({"version": 0}, "counts from 1, got 0"),
        ({"thresholds": {"other": 0.5}}, "thresholds has a class"),
        ({"thresholds": {"good": 1.5}}, r"lie in \[0, 1\]"),
        ({"calibration": Calibration(0.0, 1, 0.0, 0.0)}, "must be positive"),
    ],
)
def test_a_manifest_that_makes_no_sense(manifest: Manifest, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(BundleError, match=words):
        check_manifest(replace(manifest, **changes))


def test_recipe_and_contract_must_agree(manifest: Manifest) -> None:
    recipe = replace(manifest.training, classes=("a", "b"))
    with pytest.raises(BundleError, match="different classes"):
        check_manifest(replace(manifest, recipe=recipe))
    recipe = replace(manifest.training, pixels=PixelRecipe(Size(1, 1)))
    with pytest.raises(BundleError, match="prepare pixels differently"):
        check_manifest(replace(manifest, recipe=recipe))
