"""Metadata columns out of file names."""

import json
import re
import subprocess
import sys
from collections.abc import Sequence

from sightline.errors import DatasetError

SECONDS = 20.0
"""An expression that needs longer than this, and a second for every 50,000 names, is refused."""

_SEARCH = """
import json, re, sys
expression, paths = json.load(sys.stdin)
search = re.compile(expression).search
found = (search(path if "/" in expression else path.rpartition("/")[2]) for path in paths)
json.dump([list(hit.groupdict("").values()) if hit else None for hit in found], sys.stdout)
"""


def columns_from_names(
    expression: str, paths: Sequence[str], seconds: float = SECONDS
) -> tuple[tuple[str, ...], list[tuple[str, ...] | None]]:
    """The named groups of ``expression``, and for each path their texts, or None where it does not match.

    It is searched for in the file's name or, where the expression has a slash, in the relative path.
    The search runs in a process of its own, because some expressions take longer than the age of the
    universe on a name of forty letters and Python cannot stop them otherwise.

    Raises:
        DatasetError: not a regular expression, without a named group, matching nothing, or too slow.
    """
    columns = _named_groups(expression)
    limit = seconds + len(paths) / 50_000
    try:
        answer = subprocess.run(
            [sys.executable, "-I", "-S", "-c", _SEARCH],
            input=json.dumps([expression, list(paths)]).encode(),
            capture_output=True,
            timeout=limit,
            check=True,
        )
    except subprocess.TimeoutExpired as error:
        raise DatasetError(
            f"--meta-from-name {expression!r} is still searching after {limit:.0f} s; "
            "repeat less inside what is repeated"
        ) from error
    found = [None if texts is None else tuple(texts) for texts in json.loads(answer.stdout)]
    if not any(found):
        raise DatasetError(
            f"--meta-from-name {expression!r} matches none of {len(paths):,} names, such as {paths[0]!r}"
        )
    return columns, found


def _named_groups(expression: str) -> tuple[str, ...]:
    try:
        groups = re.compile(expression).groupindex
    except (re.error, RecursionError, OverflowError) as error:
        raise DatasetError(f"--meta-from-name {expression!r} is not a regular expression: {error}") from error
    if not groups:
        raise DatasetError(
            f"--meta-from-name {expression!r} has no named group; "
            "(?P<camera>...) would give a column 'camera'"
        )
    return tuple(groups)
