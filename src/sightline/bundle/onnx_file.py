"""What an ONNX file declares, read without loading it and without the ``onnx`` package.

A model file can name other files to be read in its place (external data), at any path or even at an
address in memory, so it has to be looked through before a runtime sees it. This walks the protobuf
wire format, https://protobuf.dev/programming-guides/encoding, along the messages of ``onnx.proto``
that can hold a tensor. It is stricter than protobuf where readers differ: numbers that are longer than
they need to be, groups, and known fields of the wrong kind are refused.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sightline.errors import BundleError
from sightline.values.contract import TensorSpec

_Value = int | memoryview

# Message: {number of a field: message in it}. Names and numbers from onnx/onnx.proto (IR version 10).
_INSIDE: Mapping[str, Mapping[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14
_DTYPES = {
    1: "float32",
    2: "uint8",
    3: "int8",
    4: "uint16",
    5: "int16",
    6: "int32",
    7: "int64",
    9: "bool",
    10: "float16",
    11: "float64",
}
_FLATBUFFER_MARK = b"ORTM"


@dataclass(frozen=True, slots=True)
class OnnxFile:
    """The tensors at both ends of the graph. A dimension without a number is text."""

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]


def inspect_onnx(model: bytes, name: str = "model.onnx") -> OnnxFile:
    """The ends of the graph in ``model``, after everything in it was looked through.

    ``name`` is what the file is called in messages.

    Raises:
        BundleError: not an ONNX file, or one that reads other files.
    """
    if model[4:8] == _FLATBUFFER_MARK:
        # The runtime goes by this mark and would read the same bytes as another format.
        raise BundleError(f"{name} is in ONNX Runtime's own format; only plain ONNX is allowed")
    view = memoryview(model)
    try:
        if _has_external_data(view):
            raise BundleError(f"{name} keeps data in other files; export it with all data inside")
        graphs = [graph for number, graph in _fields(view) if number == 7]
        if len(graphs) != 1 or isinstance(graphs[0], int):
            raise BundleError(f"{name} must have one graph, found {len(graphs)}")
        return _graph_ends(graphs[0])
    except _MalformedError as error:
        raise BundleError(f"{name} is not a valid ONNX file: {error}") from error


def check_tensors(wanted: Sequence[TensorSpec], found: Sequence[TensorSpec], what: str) -> None:
    """Refuse a graph whose tensors are not those ``wanted`` by the contract.

    ``what`` begins the message: "model.onnx has the inputs".

    A dimension that the contract leaves free must be free in the graph; one that it fixes may be.

    Raises:
        BundleError: says both.
    """
    by_name = {tensor.name: tensor for tensor in found}
    fits = len(wanted) == len(found) and all(
        tensor.name in by_name and _fits(tensor, by_name[tensor.name]) for tensor in wanted
    )
    if not fits:
        raise BundleError(f"{what} {_in_words(found)}, the contract says {_in_words(wanted)}")


class _MalformedError(ValueError):
    """The bytes are not protobuf as ONNX writes it."""


def _has_external_data(view: memoryview) -> bool:
    waiting: list[tuple[str, memoryview]] = [("model", view)]
    while waiting:
        message, body = waiting.pop()
        inside = _INSIDE[message]
        for number, value in _fields(body):
            if message == "tensor" and (
                number == _EXTERNAL_DATA or (number == _DATA_LOCATION and value != 0)
            ):
                return True
            if number in inside:
                if isinstance(value, int):
                    raise _MalformedError(f"field {number} of a {message} is a number")
                waiting.append((inside[number], value))
    return False


def _graph_ends(graph: memoryview) -> OnnxFile:
    inputs: list[TensorSpec] = []
    outputs: list[TensorSpec] = []
    weights: set[str] = set()
    for number, value in _fields(graph):
        if number == 5:
            weights.add(_text(_only(value, 8)))
        elif number == 11:
            inputs.append(_tensor_spec(value))
        elif number == 12:
            outputs.append(_tensor_spec(value))
    # Up to IR version 3 every weight is listed as an input too.
    return OnnxFile(tuple(tensor for tensor in inputs if tensor.name not in weights), tuple(outputs))


def _tensor_spec(value_info: _Value) -> TensorSpec:
    tensor_type = _only(_only(value_info, 2), 1)
    dtype, shape = _only(tensor_type, 1), _only(tensor_type, 2)
    dims: list[int | str] = []
    for _number, dim in _fields(shape) if isinstance(shape, memoryview) else ():
        size = _only(dim, 1)
        dims.append(size if isinstance(size, int) else _text(_only(dim, 2)) or "?")
    name = _text(_only(value_info, 1))
    return TensorSpec(name, _DTYPES.get(dtype, "?") if isinstance(dtype, int) else "?", tuple(dims))


def _only(message: _Value | None, number: int) -> _Value | None:
    """The last field ``number`` of ``message``, as protobuf takes it; ``None`` where there is none."""
    if not isinstance(message, memoryview):
        return None
    return next((value for found, value in reversed(list(_fields(message))) if found == number), None)


def _text(value: _Value | None) -> str:
    return bytes(value).decode("utf-8", "replace") if isinstance(value, memoryview) else ""


def _fields(message: memoryview) -> Iterator[tuple[int, _Value]]:
    """Number and value of each field: a number for a varint, bytes for the rest."""
    at, end = 0, len(message)
    while at < end:
        tag, at = _varint(message, at)
        number, kind = tag >> 3, tag & 7
        if number == 0 or tag >= 1 << 32:
            raise _MalformedError("a field has an impossible number")
        if kind == 0:
            value, at = _varint(message, at)
            yield number, value
            continue
        if kind == 2:
            length, at = _varint(message, at)
        elif kind in (1, 5):
            length = 8 if kind == 1 else 4
        else:
            raise _MalformedError("a field is of a kind that ONNX does not use")
        if at + length > end:
            raise _MalformedError("a field goes on beyond its message")
        yield number, message[at : at + length]
        at += length


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for place in range(10):
        if at + place >= len(message):
            break
        byte = message[at + place]
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            if byte == 0 and place > 0:
                raise _MalformedError("a number is written longer than it needs to be")
            return value, at + place + 1
    raise _MalformedError("a number does not end")


def _fits(wanted: TensorSpec, found: TensorSpec) -> bool:
    if wanted.dtype != found.dtype or len(wanted.shape) != len(found.shape):
        return False
    pairs = zip(wanted.shape, found.shape, strict=True)
    return all(isinstance(there, str) or here == there for here, there in pairs)


def _in_words(tensors: Sequence[TensorSpec]) -> str:
    words = [f"{tensor.name!r} {tensor.dtype}{list(tensor.shape)}" for tensor in tensors[:4]]
    return ", ".join(words)[:400] or "none"
