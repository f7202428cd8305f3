"""The ways in which pictures come to ``/v1/models/{name}/predict``."""

import base64
import binascii
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as checked
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from sightline.serve.asked import Picture
from sightline.serve.rest.refusals import Refusal

KINDS = "a picture (image/… or application/octet-stream), multipart/form-data with files, or application/json"
_LONGEST_NAME = 1_000
_STRICT = ConfigDict(extra="forbid", strict=True)


@checked(config=_STRICT, frozen=True, slots=True)
class _Encoded:
    data: str
    source: str = ""


@checked(config=_STRICT, frozen=True, slots=True)
class _Request:
    pictures: list[_Encoded]


_JSON = TypeAdapter(_Request)


@dataclass(frozen=True, slots=True)
class Sent:
    """The pictures of one request; ``alone`` where the body is one, and the answer is about it."""

    pictures: list[Picture]
    alone: bool = False


async def sent(kind: str, headers: Headers, body: bytes, most: int) -> Sent:
    """The pictures in ``body`` of media type ``kind``, at most ``most``.

    Raises:
        Refusal: 413 for too many, 415 for another media type, 422 for a body that is not what it should be.
    """
    if kind.startswith("image/") or kind == "application/octet-stream":
        if not body:
            raise Refusal(422, f"the body is empty; wanted: {KINDS}")
        return Sent([Picture("", body)], alone=True)
    if kind == "multipart/form-data":
        pictures = await _from_multipart(headers, body, most)
    elif kind == "application/json":
        pictures = _from_json(body)
    else:
        raise Refusal(415, f"wanted {KINDS}, got {kind[:100]!r}")
    if not pictures:
        raise Refusal(422, "there is no picture in the body")
    if len(pictures) > most:
        raise Refusal(413, f"a request may bring {most} pictures, this one has {len(pictures)}")
    return Sent(pictures)


def media_type(headers: Headers) -> str:
    """The media type of the body, without its parameters."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def _from_json(body: bytes) -> list[Picture]:
    try:
        asked = _JSON.validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise Refusal(422, f"the body is not as it should be: {where}: {first['msg']}"[:500]) from error
    return [
        Picture(_name(each.source), from_base64(each.data, f"pictures[{number}].data"))
        for number, each in enumerate(asked.pictures)
    ]


def from_base64(text: str, where: str) -> bytes:
    """The bytes that ``text`` stands for. Raises ``Refusal``, naming ``where`` it stood."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Refusal(422, f"{where} is not base64: {error}") from error


async def _from_multipart(headers: Headers, body: bytes, most: int) -> list[Picture]:
    async def stream() -> AsyncGenerator[bytes]:
        yield body

    parser = MultiPartParser(headers, stream(), max_files=most + 1, max_fields=0)
    parser.spool_max_size = len(body) + 1  # the body is in memory already, and the disk may not be writable
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError, ValueError, UnicodeDecodeError) as error:
        raise Refusal(422, f"the body is not multipart/form-data with files only: {error}"[:500]) from error
    try:
        return [
            Picture(_name(file.filename or field), await file.read())
            for field, file in form.multi_items()
            if isinstance(file, UploadFile)
        ]
    finally:
        await form.close()


def _name(text: str) -> str:
    return text[:_LONGEST_NAME]
