"""Every runtime file inherits these."""

from collections.abc import Callable

import numpy as np
import pytest

from sightline.errors import BundleError, MissingExtra
from sightline.infer.runtimes import RUNTIMES
from sightline.infer.runtimes.base import Session
from sightline.values.contract import ModelContract
from sightline.values.image import Pixels

runtimes = pytest.mark.parametrize("name", RUNTIMES.names())


@pytest.fixture
def noise() -> Pixels:
    return np.random.default_rng(0).integers(0, 256, (7, 8, 8, 3), dtype=np.uint8)


def load(name: str, model: bytes, threads: int = 2) -> Session:
    try:
        runtime = RUNTIMES.load(name)
    except MissingExtra as error:
        pytest.skip(str(error))
    return runtime.load(model, threads)


@runtimes
def test_tells_what_the_model_takes_and_gives(
    name: str, model: Callable[..., bytes], contract: ModelContract
) -> None:
    session = load(name, model())
    (taken,) = session.inputs
    assert (taken.name, taken.dtype, taken.shape[1:]) == ("pictures", "uint8", (8, 8, 3))
    assert isinstance(taken.shape[0], str)
    assert {each.name: each.dtype for each in session.outputs} == {
        "probabilities": "float32",
        "embedding": "float32",
    }


@runtimes
def test_computes_the_graph(name: str, model: Callable[..., bytes], noise: Pixels) -> None:
    outputs = load(name, model()).run(noise)
    means = noise.mean(axis=(1, 2))
    powers = np.exp(means * 0.05 - (means * 0.05).max(axis=1, keepdims=True))
    assert np.allclose(outputs["embedding"], means, rtol=1e-5)
    assert np.allclose(outputs["probabilities"], powers / powers.sum(axis=1, keepdims=True), atol=1e-5)


@runtimes
def test_the_same_batch_gives_the_same_bytes(name: str, model: Callable[..., bytes], noise: Pixels) -> None:
    first, second = (load(name, model()).run(noise) for _ in range(2))
    assert all(first[key].tobytes() == second[key].tobytes() for key in first)


@runtimes
@pytest.mark.parametrize("broken", [b"", b"no model", b"\x08\x09" * 400])
def test_refuses_what_is_no_model_and_stays_quiet(
    name: str, broken: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(BundleError) as caught:
        load(name, broken)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


@runtimes
def test_refuses_a_batch_of_another_shape_and_stays_quiet(
    name: str, model: Callable[..., bytes], capfd: pytest.CaptureFixture[str]
) -> None:
    session = load(name, model())
    with pytest.raises(BundleError, match=r"9, 8, 3"):
        session.run(np.zeros((1, 9, 8, 3), dtype=np.uint8))
    assert capfd.readouterr() == ("", "")
