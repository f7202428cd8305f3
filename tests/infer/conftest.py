"""A model that answers with a picture's main colour, and pictures to ask it about."""

from collections.abc import Callable
from pathlib import Path

import pytest

from colours import CONTRACT, colour_model, endless_model, hungry_model, make_bundle, png
from compressed import lost
from sightline.infer.predictor import Predictor
from sightline.values.contract import ModelContract
from sightline.values.release import Bundle, Variant


@pytest.fixture(scope="session")
def contract() -> ModelContract:
    return CONTRACT


@pytest.fixture(scope="session")
def model() -> Callable[..., bytes]:
    """``model(scale=0.05, classes=3, side=8)``: the bytes of a model."""
    return colour_model


@pytest.fixture(scope="session")
def hungry() -> bytes:
    """A model that asks for all memory."""
    return hungry_model()


@pytest.fixture(scope="session")
def endless() -> bytes:
    """A model that does not end."""
    return endless_model()


@pytest.fixture(scope="session")
def bundle() -> Callable[..., Bundle]:
    """``bundle(contract=..., model=..., thresholds=...)``."""
    return make_bundle


@pytest.fixture(scope="session")
def variant() -> Variant:
    """A compressed model that is less sure of itself."""
    return Variant(colour_model(scale=0.02), lost(), b"")


@pytest.fixture(scope="session")
def predictor() -> Predictor:
    return Predictor(make_bundle(thresholds={"red": 0.99, "green": 0.9999}), threads=1)


@pytest.fixture(scope="session")
def plain() -> Callable[..., bytes]:
    """``plain(colour, size)``: a PNG of one colour."""
    return png


@pytest.fixture
def put(tmp_path: Path) -> Callable[..., Path]:
    """``put(name, content)``: a file under ``tmp_path``; a red picture when nothing else is said."""

    def write(name: str, content: bytes | None = None) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png((200, 10, 20)) if content is None else content)
        return path

    return write
