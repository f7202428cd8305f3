"""A small but whole bundle, made without torch and without the onnx package."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compressed import lost
from sightline.bundle import archive
from sightline.bundle.keys import SigningKey
from sightline.bundle.manifest import write_manifest
from sightline.bundle.reference import Reference, write_reference
from sightline.bundle.signature import sign
from sightline.values.contract import ModelContract, Normalise, PixelRecipe, TensorSpec
from sightline.values.evaluation import Calibration, Interval, Parity
from sightline.values.image import Size
from sightline.values.recipe import Recipe, WeightsOrigin
from sightline.values.release import Manifest, Variant

CLASSES = ("good", "mouse | bite", "née 穴")
DIM, CHANNELS = 5, 2
SIZE = Size(8, 6)


def varint(number: int) -> bytes:
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def field(number: int, value: int | bytes | str) -> bytes:
    """One protobuf field: a varint for a number, length-delimited otherwise."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    body = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(body)) + body


def tensor_info(name: str, element: int, shape: tuple[int | str, ...]) -> bytes:
    dims = b"".join(field(1, field(1 if isinstance(dim, int) else 2, dim)) for dim in shape)
    tensor_type = field(1, element) + field(2, dims)
    return field(1, name) + field(2, field(1, tensor_type))


def small_onnx(tensor: bytes = b"", extra_graph: bytes = b"") -> bytes:
    """An ONNX file for the manifest below, by hand; ``tensor`` is the fields of its only weight."""
    node = field(1, "weight") + field(2, "probabilities") + field(4, "Identity")
    weight = tensor or field(2, 1) + field(8, "weight") + field(9, bytes(40))
    graph = field(1, node) + field(2, "g") + field(5, weight)
    graph += field(11, tensor_info("pixels", 2, ("N", SIZE.height, SIZE.width, 3)))
    graph += field(12, tensor_info("probabilities", 1, ("N", len(CLASSES))))
    graph += field(12, tensor_info("embedding", 1, ("N", DIM)))
    return field(1, 10) + field(7, graph + extra_graph) + field(8, field(2, 20))


@pytest.fixture
def onnx_model() -> Callable[..., bytes]:
    return small_onnx


@pytest.fixture
def proto() -> Callable[[int, int | bytes | str], bytes]:
    return field


@pytest.fixture(scope="session")
def key() -> SigningKey:
    return SigningKey(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))


@pytest.fixture(scope="session")
def stranger() -> SigningKey:
    return SigningKey(Ed25519PrivateKey.from_private_bytes(bytes(32)))


@pytest.fixture(scope="session")
def manifest() -> Manifest:
    pixels = PixelRecipe(SIZE, "letterbox", fill=7)
    contract = ModelContract(
        task="classification",
        classes=CLASSES,
        pixels=pixels,
        inputs=(TensorSpec("pixels", "uint8", ("N", SIZE.height, SIZE.width, 3)),),
        outputs=(
            TensorSpec("probabilities", "float32", ("N", len(CLASSES))),
            TensorSpec("embedding", "float32", ("N", DIM)),
        ),
    )
    recipe = Recipe(
        task="classification",
        arch="small-residual/16",
        dataset_fingerprint="ab" * 32,
        classes=CLASSES,
        pixels=pixels,
        normalise=Normalise((0.5, 0.4, 0.3), (0.1, 0.2, 0.3)),
        weights=WeightsOrigin(
            "file", "net.safetensors", "cd" * 32, "BSD-3-Clause", "given", ("fc.w",), ("h.w",)
        ),
        initial_sha256="ef" * 32,
        epochs=3,
        augment={"flip": 0.5, "rotate": 10.0},
    )
    return Manifest(
        name="boards",
        version=2,
        contract=contract,
        thresholds={"good": 0.5, "née 穴": 0.25},
        calibration=Calibration(1.25, 40, 0.5, 0.4),
        metrics={"top1": Interval(0.9, 0.85, 0.95), "macro_f1": Interval(0.1 + 0.2, 0.0, 1.0)},
        parity=Parity(16, "test pictures", 16, 1e-7, 2e-6, 1e-4, True),
        recipe=recipe,
        parents=("boards@1",),
        licences={"net.safetensors": "BSD-3-Clause"},
        code_version="0.1.0",
        created="2026-01-02T03:04:05Z",
    )


@pytest.fixture(scope="session")
def reference() -> Reference:
    rng = np.random.default_rng(0)
    return Reference(
        scores=rng.dirichlet(np.ones(len(CLASSES)), 4).astype(np.float32),
        embeddings=rng.normal(size=(4, DIM)).astype(np.float32),
        statistics=rng.normal(size=(4, CHANNELS)).astype(np.float32),
        truth=np.array([0, 2, -1, 1], dtype=np.int64),
        columns=("brightness", "sharpness"),
    )


@pytest.fixture(scope="session")
def variant(reference: Reference) -> Variant:
    """A compressed model that may be published."""
    return Variant(small_onnx(), lost(), write_reference(reference))


@pytest.fixture(scope="session")
def members(manifest: Manifest, reference: Reference, key: SigningKey) -> Mapping[str, bytes]:
    """All five members of a sound bundle."""
    parts = {
        archive.MANIFEST: write_manifest(manifest),
        archive.MODEL: small_onnx(),
        archive.REFERENCE: write_reference(reference),
        archive.CARD: b"# boards\n",
    }
    return {**parts, archive.SIGNATURE: sign(parts, key)}


@pytest.fixture(scope="session")
def sealed(members: Mapping[str, bytes]) -> bytes:
    return archive.pack(members)


@pytest.fixture
def reseal(members: Mapping[str, bytes], key: SigningKey) -> Callable[..., bytes]:
    """Packs the sound members with some exchanged, signed anew by ``key`` or by another."""

    def make(changed: Mapping[str, bytes], by: SigningKey = key) -> bytes:
        parts = {name: changed.get(name, members[name]) for name in members if name != archive.SIGNATURE}
        return archive.pack({**parts, archive.SIGNATURE: changed.get(archive.SIGNATURE, sign(parts, by))})

    return make


@pytest.fixture
def altered(manifest: Manifest) -> Callable[..., Manifest]:
    """The sound manifest with fields of its contract exchanged, in the recipe too where it has them."""

    def make(**changes: Any) -> Manifest:
        shared = {name: value for name, value in changes.items() if name in ("classes", "pixels")}
        return replace(
            manifest,
            contract=replace(manifest.contract, **changes),
            recipe=replace(manifest.recipe, **shared),
        )

    return make


@pytest.fixture
def bundle_path(tmp_path: Path) -> Path:
    return tmp_path / "boards-2.sight"
