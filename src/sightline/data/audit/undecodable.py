"""Files that could not be used: damaged, truncated, no pictures at all, links that lead out."""

import re
from collections import defaultdict

from sightline.data.audit.base import MOST_PATHS, some
from sightline.data.importing import Imported
from sightline.values.dataset import Finding

TITLE = "files set aside"


def check(imported: Imported) -> list[Finding]:
    """One finding for each kind of reason, the most frequent first."""
    kinds: defaultdict[str, list[str]] = defaultdict(list)
    reasons: dict[str, str] = {}
    for gone in imported.dataset.set_aside:
        kind = re.sub(r"\d[\d,.x]*", "N", gone.reason)
        reasons.setdefault(kind, gone.reason)
        kinds[kind].append(gone.path)
    return [
        Finding(
            "undecodable",
            "warning",
            f"{len(paths):,} set aside: {reasons[kind]} ({some(paths)})",
            tuple(paths[:MOST_PATHS]),
            {"files": len(paths)},
        )
        for kind, paths in sorted(kinds.items(), key=lambda item: (-len(item[1]), item[0]))
    ]
