"""The Open Inference Protocol's requests and answers over REST, with the binary tensor extension.

Specification: kserve/open-inference-protocol, ``specification/protocol/inference_rest.md``, and Triton's
"Binary tensor data extension". A body is a JSON object; with the extension the header
``Inference-Header-Content-Length`` says where it ends, and the tensors' bytes follow in their order, numbers
in little endian and each element of a ``BYTES`` tensor behind its length in 32 bits.
"""

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as checked

from sightline.serve.rest.pictures import from_base64
from sightline.serve.rest.refusals import Refusal
from sightline.values.image import Pixels, Size

HEADER_LENGTH = "Inference-Header-Content-Length"
DATATYPES = {"float32": "FP32", "int64": "INT64", "uint8": "UINT8"}
"""The protocol's names for the element types that models here give."""

_LENGTH = struct.Struct("<I")
_MOST_DIMENSIONS = 8
_MOST_TENSORS = 32
_LENIENT = ConfigDict(extra="ignore", strict=True)


@checked(config=_LENIENT, frozen=True, slots=True)
class _Tensor:
    name: str
    shape: list[int]
    datatype: str
    data: Any = None
    parameters: dict[str, Any] | None = None


@checked(config=_LENIENT, frozen=True, slots=True)
class _Output:
    name: str
    parameters: dict[str, Any] | None = None


@checked(config=_LENIENT, frozen=True, slots=True)
class _Request:
    inputs: list[_Tensor]
    id: str | None = None
    outputs: list[_Output] | None = None
    parameters: dict[str, Any] | None = None


_REQUEST = TypeAdapter(_Request)


@dataclass(frozen=True, slots=True)
class Wanted:
    """An output that is wanted, and whether its data should follow the JSON."""

    name: str
    binary: bool


@dataclass(frozen=True, slots=True, eq=False)
class Asking:
    """One inference request.

    ``contents`` are the pictures: files' bytes (input ``image``), or arrays of the model's size (``input``).
    ``seconds`` is the deadline that it asks for, ``outputs`` what it wants (None: all).
    """

    id: str | None
    contents: Sequence[bytes | Pixels]
    outputs: tuple[Wanted, ...] | None
    binary: bool
    seconds: float | None


def read(body: bytes, header_length: str | None, size: Size, most: int) -> Asking:
    """The request in ``body`` for a model of input ``size``, of at most ``most`` pictures.

    Raises:
        Refusal: 400, saying what was wanted and what came; 413 for too many pictures.
    """
    length = _header_length(body, header_length)
    try:
        asked = _REQUEST.validate_json(body[:length])
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise _wrong(
            f"the JSON is not an inference request: {'.'.join(map(str, first['loc']))}: {first['msg']}"
        ) from error
    if len(asked.inputs) != 1 or asked.inputs[0].name not in ("image", "input"):
        names = ", ".join(each.name[:40] for each in asked.inputs[:4]) or "none"
        raise _wrong(f"wanted one input, image (BYTES, files) or input (UINT8, pixels), got {names}")
    tensor, rest = asked.inputs[0], memoryview(body)[length:]
    binary = _binary_size(tensor, len(rest), header_length is not None)
    if binary is None and len(rest):
        raise _wrong(f"{len(rest)} bytes follow the JSON, which no input claims")
    contents: Sequence[bytes | Pixels] = (
        _files(tensor, None if binary is None else rest, most)
        if tensor.name == "image"
        else _pixels(tensor, None if binary is None else rest, size, most)
    )
    parameters = asked.parameters or {}
    outputs = None
    if asked.outputs:
        outputs = tuple(_wanted(each, parameters) for each in asked.outputs[:_MOST_TENSORS])
    return Asking(
        asked.id, contents, outputs, bool(parameters.get("binary_data_output")), _seconds(parameters)
    )


def write(
    head: Mapping[str, object], arrays: Mapping[str, npt.NDArray[np.generic]], wanted: Sequence[Wanted]
) -> tuple[bytes, int | None]:
    """The answer: ``head`` and what is ``wanted`` of ``arrays``; and where its JSON ends, if more follows."""
    outputs, tails = [], []
    for each in wanted:
        array = np.ascontiguousarray(arrays[each.name])
        told: dict[str, object] = {
            "name": each.name,
            "datatype": DATATYPES[array.dtype.name],
            "shape": list(array.shape),
        }
        if each.binary:
            told["parameters"] = {"binary_data_size": array.nbytes}
            tails.append(array.tobytes())
        else:
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                raise Refusal(500, f"{each.name} has values that JSON cannot say; ask for it as binary data")
            told["data"] = array.ravel().tolist()
        outputs.append(told)
    text = json.dumps({**head, "outputs": outputs}, allow_nan=False, separators=(",", ":")).encode("ascii")
    return b"".join((text, *tails)), len(text) if tails else None


def _wrong(text: str) -> Refusal:
    return Refusal(400, text[:600])


def _header_length(body: bytes, told: str | None) -> int:
    if told is None:
        return len(body)
    if not (told.isascii() and told.isdigit() and len(told) < 12 and int(told) <= len(body)):
        raise _wrong(
            f"{HEADER_LENGTH} must be the length of the JSON, at most {len(body)}, got {told[:40]!r}"
        )
    return int(told)


def _binary_size(tensor: _Tensor, there: int, extended: bool) -> int | None:
    """How many bytes of the tensor follow the JSON; None where its data is in it."""
    if "shared_memory_region" in (tensor.parameters or {}):
        raise _wrong(f"{tensor.name} is in shared memory, which is not known here; send its data")
    size = (tensor.parameters or {}).get("binary_data_size")
    if size is None:
        if tensor.data is None:
            raise _wrong(f"{tensor.name} has neither data nor binary_data_size")
        return None
    if not extended:
        raise _wrong(f"{tensor.name} says binary_data_size, but the request has no header {HEADER_LENGTH}")
    if tensor.data is not None:
        raise _wrong(f"{tensor.name} has both data and binary_data_size")
    if not isinstance(size, int) or isinstance(size, bool) or size != there:
        raise _wrong(
            f"{tensor.name} says binary_data_size {str(size)[:40]}, and {there} bytes follow the JSON"
        )
    return size


def _count(tensor: _Tensor, rest: tuple[int, ...], datatype: str, most: int) -> int:
    """How many pictures the tensor's shape tells of; its other dimensions must be ``rest``."""
    if tensor.datatype != datatype:
        raise _wrong(f"{tensor.name} has datatype {datatype}, got {tensor.datatype[:40]!r}")
    shape = tuple(tensor.shape[: _MOST_DIMENSIONS + 1])
    if not shape or shape[1:] != rest or not shape[0] > 0:
        wanted = ", ".join(("N", *map(str, rest)))
        raise _wrong(f"{tensor.name} has shape [{wanted}] with N at least 1, got {list(shape)}"[:300])
    if shape[0] > most:
        raise Refusal(413, f"a request may bring {most} pictures, this one says {shape[0]}"[:300])
    return shape[0]


def _files(tensor: _Tensor, rest: memoryview | None, most: int) -> list[bytes]:
    # Clients that batch send [N, 1], others [N].
    count = _count(tensor, (1,) if len(tensor.shape) == 2 else (), "BYTES", most)
    if rest is not None:
        files = _elements(rest, most)
    else:
        data = tensor.data
        if isinstance(data, list) and all(isinstance(each, list) and len(each) == 1 for each in data):
            data = [each[0] for each in data]
        if not isinstance(data, list) or not all(isinstance(each, str) for each in data):
            raise _wrong("image has a list of texts in base64 as its data")
        files = [from_base64(each, f"image[{n}]") for n, each in enumerate(data[: most + 1])]
    if len(files) != count:
        raise _wrong(f"image says {count} elements and has {len(files)}")
    return files


def _elements(rest: memoryview, most: int) -> list[bytes]:
    found: list[bytes] = []
    at = 0
    while at < len(rest):
        if len(found) > most or at + _LENGTH.size > len(rest):
            raise _wrong(f"image: element {len(found)} is cut off, or there are too many")
        (length,) = _LENGTH.unpack_from(rest, at)
        at += _LENGTH.size
        if length > len(rest) - at:
            raise _wrong(f"image: element {len(found)} says {length} bytes, and {len(rest) - at} are left")
        found.append(bytes(rest[at : at + length]))
        at += length
    return found


def _pixels(tensor: _Tensor, rest: memoryview | None, size: Size, most: int) -> list[Pixels]:
    one = (size.height, size.width, 3)
    count = _count(tensor, one, "UINT8", most)
    wanted = count * prod(one)
    if rest is not None:
        if len(rest) != wanted:
            raise _wrong(f"input of {count} pictures has {wanted} bytes, got {len(rest)}")
        return list(np.frombuffer(rest, dtype=np.uint8).reshape(count, *one))
    try:
        array = np.array(tensor.data)
    except (ValueError, OverflowError) as error:
        raise _wrong(f"the data of input is no array of numbers: {error}") from error
    if array.dtype.kind not in "iu" or array.size != wanted or array.min() < 0 or array.max() > 255:
        raise _wrong(f"input of {count} pictures has {wanted} whole numbers from 0 to 255 as its data")
    if array.shape not in ((wanted,), (count, *one)):
        raise _wrong(f"the data of input is nested as its shape, or flat; got {array.shape}")
    return list(array.astype(np.uint8).reshape(count, *one))


def _wanted(output: _Output, request: Mapping[str, Any]) -> Wanted:
    parameters = output.parameters or {}
    for name in parameters.keys() & {"classification", "shared_memory_region"}:
        raise _wrong(f"the parameter {name!r} of an output is not known here")
    return Wanted(output.name, bool(parameters.get("binary_data", request.get("binary_data_output"))))


def _seconds(parameters: Mapping[str, Any]) -> float | None:
    """The request's own deadline, in microseconds as Triton has it."""
    timeout = parameters.get("timeout")
    if timeout is None:
        return None
    if not isinstance(timeout, int) or isinstance(timeout, bool) or timeout < 0:
        raise _wrong(f"timeout is a number of microseconds, got {str(timeout)[:40]}")
    return timeout / 1e6 if 0 < timeout < 10**13 else None
