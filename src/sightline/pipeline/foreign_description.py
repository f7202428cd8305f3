"""The description file of a model that was made elsewhere: small, in YAML, written by hand."""

import math
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from sightline.bundle.canonical import first_problem, first_unknown
from sightline.bundle.manifest import LONGEST_SIDE
from sightline.data.yaml_nodes import Listing, Mapping, Node, Scalar, YamlRefused, parse_yaml
from sightline.errors import InputError
from sightline.values.foreign import ForeignModel

_LARGEST = 1 << 20
_OUTPUTS = {
    "classification": ({"probabilities"}, {"logits"}),
    "detection": ({"boxes", "scores", "classes", "count"},),
}


def read_description(path: Path) -> ForeignModel:
    """The description in the YAML file ``path``.

    Raises:
        InputError: it cannot be read, or says something that makes no sense; names the file and the field.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
        if len(data) > _LARGEST:
            raise InputError(f"{path.name!r} is too large for a description: more than {_LARGEST:,} bytes")
        told = _plain(parse_yaml(data.decode("utf-8-sig")))
        model = _adapter().validate_python(told)
    except OSError as error:
        raise InputError(f"cannot read {str(path)!r}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path.name!r} is not UTF-8 text") from error
    except YamlRefused as error:
        raise InputError(f"{path.name!r}, line {error.line}: {error}") from error
    except ValidationError as error:
        raise InputError(first_problem(error, path.name)) from error
    unknown = first_unknown(told, _adapter().dump_python(model, mode="json"), "")
    if unknown:
        raise InputError(f"{path.name!r} has the field {unknown!r}, which a description does not have")
    for wrong, words in _problems(model):
        if wrong:
            raise InputError(f"{path.name!r}: {words}")
    return model


def _problems(model: ForeignModel) -> list[tuple[bool, str]]:
    taken, classes = model.input, model.classes
    least = 2 if model.task == "classification" else 1
    wanted = _OUTPUTS[model.task]
    numbers = [*taken.mean, *taken.std, 1.0 if taken.scale is None else taken.scale]
    return [
        (len(classes) < least, f"{model.task} needs at least {least} classes, got {len(classes)}"),
        (len(set(classes)) != len(classes), "two classes have the same name"),
        (not all(math.isfinite(each) for each in numbers), "scale, mean and std must be finite"),
        (min(taken.std) <= 0 or taken.scale == 0, "scale must not be 0, and std must be positive"),
        (
            not all(each is None or 1 <= each <= LONGEST_SIDE for each in (taken.width, taken.height)),
            f"width and height lie between 1 and {LONGEST_SIDE}",
        ),
        (
            not (0 <= taken.fill <= 255 and 0 < taken.crop_fraction <= 1),
            "fill is a grey level from 0 to 255, crop_fraction lies above 0 and at most at 1",
        ),
        (
            not any(set(model.outputs) - {"embedding"} == each for each in wanted),
            f"the outputs of a model for {model.task} are "
            f"{' or '.join(', '.join(sorted(each)) for each in wanted)}, and perhaps embedding; "
            f"got {', '.join(sorted(model.outputs)) or 'none'}",
        ),
        (
            (model.suppression is not None) != (model.task == "detection"),
            "a detector says how its graph suppresses (suppression: iou, least_score), and only a detector",
        ),
        (not set(model.thresholds) <= set(classes), "thresholds has a class that classes does not have"),
        (
            not all(0 <= each <= 1 for each in model.thresholds.values()),
            "every threshold must lie in [0, 1]",
        ),
    ]


def _plain(node: Node) -> object:
    match node:
        case Scalar(text=text):
            return text
        case Listing(items=listed):
            return [_plain(each) for each in listed]
        case Mapping(items=named):
            return {key: _plain(each) for key, each in named.items()}


@cache
def _adapter() -> TypeAdapter[ForeignModel]:
    return TypeAdapter(ForeignModel)
