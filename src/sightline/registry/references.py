"""How people name a model and a release of it."""

import re
from dataclasses import dataclass

from sightline.errors import InputError
from sightline.values.release import STAGES, Stage

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_VERSION = re.compile(r"[1-9][0-9]{0,8}")


@dataclass(frozen=True, slots=True)
class Reference:
    """One version of a model, or with ``version`` ``None`` the newest release in ``stage``."""

    name: str
    version: int | None = None
    stage: Stage = "production"


def check_name(name: str, of: str = "model") -> str:
    """``name`` itself, if what it is the name ``of`` may be called so.

    Raises:
        InputError: it may not.
    """
    if not _NAME.fullmatch(name):
        raise InputError(
            f"a {of}'s name has 1 to 64 of a-z, 0-9, dot, dash and underscore, a letter or digit first; "
            f"got {name!r}"
        )
    return name


def parse_reference(text: str) -> Reference:
    """``NAME`` (the one in production), ``NAME@VERSION`` or ``NAME:STAGE`` (the newest there).

    Example:
        >>> parse_reference("boards@3")
        Reference(name='boards', version=3, stage='production')

    Raises:
        InputError: another form.
    """
    name, at, version = text.partition("@")
    if at and _VERSION.fullmatch(version):
        return Reference(check_name(name), int(version))
    name, colon, wanted = text.partition(":")
    stage = next((each for each in STAGES if each == wanted), None)
    if at or (colon and stage is None):
        raise InputError(f"a release is NAME, NAME@VERSION or NAME:STAGE ({', '.join(STAGES)}), got {text!r}")
    return Reference(check_name(name), stage=stage or "production")
