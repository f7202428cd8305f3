from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from sightline.errors import BundleError, InputError, UnknownPlugin
from sightline.infer.predictor import Predictor
from sightline.values.contract import ModelContract, PixelRecipe, TensorSpec
from sightline.values.image import Size
from sightline.values.prediction import Prediction, Unanswered
from sightline.values.release import Bundle, Variant

RED, GREEN, BLUE = (200, 10, 20), (10, 200, 20), (20, 10, 200)


def test_answers_in_order_and_bad_files_are_values(predictor: Predictor, plain: Callable[..., bytes]) -> None:
    red, bad, blue = predictor.predict([("r", plain(RED)), ("bad", b"text"), ("b", plain(BLUE, (30, 40)))])
    assert isinstance(red, Prediction)
    assert (red.source, red.labels[0].label, red.size, red.release) == ("r", "red", Size(20, 10), "colours@3")
    assert isinstance(bad, Unanswered)
    assert bad.reason
    assert isinstance(blue, Prediction)
    assert (blue.labels[0].label, blue.size) == ("blue", Size(30, 40))


def test_thresholds_decide_what_is_accepted(predictor: Predictor, plain: Callable[..., bytes]) -> None:
    red, green, blue = predictor.predict(
        [(c, plain(v)) for c, v in zip("rgb", (RED, GREEN, BLUE), strict=True)]
    )
    assert isinstance(red, Prediction)
    assert isinstance(green, Prediction)
    assert isinstance(blue, Prediction)
    assert [red.labels[0].accepted, green.labels[0].accepted, blue.labels[0].accepted] == [True, False, True]


def test_nothing_asked_nothing_answered(predictor: Predictor) -> None:
    assert predictor.predict([]) == []
    assert predictor.probabilities(np.empty((0, 8, 8, 3), dtype=np.uint8)).shape == (0, 3)


def test_raw_numbers_do_not_depend_on_the_batch(predictor: Predictor) -> None:
    pictures = np.random.default_rng(1).integers(0, 256, (predictor.batch_size + 3, 8, 8, 3), dtype=np.uint8)
    whole = predictor.probabilities(pictures)
    singly = np.concatenate([predictor.probabilities(each[None]) for each in pictures])
    assert whole.dtype == np.float32
    assert np.allclose(whole, singly, atol=1e-6)
    assert np.allclose(predictor.embeddings(pictures), pictures.mean(axis=(1, 2)), rtol=1e-5)


def test_top_limits_the_labels(bundle: Callable[..., Bundle], plain: Callable[..., bytes]) -> None:
    (answer,) = Predictor(bundle(), threads=1, top=2).predict([("r", plain(RED))])
    assert isinstance(answer, Prediction)
    assert len(answer.labels) == 2
    with pytest.raises(InputError):
        Predictor(bundle(), threads=1, top=0)


def test_a_variant_answers_in_its_own_name(
    bundle: Callable[..., Bundle], variant: Variant, plain: Callable[..., bytes]
) -> None:
    both = replace(bundle(), variants={"int8": variant})
    (full,) = Predictor(both, threads=1).predict([("r", plain(RED))])
    (compressed,) = Predictor(both, threads=1, variant="int8").predict([("r", plain(RED))])
    assert isinstance(full, Prediction)
    assert isinstance(compressed, Prediction)
    assert (full.release, compressed.release) == ("colours@3", "colours@3/int8")
    assert compressed.labels[0].score < full.labels[0].score
    with pytest.raises(InputError, match=r"no variant 'fp4' \(it has: int8\); sightline compress"):
        Predictor(both, variant="fp4")
    with pytest.raises(InputError, match=r"it has: none"):
        Predictor(bundle(), variant="int8")


def test_it_may_be_used_from_several_threads(predictor: Predictor, plain: Callable[..., bytes]) -> None:
    files = [("r", plain(RED)), ("g", plain(GREEN))]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: predictor.predict(files), range(20)))
    assert all(each == answers[0] for each in answers)


def test_a_model_that_gives_no_numbers_leaves_pictures_unanswered(
    bundle: Callable[..., Bundle], model: Callable[..., bytes], plain: Callable[..., bytes]
) -> None:
    (answer,) = Predictor(bundle(model=model(scale=float("nan"))), threads=1).predict([("r", plain(RED))])
    assert answer == Unanswered("r", "the model gave numbers that make no sense")


@pytest.mark.parametrize(("side", "batch"), [(8, 64), (112, 16), (224, 4), (1000, 1)])
def test_the_batch_shrinks_as_pictures_grow(
    bundle: Callable[..., Bundle],
    contract: ModelContract,
    model: Callable[..., bytes],
    side: int,
    batch: int,
) -> None:
    inputs = (TensorSpec("pictures", "uint8", ("N", side, side, 3)),)
    sized = replace(contract, pixels=PixelRecipe(Size(side, side)), inputs=inputs)
    assert Predictor(bundle(contract=sized, model=model(side=side)), threads=1).batch_size == batch


def test_unknown_runtimes_are_named(bundle: Callable[..., Bundle]) -> None:
    with pytest.raises(UnknownPlugin, match="onnxruntime"):
        Predictor(bundle(), runtime="onnxruntim")


SPEC = TensorSpec("probabilities", "float32", ("N", 3))
OTHER = TensorSpec("embedding", "float32", ("N", 3))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"inputs": (TensorSpec("pictures", "float32", ("N", 8, 8, 3)),)}, r"one input, uint8\[N,8,8,3\]"),
        ({"inputs": ()}, "names none"),
        ({"pixels": PixelRecipe(Size(9, 8))}, r"uint8\[N,8,9,3\]"),
        ({"outputs": (OTHER,)}, r"output probabilities float32\[N,3\]"),
        ({"classes": ("one", "two")}, r"2 classes must name the output probabilities float32\[N,2\]"),
        ({"inputs": (TensorSpec("images", "uint8", ("N", 8, 8, 3)),)}, "the model has pictures"),
        ({"outputs": (SPEC,)}, "the model has embedding"),
        ({"outputs": (SPEC, replace(OTHER, dtype="float64"))}, r"embedding float64\[N,3\]"),
        ({"outputs": (SPEC, replace(OTHER, shape=("N", 4)))}, r"embedding float32\[N,4\]"),
        ({"outputs": (SPEC, replace(OTHER, shape=("N", "D")))}, r"embedding float32\[N,N\]"),
    ],
)
def test_a_model_must_be_what_its_manifest_says(
    bundle: Callable[..., Bundle], contract: ModelContract, change: dict[str, object], says: str
) -> None:
    with pytest.raises(BundleError, match=says) as caught:
        Predictor(bundle(contract=replace(contract, **change)), threads=1)  # type: ignore[arg-type]
    assert str(caught.value).startswith("colours@3")


def test_a_model_that_claims_one_shape_and_gives_another_is_refused(
    bundle: Callable[..., Bundle], contract: ModelContract, model: Callable[..., bytes]
) -> None:
    outputs = (replace(SPEC, shape=("N", 4)), OTHER)
    four = replace(contract, classes=("a", "b", "c", "d"), outputs=outputs)
    with pytest.raises(BundleError):
        Predictor(bundle(contract=four, model=model(classes=4)), threads=1).probabilities(
            np.zeros((1, 8, 8, 3), dtype=np.uint8)
        )
