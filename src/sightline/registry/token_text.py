"""How a token is written: ``sightline_ID_SECRETCHECK``.

The first part lets scanners of repositories find one that was published. ``ID``, 8 hexadecimal digits, says
which it is without giving anything away; ``SECRET`` is 256 random bits, 64 digits; ``CHECK``, 8 digits, is
the CRC-32 of all before it, so that one that was copied badly can be told from one that was never given.
"""

import re
import secrets
import zlib
from dataclasses import dataclass
from hashlib import sha256

_TEXT = re.compile(r"sightline_([0-9a-f]{8})_([0-9a-f]{64})([0-9a-f]{8})")


@dataclass(frozen=True, slots=True)
class TokenText:
    """A token as its owner has it; ``digest`` is all that is stored of the secret."""

    id: str
    digest: str


def new_text() -> str:
    """A new token."""
    text = f"sightline_{secrets.token_hex(4)}_{secrets.token_hex(32)}"
    return text + _check(text)


def parse_text(text: str) -> TokenText | None:
    """The token that ``text`` is, if it is one."""
    found = _TEXT.fullmatch(text)
    if found is None or _check(text[: -len(found[3])]) != found[3]:
        return None
    # One round of SHA-256 is enough: 256 random bits cannot be guessed, unlike a password.
    return TokenText(found[1], sha256(found[2].encode()).hexdigest())


def _check(text: str) -> str:
    return f"{zlib.crc32(text.encode()):08x}"
