"""A value as JSON in one canonical form, read back strictly."""

import json
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from sightline.errors import BundleError

T = TypeVar("T")


def write_canonical(value: T, adapter: TypeAdapter[T], member: str) -> bytes:
    """``value`` as JSON in UTF-8: keys sorted, indented by one space, a line break at the end.

    Raises:
        BundleError: a field cannot be written, for instance a number that is not finite; names ``member``.
    """
    try:
        return _canonical(adapter.dump_python(value, mode="json", warnings="error"))
    except (PydanticSerializationError, ValueError) as error:
        raise BundleError(f"{member} cannot be written: {_one_line(error)}") from error


def read_canonical(data: bytes, adapter: TypeAdapter[T], member: str) -> T:
    """The value in ``data``.

    Fields that this version does not know are refused; ones that it knows and that are absent take
    their default, so older files stay readable.

    Raises:
        BundleError: not JSON, not canonical (doubled keys, NaN, other white space), a field is
            missing, unknown or of the wrong type.
    """
    try:
        # pydantic's parser first: it bounds the depth of nesting and the length of numbers.
        value = adapter.validate_json(data, strict=True)
        parsed = json.loads(data)
        if _canonical(parsed) != data:
            raise BundleError(f"{member} is not in the canonical form that sealing writes")
    except ValidationError as error:
        raise BundleError(first_problem(error, member)) from error
    except ValueError as error:
        raise BundleError(f"{member} is not usable JSON: {_one_line(error)}") from error
    unknown = first_unknown(parsed, adapter.dump_python(value, mode="json"), "")
    if unknown:
        raise BundleError(f"{member} has the field {unknown!r}, which this sightline does not know")
    return value


def _canonical(fields: object) -> bytes:
    text = json.dumps(fields, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False)
    return f"{text}\n".encode()


def first_unknown(given: object, known: object, where: str) -> str:
    """The dotted name of the first field in ``given`` that did not come through into ``known``."""
    if isinstance(given, dict) and isinstance(known, dict):
        for name, value in given.items():
            here = f"{where}.{name}".lstrip(".")
            found = first_unknown(value, known[name], here) if name in known else here
            if found:
                return found
    if isinstance(given, list) and isinstance(known, list):
        pairs = enumerate(zip(given, known, strict=True))
        return next((found for at, pair in pairs if (found := first_unknown(*pair, f"{where}.{at}"))), "")
    return ""


def first_problem(error: ValidationError, member: str) -> str:
    """What is wrong first, and where, in one line that begins with ``member``."""
    problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(str(part) for part in problem["loc"])[:200]
    return f"{member} is refused: {f'{where!r}: ' if where else ''}{_one_line(problem['msg'])}"


def _one_line(text: object) -> str:
    return " ".join(str(text).split())[:300]
