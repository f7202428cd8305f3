"""Pascal VOC: ``Annotations/NAME.xml``, ``JPEGImages/NAME.jpg``, lists of names in ``ImageSets/Main/``.

Coordinates are taken as they are written, corners in pixels, as torchvision and labelImg do; fractions
are allowed. ``difficult`` objects are to be ignored. XML files right beside their pictures are read too;
the split is then that of the first folder.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from xml.sax.saxutils import escape

from sightline.data.formats._annotation import (
    LARGEST_LIST,
    BoxList,
    WrongAnnotation,
    lines_of,
    number,
    quoted,
    read_data,
    read_text,
)
from sightline.data.formats._files import Files, edges, picture_asked_for, plain_files
from sightline.data.formats._split_lists import LISTS, splits_by_name
from sightline.data.formats._writing import (
    annotated,
    copy_picture,
    decimal,
    inside,
    lost_columns,
    new_names,
    objects,
    refuse_other_task,
    write_text,
)
from sightline.data.formats._xml_elements import Element, XmlRefused, parse_xml
from sightline.data.formats.base import Beside, RawSample
from sightline.data.split_names import split_of
from sightline.errors import DatasetError
from sightline.values.dataset import Dataset, Sample, SetAside, Split, Task

TASK: Task = "detection"
GROUP_BY = ""

_ANNOTATIONS, _PICTURES, _LISTS = "Annotations", "JPEGImages", "ImageSets/Main"
_SIDES = ("xmin", "ymin", "xmax", "ymax")
_PATTERNS = ("Annotations/*.xml", "annotations/*.xml", "*.xml", "*/*.xml")


def recognises(root: Path) -> bool:
    """An annotation in ``Annotations``, beside pictures of the root, or in a folder named as a split."""
    for pattern in _PATTERNS:
        for path in plain_files(root, pattern):
            if pattern == "*/*.xml" and split_of(path.parent.name) is None:
                continue
            if b"<annotation" in edges(path):
                return True
            break
    return False


def read(root: Path, include: str) -> Iterator[RawSample | Beside | SetAside]:
    """Every picture with the objects of its annotation; one without annotation has no boxes."""
    files, wanted = Files(root), picture_asked_for(include)
    layout = _layout(files)
    splits, strays = _listed(files, layout)
    yield from strays
    used: set[str] = set()
    for key, annotation in layout.annotations.items():
        paths = layout.pictures.get(key) or _named_in(files, layout, annotation)
        if not paths:
            yield SetAside(annotation, "an annotation without its picture")
        for path in paths:
            if wanted(path) and path not in used:
                used.add(path)
                own = splits.get(_key(path, layout.picture_folder)) or (layout.split_of_folder(path),)
                yield from _samples(root, path, annotation, own)
    for key, paths in layout.pictures.items():
        for path in paths:
            if wanted(path) and path not in used:
                used.add(path)
                own = splits.get(key) or (layout.split_of_folder(path),)
                yield from (RawSample(path, (), split) for split in own)
    yield from files.rest(used, wanted)


def write(dataset: Dataset, target: Path) -> list[str]:
    """``Annotations``, ``JPEGImages`` and the lists of the splits; metadata is what it cannot hold."""
    refuse_other_task(dataset.task, TASK, "voc")
    samples, lost = annotated(dataset)
    names = new_names(samples, inside(_PICTURES))
    lists: defaultdict[str, set[str]] = defaultdict(set)
    for sample in samples:
        name = names[sample.path]
        key = _key(name, "")
        copy_picture(dataset, sample.path, target / _PICTURES / name)
        write_text(target / _ANNOTATIONS / f"{key}.xml", _document(name, sample))
        lists[sample.split].add(key)
    lists["trainval"] = lists["train"] | lists["val"]
    for list_name, keys in lists.items():
        if keys:
            write_text(target / _LISTS / f"{list_name}.txt", "".join(f"{key}\n" for key in sorted(keys)))
    return lost + lost_columns(dataset)


@dataclass(frozen=True)
class _Layout:
    """Annotations and pictures by their key: the path inside their folder, without ending.

    Where both folders are the root, annotations lie beside pictures.
    """

    annotation_folder: str
    picture_folder: str
    annotations: dict[str, str]
    pictures: dict[str, list[str]]

    def split_of_folder(self, path: str) -> Split | None:
        """The split that the first folder says, where annotations lie beside pictures."""
        return None if self.annotation_folder else split_of(path.partition("/")[0])


def _layout(files: Files) -> _Layout:
    xml = [path for path in files.paths if path.lower().endswith(".xml")]
    tops = sorted({path.partition("/")[0] for path in xml if "/" in path})
    annotation_folder = next((top for top in tops if top.lower() == _ANNOTATIONS.lower()), "")
    tops = sorted({path.partition("/")[0] for path in files.paths if "/" in path})
    named = [top for top in tops if top.lower() in {_PICTURES.lower(), "images"}]
    picture_folder = named[0] if named and annotation_folder else ""
    inside = f"{annotation_folder}/" if annotation_folder else ""
    annotations = {_key(path, annotation_folder): path for path in xml if path.startswith(inside)}
    pictures: defaultdict[str, list[str]] = defaultdict(list)
    for path in files.under(picture_folder):
        if not path.lower().endswith((".xml", ".txt")):
            pictures[_key(path, picture_folder)].append(path)
    return _Layout(annotation_folder, picture_folder, annotations, dict(pictures))


def _key(path: str, folder: str) -> str:
    inside = PurePosixPath(path.removeprefix(f"{folder}/") if folder else path)
    return str(inside.with_suffix("") if inside.name else inside)


def _named_in(files: Files, layout: _Layout, annotation: str) -> list[str]:
    """The picture that an annotation of another name says it is about."""
    try:
        name = parse_xml(read_data(files.root, annotation)).value("filename")
        path = files.find(name, (layout.picture_folder,)) if name else None
    except (WrongAnnotation, ValueError):
        return []
    return [] if path is None else [path]


def _listed(files: Files, layout: _Layout) -> tuple[dict[str, tuple[Split, ...]], list[SetAside]]:
    """The splits of each key, and the names in lists that no picture has.

    Lists of one class, such as ``aeroplane_train.txt``, say nothing about the split and are passed over.
    """
    lists: dict[str, set[str]] = {}
    strays = []
    for name in LISTS:
        path = files.at(f"{_LISTS}/{name}.txt") or files.at(f"{_LISTS.partition('/')[0]}/{name}.txt")
        if path is None:
            continue
        lists[name] = set()
        for line, text in _lines(files.root, path):
            key = _listed_key(text, layout)
            if key is None:
                strays.append(SetAside(path, f"line {line}: there is no picture {quoted(text)}"))
            else:
                lists[name].add(key)
    return splits_by_name(lists), strays


def _lines(root: Path, path: str) -> list[tuple[int, str]]:
    try:
        return lines_of(read_text(root, path, LARGEST_LIST))
    except WrongAnnotation as error:
        raise DatasetError(str(error)) from error


def _listed_key(text: str, layout: _Layout) -> str | None:
    """A line is a name; some programs write its ending too, or a mark of -1, 0 or 1 behind it."""
    for name in (text, text.rsplit(maxsplit=1)[0], _key(text, "")):
        if name in layout.pictures:
            return name
    return None


def _samples(
    root: Path, path: str, annotation: str, splits: tuple[Split | None, ...]
) -> Iterator[RawSample | SetAside]:
    """The picture in each of its splits, or why its annotation is wrong."""
    try:
        boxes = _boxes(parse_xml(read_data(root, annotation)), annotation)
    except WrongAnnotation as error:
        yield SetAside(path, str(error))
    except XmlRefused as error:
        yield SetAside(path, str(WrongAnnotation(annotation, str(error), error.line)))
    else:
        yield from (boxes.sample(path, split) for split in splits)


def _boxes(top: Element, annotation: str) -> BoxList:
    if top.tag != "annotation":
        raise WrongAnnotation(annotation, f"begins with <{top.tag[:60]}>, not with <annotation>", top.line)
    boxes = BoxList("xyxy")
    for each in top.all("object"):
        corners = each.first("bndbox")
        if corners is None:
            raise WrongAnnotation(annotation, "an object has no <bndbox>", each.line)
        sides = [_side(corners, side, annotation) for side in _SIDES]
        ignored = _is_difficult(each, annotation)
        try:
            boxes.add(each.value("name"), sides, ignored=ignored)
        except ValueError as error:
            raise WrongAnnotation(annotation, str(error), each.line) from error
    return boxes


def _is_difficult(each: Element, annotation: str) -> bool:
    mark = each.value("difficult")
    if mark not in {"", "0", "1"}:
        line = (each.first("difficult") or each).line
        raise WrongAnnotation(annotation, f"difficult is 0 or 1, not {quoted(mark)}", line)
    return mark == "1"


def _side(corners: Element, side: str, annotation: str) -> float:
    element = corners.first(side) or corners
    try:
        return number(corners.value(side))
    except ValueError as error:
        raise WrongAnnotation(annotation, f"{side}: {error}", element.line) from error


def _document(name: str, sample: Sample) -> str:
    boxes = "".join(
        f"  <object>\n    <name>{escape(label)}</name>\n    <pose>Unspecified</pose>\n"
        f"    <truncated>0</truncated>\n    <difficult>{int(ignored)}</difficult>\n    <bndbox>"
        + "".join(f"<{side}>{decimal(value)}</{side}>" for side, value in zip(_SIDES, row, strict=True))
        + "</bndbox>\n  </object>\n"
        for label, row, ignored in objects(sample, "xyxy")
    )
    return (
        f"<annotation>\n  <folder>{_PICTURES}</folder>\n  <filename>{escape(name)}</filename>\n"
        f"  <size><width>{sample.size.width}</width><height>{sample.size.height}</height>"
        f"<depth>3</depth></size>\n  <segmented>0</segmented>\n{boxes}</annotation>\n"
    )
