"""Pictures that show no object: right where they are meant, a gap where somebody forgot to annotate."""

from sightline.data.audit.base import MOST_PATHS, some
from sightline.data.importing import Imported
from sightline.values.dataset import Finding

TITLE = "pictures without boxes"


def check(imported: Imported) -> list[Finding]:
    """A note with their share. Pictures of which nothing is known are not among them."""
    known = [sample for sample in imported.dataset.samples if sample.boxes is not None]
    without = [sample.path for sample in known if not sample.labels]
    if not without:
        return []
    share = len(without) / len(known)
    words = (
        f"{len(without):,} pictures ({share:.1%}) have no boxes, so a detector learns that nothing is there: "
        f"{some(without)}"
    )
    figures = {"pictures": len(without), "share": share}
    return [Finding("backgrounds", "note", words, tuple(without[:MOST_PATHS]), figures)]
