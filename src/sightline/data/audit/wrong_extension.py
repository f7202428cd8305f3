"""Files whose name says another format than their content."""

from collections import defaultdict
from pathlib import PurePosixPath

from sightline.data.audit.base import MOST_PATHS, some
from sightline.data.importing import Imported
from sightline.pixels.decode import EXTENSIONS
from sightline.values.dataset import Finding

TITLE = "names that say another format"


def check(imported: Imported) -> list[Finding]:
    """One finding for each real format; the pictures are used as what they are."""
    wrong: defaultdict[str, list[str]] = defaultdict(list)
    for sample, facts in zip(imported.dataset.samples, imported.facts, strict=True):
        if PurePosixPath(sample.path).suffix.lower() not in EXTENSIONS[facts.format]:
            wrong[facts.format].append(sample.path)
    return [
        Finding(
            "wrong_extension",
            "warning",
            f"{len(paths):,} {real} files have the ending of another format, used as {real}: {some(paths)}",
            tuple(paths[:MOST_PATHS]),
            {"files": len(paths)},
        )
        for real, paths in sorted(wrong.items())
    ]
