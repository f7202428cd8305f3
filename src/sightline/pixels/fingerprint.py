"""What is told of a picture without keeping its pixels."""

import hashlib
from dataclasses import dataclass

from sightline.pixels.decode import Header, decode, probe
from sightline.values.image import Size, Undecodable


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A picture that decodes to its end.

    ``pixels`` is a digest of the decoded upright picture, equal for files that show exactly the same, such
    as one with and one without EXIF data.
    """

    header: Header
    pixels: bytes


def fingerprint(data: bytes) -> Fingerprint | Undecodable:
    """The fingerprint of the picture in ``data``. Never raises for what the bytes are."""
    header = probe(data)
    if isinstance(header, Undecodable):
        return header
    picture = decode(data)
    if isinstance(picture, Undecodable):
        return picture
    digest = hashlib.blake2b(picture.pixels.data, digest_size=16, salt=_salt(picture.original))
    return Fingerprint(header, digest.digest())


def _salt(size: Size) -> bytes:
    """Pixels in another shape are another picture."""
    return size.width.to_bytes(8, "little") + size.height.to_bytes(8, "little")
