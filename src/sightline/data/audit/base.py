"""What a check gives."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from sightline.data.importing import Imported
from sightline.values.dataset import Finding

MOST_PATHS = 1_000
"""Files named by one finding; its figures count all."""


class Check(Protocol):
    """One thing to look for in a dataset. ``TITLE`` says what, in a few words."""

    TITLE: str

    def check(self, imported: Imported) -> Sequence[Finding]:
        """What was found; nothing where all is well."""


def some(paths: Iterable[str], count: int = 3) -> str:
    """The first few paths for a sentence, quoted, so that no name can break the line."""
    listed = list(paths)
    more = f" and {len(listed) - count:,} more" if len(listed) > count else ""
    return ", ".join(repr(path) for path in listed[:count]) + more
