"""Numbers and names as a page shows them."""

import math
from datetime import datetime

from sightline.values.evaluation import DetectionError
from sightline.values.recipe import WeightsOrigin


def shown(text: str) -> str:
    """``text`` with everything that has no visible shape spelled out as Python would escape it.

    That is line breaks, control characters, marks that turn the direction of writing, and bytes of file
    names that are not UTF-8: a name cannot pose as another, and the page can always be encoded.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def percent(share: float, digits: int = 1) -> str:
    """A share as ``93.4%``; never rounded to 0 or 100 when it is neither; a dash where it is not a number."""
    if math.isnan(share):
        return "–"
    least = 10.0**-digits
    value = 100 * share
    if 0 < value < least:
        return f"<{least:.{digits}f}%"
    if 100 - least < value < 100:
        return f">{100 - least:.{digits}f}%"
    return f"{value:.{digits}f}%"


def points(difference: float) -> str:
    """A difference of shares in percentage points, with its sign: ``+1.2``."""
    return f"{100 * difference:+.1f}".replace("-", "−")


def duration(seconds: float) -> str:
    """``48 s``, ``9 min 40 s`` or ``2 h 5 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def moment(iso: str) -> str:
    """An ISO 8601 time as ``18 November 2026, 09:41 UTC``; anything else as it is."""
    try:
        when = datetime.fromisoformat(iso)
    except ValueError:
        return iso
    zone = f" {when.tzname()}" if when.tzinfo else ""
    return f"{when.day} {when:%B %Y, %H:%M}{zone}"


def weights_story(weights: WeightsOrigin) -> str:
    """Where the initial weights came from, in a sentence."""
    name = shown(weights.name)
    told = {
        "scratch": "Trained from scratch, the initial weights drawn by the seed",
        "file": f"Started from the weights file {name}",
        "hub": f"Started from {name}, fetched from its hub",
        "cache": f"Started from {name}, found in the local cache",
    }[weights.kind]
    return f"{told}: {shown(weights.why)}." if weights.why else f"{told}."


def missed_story(error: DetectionError) -> str:
    """Why an object counts as missed, in a few words."""
    if error.score > 0:
        return f"its box scored {percent(error.score)}, under the threshold"
    if error.iou < _BESIDE:
        return "no box lies over it"
    if error.instead == error.label:
        near = f"overlaps it by {percent(error.iou, 0)} only"
        return f"its nearest box {near if error.iou < _SAME_PLACE else 'is that of another object'}"
    return f"answered as {shown(error.instead)}, overlap {percent(error.iou, 0)}"


def false_story(error: DetectionError) -> str:
    """Why a box counts as a false find, in a few words."""
    if error.iou < _BESIDE:
        return "nothing is there"
    if error.instead != error.label:
        return f"that is {shown(error.instead)}, overlap {percent(error.iou, 0)}"
    if error.iou < _SAME_PLACE:
        return f"overlaps the true box by {percent(error.iou, 0)} only"
    return "found already, by a box with a higher score"


_BESIDE = 0.1
"""The intersection over union below which two boxes are beside each other, not at the same place."""

_SAME_PLACE = 0.5
"""The intersection over union from which a box counts as found."""
