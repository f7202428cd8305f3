"""The ``signature`` member: whose key vouches for which bytes, as text that a person can check.

::

    sightline bundle signature 1
    <SHA-256 of the member, hexadecimal>  manifest.json
    ... one line a member, in the archive's order (as `sha256sum` prints them)
    key <the signer's Ed25519 public key, base64>
    seal <Ed25519 signature of all lines above, base64>

The first line keeps a signature made for something else from passing here. The reader takes only the
key and the seal from the text, rebuilds the rest from the members themselves and compares, so the text
has no freedom either. Ed25519: RFC 8032.
"""

import base64
import binascii
from collections.abc import Mapping
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from sightline.bundle.keys import SigningKey
from sightline.errors import DamagedBundle

_FIRST_LINE = "sightline bundle signature 1"


def sign(members: Mapping[str, bytes], key: SigningKey) -> bytes:
    """The signature by ``key`` over ``members`` (all but the signature itself), in their order."""
    message = _message(members, key.public)
    return message + b"seal " + base64.b64encode(key.sign(message)) + b"\n"


def check_signature(text: bytes, members: Mapping[str, bytes]) -> bytes:
    """The public key (32 bytes) whose owner signed exactly ``members``; whether to trust it is not judged.

    Raises:
        DamagedBundle: a member is not the one that was signed, or the text or the seal is not right.
    """
    lines = text.split(b"\n")
    if len(lines) != len(members) + 4 or lines[0] != _FIRST_LINE.encode():
        raise DamagedBundle("signature is not in the form that sealing writes")
    public = _decode(lines[-3], b"key ", 32)
    seal = _decode(lines[-2], b"seal ", 64)
    message = _message(members, public)
    for name, signed, actual in zip(members, lines[1:-3], message.split(b"\n")[1:-2], strict=True):
        if signed != actual:
            raise DamagedBundle(f"{name} is not what was signed")
    if text != message + b"seal " + base64.b64encode(seal) + b"\n":
        raise DamagedBundle("signature is not in the form that sealing writes")
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(seal, message)
    except (InvalidSignature, ValueError) as error:
        raise DamagedBundle("signature was not made by the key that it names") from error
    return public


def _message(members: Mapping[str, bytes], public: bytes) -> bytes:
    digests = [f"{sha256(payload).hexdigest()}  {name}" for name, payload in members.items()]
    key = f"key {base64.b64encode(public).decode()}"
    return "".join(f"{line}\n" for line in [_FIRST_LINE, *digests, key]).encode()


def _decode(line: bytes, word: bytes, length: int) -> bytes:
    try:
        value = base64.b64decode(line.removeprefix(word), validate=True)
    except binascii.Error:
        value = b""
    if not line.startswith(word) or len(value) != length:
        raise DamagedBundle(f"signature has no usable {word.decode().strip()}")
    return value
