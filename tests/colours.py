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
from sightline.values.contract import (
    ModelContract,
    Normalise,
    PixelRecipe,
    Suppression,
    TensorSpec,
    task_outputs,
)
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


BOXES_CONTRACT = ModelContract(
    task="detection",
    classes=("left", "right"),
    pixels=PixelRecipe(Size(SIDE, SIDE), "letterbox"),
    inputs=(TensorSpec("pictures", "uint8", ("N", SIDE, SIDE, 3)),),
    outputs=(
        *task_outputs("detection", ("left", "right"), Suppression()),
        TensorSpec("embedding", "float32", ("N", 1)),
    ),
    suppression=Suppression(),
)


def boxes_model() -> bytes:
    """A detector that finds two halves in every picture: left of score 0.75, right of score 0.5."""
    boxes = np.zeros((1, 300, 4), dtype=np.float32)
    boxes[0, :2] = [[0, 2, 4, 6], [4, 2, 8, 6]]
    scores, classes = np.zeros((1, 300), dtype=np.float32), np.full((1, 300), -1, dtype=np.float32)
    scores[0, :2], classes[0, :2] = (0.75, 0.5), (0, 1)
    graph = [
        node("Cast", ["pictures"], "floats", to=_FLOAT),
        node("ReduceMean", ["floats", "axes"], "mean", keepdims=0),
        node("Unsqueeze", ["mean", "one"], "embedding"),
        node("Mul", ["mean", "nothing"], "each"),  # 0 for each picture
        node("Unsqueeze", ["each", "one"], "row"),
        node("Unsqueeze", ["each", "two"], "table"),
        node("Add", ["table", "the boxes"], "boxes"),
        node("Add", ["row", "the scores"], "scores"),
        node("Add", ["row", "the classes"], "float classes"),
        node("Cast", ["float classes"], "classes", to=_INT64),
        node("Add", ["each", "found"], "float count"),
        node("Cast", ["float count"], "count", to=_INT64),
        field(2, "boxes"),
        constant("axes", np.array([1, 2, 3], dtype=np.int64)),
        constant("nothing", np.array(0, dtype=np.float32)),
        constant("one", np.array([1], dtype=np.int64)),
        constant("two", np.array([1, 2], dtype=np.int64)),
        constant("found", np.array(2, dtype=np.float32)),
        constant("the boxes", boxes),
        constant("the scores", scores),
        constant("the classes", classes),
        tensor(11, "pictures", _UINT8, ("batch", SIDE, SIDE, 3)),
        tensor(12, "boxes", _FLOAT, ("batch", 300, 4)),
        tensor(12, "scores", _FLOAT, ("batch", 300)),
        tensor(12, "classes", _INT64, ("batch", 300)),
        tensor(12, "count", _INT64, ("batch",)),
        tensor(12, "embedding", _FLOAT, ("batch", 1)),
    ]
    opset = field(1, "") + field(2, 18)
    return field(1, 9) + field(7, b"".join(graph)) + field(8, opset)


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
    variants = {"int8": Variant(colour_model(scale / 2), lost(), _reference())} if small else {}
    return _release(registry, name, make_bundle(), colour_model(scale), _reference(), variants)


def release_boxes(registry: Registry, name: str = "boxes") -> Release:
    """The detector's next version, sealed and in the registry; ``right`` is accepted above 0.6 alone."""
    bundle = make_bundle(BOXES_CONTRACT, thresholds={"left": 0.5, "right": 0.6})
    return _release(registry, name, bundle, boxes_model(), _reference(2, 1), {})


def _reference(classes: int = 3, dimensions: int = 3) -> bytes:
    scores = np.full((4, classes), 1 / 3, dtype=np.float32)
    embeddings = np.full((4, dimensions), 1 / 3, dtype=np.float32)
    return write_reference(
        Reference(scores, embeddings, np.zeros((4, 1), np.float32), np.zeros(4, np.int64), ("brightness",))
    )


def _release(
    registry: Registry,
    name: str,
    bundle: Bundle,
    model: bytes,
    reference: bytes,
    variants: dict[str, Variant],
) -> Release:
    manifest = replace(bundle.manifest, name=name, version=registry.reserve(name))
    path = f"models/{name}-{manifest.version}.sight"
    seal(
        registry.layout.root / path,
        manifest,
        model=model,
        reference=reference,
        card=name,
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
