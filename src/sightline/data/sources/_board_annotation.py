"""Pascal VOC's layout for pictures of boards: a folder of JPEGs, a folder of XML, and a list for each split.

Corners are in pixels from the picture's upper left corner, as ``data.formats.voc`` reads them; fractions are
kept, since these boxes are exact.

Source: M. Everingham et al., "The PASCAL Visual Object Classes Challenge 2012 Development Kit", section 10.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from sightline.values.boxes import Boxes
from sightline.values.dataset import Split

PICTURES, ANNOTATIONS, LISTS = "JPEGImages", "Annotations", "ImageSets/Main"


def annotation(name: str, boxes: Boxes, labels: Sequence[str]) -> str:
    """The XML of the grey picture ``NAME.jpg``. Names are written as they are: none needs escaping."""
    objects = "".join(
        f"  <object>\n    <name>{label}</name>\n    <difficult>0</difficult>\n    <bndbox>"
        f"<xmin>{x0:.2f}</xmin><ymin>{y0:.2f}</ymin><xmax>{x1:.2f}</xmax><ymax>{y1:.2f}</ymax>"
        "</bndbox>\n  </object>\n"
        for label, (x0, y0, x1, y1) in zip(labels, boxes.xyxy.tolist(), strict=True)
    )
    width, height = boxes.size.width, boxes.size.height
    return (
        f"<annotation>\n  <folder>{PICTURES}</folder>\n  <filename>{name}.jpg</filename>\n"
        f"  <size><width>{width}</width><height>{height}</height><depth>1</depth></size>\n"
        f"{objects}</annotation>\n"
    )


def write_lists(root: Path, names: Mapping[Split, Sequence[str]]) -> None:
    """One file a split under ``ImageSets/Main``, one name a line."""
    for split, listed in names.items():
        (root / LISTS / f"{split}.txt").write_text("".join(f"{name}\n" for name in listed))
