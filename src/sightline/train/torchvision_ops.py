"""Import torchvision where its compiled operators do not match the torch that is installed.

torchvision's wheel is compiled against one build of torch. Beside another (a CPU-only one, say) its
library does not load, and ``import torchvision`` fails with *operator torchvision::nms does not
exist*, because it registers shapes for operators that nobody defined. Here they are defined, once and
only where the library does not load; nms also gets a CPU implementation.
"""

import importlib
import sys
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from torch.library import Library

from sightline.plugins import missing_extra

_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_OPERATORS = ("nms", "qnms")
_defined: list[Library] = []
"""Keeps the definitions alive: torch drops an operator with the Library that made it."""


def import_torchvision() -> ModuleType:
    """torchvision, importable also beside a torch that it was not compiled for.

    Raises:
        MissingExtra: torchvision is not installed.
    """
    if "torchvision" not in sys.modules and not _compiled_operators_load():
        _define_operators()
    try:
        torchvision = importlib.import_module("torchvision")
    except ModuleNotFoundError as error:
        raise missing_extra("this architecture", error.name or "torchvision", "train") from error
    if _defined:
        vars(importlib.import_module("torchvision.ops.boxes"))["_assert_has_ops"] = _operators_are_here
    return torchvision


def import_timm() -> ModuleType:
    """timm, which imports torchvision.

    Raises:
        MissingExtra: timm is not installed.
    """
    import_torchvision()
    try:
        return importlib.import_module("timm")
    except ModuleNotFoundError as error:
        raise missing_extra("architecture 'timm'", error.name or "timm", "train") from error


def nms(dets: torch.Tensor, scores: torch.Tensor, iou_threshold: float) -> torch.Tensor:
    """Greedy non-maximum suppression.

    Args:
        dets: boxes ``[N, 4]``, xyxy.
        scores: ``[N]``.
        iou_threshold: a box goes when its IoU with a kept one of higher score is above this.

    Returns:
        Indices of the kept boxes by falling score, int64 ``[K]``.
    """
    # A loop over numpy rows is 3 to 4 times faster than the same loop over tensors.
    boxes, order = dets.numpy().astype(np.float64), np.argsort(-scores.numpy(), kind="stable")
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    kept = []
    while order.size:
        first, rest = order[0], order[1:]
        kept.append(first)
        low = np.maximum(boxes[first, :2], boxes[rest, :2])
        high = np.minimum(boxes[first, 2:], boxes[rest, 2:])
        overlap = np.prod(np.clip(high - low, 0, None), axis=1)
        order = rest[overlap <= iou_threshold * (areas[first] + areas[rest] - overlap)]
    return torch.as_tensor(np.array(kept, dtype=np.int64))


def _compiled_operators_load() -> bool:
    spec = find_spec("torchvision")
    if spec is None or not spec.submodule_search_locations:
        return False
    libraries = list(Path(spec.submodule_search_locations[0]).glob("_C.*"))
    try:
        for library in libraries:
            torch.ops.load_library(str(library))  # type: ignore[no-untyped-call]  # untyped in torch
    except OSError:
        return False
    return bool(libraries)


def _define_operators() -> None:
    if _defined:
        return
    library = Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]  # untyped in torch
    for name in _OPERATORS:
        library.define(name + _SCHEMA)  # type: ignore[no-untyped-call]  # untyped in torch
    library.impl("nms", nms, "CPU")  # type: ignore[no-untyped-call]  # untyped in torch
    _defined.append(library)


def _operators_are_here() -> None:
    """What torchvision asks before it calls a compiled operator."""
