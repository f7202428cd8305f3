"""Answers and truths to bytes and back: JSON, then the embedding's and the picture's own bytes.

Readers do not believe what is in the file: each field is checked.
"""

import json
import struct
from typing import TypeVar

import numpy as np
from pydantic import AwareDatetime, ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as checked

from sightline.values.boxes import Boxes
from sightline.values.captured import Captured, Truth
from sightline.values.image import Size
from sightline.values.prediction import Prediction, ScoredLabel

T = TypeVar("T")

_PARTS = struct.Struct("<II")
_STRICT = ConfigDict(extra="forbid")


@checked(config=_STRICT, frozen=True, slots=True)
class _Answer:
    id: str
    at: AwareDatetime
    release: str
    source: str
    size: tuple[int, int]
    sha256: str
    labels: list[tuple[str, float, bool]]
    boxes: list[tuple[float, float, float, float]] | None = None


@checked(config=_STRICT, frozen=True, slots=True)
class _Truth:
    id: str
    at: AwareDatetime
    who: str
    labels: list[str]
    size: tuple[int, int] | None = None
    boxes: list[tuple[float, float, float, float]] | None = None


_ANSWER, _TRUTH = TypeAdapter(_Answer), TypeAdapter(_Truth)


def answer_to_bytes(captured: Captured) -> bytes:
    """What ``answer_from_bytes`` reads. Raises ``ValueError`` where a number is not finite."""
    prediction = captured.prediction
    told: dict[str, object] = {
        "id": captured.id,
        "at": captured.at.isoformat(),
        "release": prediction.release,
        # A half of a surrogate pair, which a client can send, is no text that JSON's readers take.
        "source": prediction.source.encode("utf-8", "replace").decode(),
        "size": [prediction.size.width, prediction.size.height],
        "sha256": captured.sha256,
        "labels": [[each.label, each.score, each.accepted] for each in prediction.labels],
    }
    if prediction.boxes is not None:
        told["boxes"] = prediction.boxes.xyxy.tolist()
    embedding = captured.embedding
    numbers = b"" if embedding is None else embedding.astype("<f4", copy=False).tobytes()
    text = _json(told)
    return b"".join((_PARTS.pack(len(text), len(numbers)), text, numbers, captured.picture or b""))


def answer_from_bytes(data: bytes) -> Captured:
    """One answer. Raises ``ValueError`` where ``data`` is none."""
    if len(data) < _PARTS.size:
        raise ValueError("it is too short")
    text, numbers = _PARTS.unpack_from(data)
    begin, end = _PARTS.size + text, _PARTS.size + text + numbers
    if end > len(data) or numbers % 4:
        raise ValueError("its parts are longer than it is")
    told = _read(_ANSWER, data[_PARTS.size : begin])
    size = Size(*told.size)
    prediction = Prediction(
        told.source,
        size,
        tuple(ScoredLabel(*each) for each in told.labels),
        told.release,
        None if told.boxes is None else Boxes(np.array(told.boxes).reshape(-1, 4), size),
    )
    embedding = np.frombuffer(data[begin:end], dtype="<f4").astype(np.float32) if numbers else None
    return Captured(told.id, told.at, prediction, told.sha256, embedding, data[end:] or None)


def truth_to_bytes(truth: Truth) -> bytes:
    """What ``truth_from_bytes`` reads."""
    told: dict[str, object] = {
        "id": truth.id,
        "at": truth.at.isoformat(),
        "who": truth.who,
        "labels": list(truth.labels),
    }
    if truth.boxes is not None:
        told["size"] = [truth.boxes.size.width, truth.boxes.size.height]
        told["boxes"] = truth.boxes.xyxy.tolist()
    return _json(told)


def truth_from_bytes(data: bytes) -> Truth:
    """One truth. Raises ``ValueError`` where ``data`` is none."""
    told = _read(_TRUTH, data)
    if (told.boxes is None) != (told.size is None):
        raise ValueError("boxes and the picture's size go together")
    boxes = None
    if told.boxes is not None and told.size is not None:
        boxes = Boxes(np.array(told.boxes).reshape(-1, 4), Size(*told.size))
    return Truth(told.id, told.at, told.who, tuple(told.labels), boxes)


def _json(told: dict[str, object]) -> bytes:
    return json.dumps(told, separators=(",", ":"), allow_nan=False).encode()


def _read(kind: TypeAdapter[T], data: bytes) -> T:
    try:
        return kind.validate_json(data)
    except ValidationError as error:
        raise ValueError(str(error).partition("\n")[0]) from error
