"""A model that answers with a picture's main colour, and pictures to ask it about; it needs no torch."""

import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from compressed import lost
from sightline.bundle.keys import make_key
from sightline.bundle.reference import Reference, write_reference
from sightline.bundle.seal import seal
from sightline.registry.releases import Registry
from sightline.storage.files import sha256_file
from sightline.values.contract import ModelContract, Normalise, PixelRecipe, TensorSpec
from sightline.values.image import Size
from sightline.values.recipe import Recipe, WeightsOrigin
from sightline.values.release import Bundle, Manifest, Release, Variant

CLASSES = ("red", "green", "blue")
SIDE = 8
_FLOAT, _UINT8, _INT64, _BOOL = 1, 2, 7, 9
CONTRACT = ModelContract(
    task="classification",
    classes=CLASSES,
    pixels=PixelRecipe(Size(SIDE, SIDE)),
    inputs=(TensorSpec("pictures", "uint8", ("N", SIDE, SIDE, 3)),),
    outputs=(
        TensorSpec("probabilities", "float32", ("N", 3)),
        TensorSpec("embedding", "float32", ("N", 3)),
    ),
)


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


def node(kind: str, inputs: list[str], output: str, **attributes: int) -> bytes:
    named = b"".join(field(5, field(1, key) + field(3, i) + field(20, 2)) for key, i in attributes.items())
    return field(1, b"".join(field(1, each) for each in inputs) + field(2, output) + field(4, kind) + named)


def constant(name: str, array: npt.NDArray[np.generic]) -> bytes:
    kind = {"f": _FLOAT, "i": _INT64}[array.dtype.kind]
    dims = b"".join(field(1, each) for each in array.shape)
    return field(5, dims + field(2, kind) + field(8, name) + field(9, array.tobytes()))


def tensor(number: int, name: str, kind: int, shape: tuple[int | str, ...]) -> bytes:
    dims = b"".join(field(1, field(1 if isinstance(each, int) else 2, each)) for each in shape)
    return field(number, field(1, name) + field(2, field(1, field(1, kind) + field(2, dims))))


def colour_model(
    scale: float = 0.05, classes: int = 3, side: int = SIDE, strange: Sequence[bytes] = ()
) -> bytes:
    """Embedding: mean red, green and blue; probabilities: softmax of the mean times ``scale``.

    Written as protobuf by hand, because the base environment has no onnx package. ``classes`` is only
    what the file claims; parts that are ``strange`` make the embedding from what is called ``mean``.
    """
    graph = [
        node("Cast", ["pictures"], "floats", to=_FLOAT),
        node("ReduceMean", ["floats", "axes"], "mean" if strange else "embedding", keepdims=0),
        *strange,
        node("Mul", ["embedding", "scale"], "logits"),
        node("Softmax", ["logits"], "probabilities", axis=1),
        field(2, "colour"),
        constant("axes", np.array([1, 2], dtype=np.int64)),
        constant("scale", np.array([scale], dtype=np.float32)),
        tensor(11, "pictures", _UINT8, ("batch", side, side, 3)),
        tensor(12, "probabilities", _FLOAT, ("batch", classes)),
        tensor(12, "embedding", _FLOAT, ("batch", 3)),
    ]
    opset = field(1, "") + field(2, 18)
    return field(1, 9) + field(7, b"".join(graph)) + field(8, opset)


def hungry_model() -> bytes:
    """A model that first makes a million million numbers."""
    strange = [
        constant("much", np.array([10**6, 10**6], dtype=np.int64)),
        node("ConstantOfShape", ["much"], "made"),
        node("ReduceMin", ["made"], "least", keepdims=0),
        node("Add", ["mean", "least"], "embedding"),
    ]
    return colour_model(strange=strange)


def endless_model() -> bytes:
    """A model that takes the sine of a mean as often as a number of 64 bits can say."""
    body = [
        node("Identity", ["go"], "on"),
        node("Sin", ["value"], "next"),
        field(2, "body"),
        tensor(11, "turn", _INT64, ()),
        tensor(11, "go", _BOOL, ()),
        tensor(11, "value", _FLOAT, ("batch", 3)),
        tensor(12, "on", _BOOL, ()),
        tensor(12, "next", _FLOAT, ("batch", 3)),
    ]
    graph = field(5, field(1, "body") + field(6, b"".join(body)) + field(20, 5))
    loop = b"".join(field(1, each) for each in ("turns", "", "mean"))
    turns = constant("turns", np.array(2**62, dtype=np.int64))
    return colour_model(strange=[turns, field(1, loop + field(2, "embedding") + field(4, "Loop") + graph)])


def make_bundle(
    contract: ModelContract = CONTRACT, model: bytes | None = None, thresholds: dict[str, float] | None = None
) -> Bundle:
    recipe = Recipe(
        task="classification",
        arch="colour",
        dataset_fingerprint="f" * 64,
        classes=contract.classes,
        pixels=contract.pixels,
        normalise=Normalise((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
        weights=WeightsOrigin("scratch"),
        initial_sha256="0" * 64,
        epochs=0,
    )
    manifest = Manifest(
        name="colours",
        version=3,
        contract=contract,
        thresholds=thresholds or {},
        calibration=None,
        metrics={},
        parity=None,
        recipe=recipe,
        parents=(),
        licences={},
        code_version="0",
        created="2026-01-01T00:00:00Z",
    )
    return Bundle(Path("colours-3.sight"), "0" * 64, manifest, model or colour_model(), b"", "", "")


def png(colour: tuple[int, int, int], size: tuple[int, int] = (20, 10)) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", size, colour).save(stream, "PNG")
    return stream.getvalue()


def release(
    registry: Registry, name: str = "colours", scale: float = 0.05, *, small: bool = False
) -> Release:
    """The model's next version, sealed and in the registry; ``small`` with a variant that is less sure."""
    manifest = replace(make_bundle().manifest, name=name, version=registry.reserve(name))
    path = f"models/{name}-{manifest.version}.sight"
    numbers = np.full((4, 3), 1 / 3, dtype=np.float32)
    reference = write_reference(
        Reference(numbers, numbers, np.zeros((4, 1), np.float32), np.zeros(4, np.int64), ("brightness",))
    )
    variants = {"int8": Variant(colour_model(scale / 2), lost(), reference)} if small else {}
    seal(
        registry.layout.root / path,
        manifest,
        model=colour_model(scale),
        reference=reference,
        card="colours",
        key=make_key(registry.layout),
        variants=variants,
    )
    return registry.add(
        Release(
            name=name,
            version=manifest.version,
            stage="candidate",
            path=path,
            sha256=sha256_file(registry.layout.root / path),
            dataset_fingerprint="d" * 64,
            recipe_sha256="e" * 64,
            code_version="0",
            parent=None,
            created=manifest.created,
        )
    )
