"""Answers drawn on their pictures, in a folder that appears whole."""

import re
import secrets
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from sightline.errors import InputError, Interrupted, StorageError
from sightline.infer.predictor import Answer
from sightline.infer.writing import Tally, as_object, json_line
from sightline.pixels.draw import Colour, draw_answer, enlarged, thumbnail_jpeg
from sightline.pixels.draw_boxes import class_colour, draw_boxes
from sightline.pixels.isolated import decode
from sightline.pixels.resize import resize
from sightline.storage.files import make_folder
from sightline.values.image import Pixels, Size, Undecodable
from sightline.values.prediction import Prediction, ScoredLabel

ANSWERS_FILE = "answers.jsonl"
"""Every answer of the folder; ``drawn`` in a line is the name of its picture."""

_ACCEPTED = (22, 128, 60)
_BELOW_THRESHOLD = (180, 83, 9)
_NOTHING = (84, 92, 100)
_WITH_BOXES = 640
"""A picture smaller than this is enlarged before boxes are drawn, so that their tags cover less of it."""

_LONGEST_SIDE, _NARROWEST_SIDE = 4_096, 64
_LONGEST_JPEG = 65_500
_LONGEST_NAME = 80


class _LabelColours(dict[str, Colour]):
    """Each label's colour: by its number among ``classes``, any other's by the order in which labels come."""

    def __init__(self, classes: Sequence[str]) -> None:
        super().__init__({label: class_colour(number) for number, label in enumerate(classes)})

    def __missing__(self, label: str) -> Colour:
        self[label] = class_colour(len(self))
        return self[label]


def draw_into(answers: Iterable[Answer], folder: Path, classes: Sequence[str] = ()) -> Tally:
    """Draw each answer on its picture, as ``folder/NUMBER-NAME.jpg``, with ``answers.jsonl`` beside.

    A classifier's answer stands above its picture. A detector's are boxes with their labels and scores;
    a label has the same colour in every picture of a folder, and given the release's ``classes`` the one
    that it has in its report.
    The number counts all answers from 1, so no two pictures share a name; of the file's own name only
    letters, digits, dots and dashes are kept. Each picture is read again from its source, and a longer
    side above 4,096 pixels is reduced to that.
    ``folder`` must be new or empty; it appears when all is drawn, or after Ctrl-C with what was drawn.

    Raises:
        InputError: the folder has something in it.
        Interrupted: Ctrl-C; says where the drawn pictures are.
        StorageError: the disk refused.
    """
    tally = Tally()
    try:
        _check_free(folder)
        make_folder(folder.parent)
        # Hidden, so that a walk over the parent does not take drawn pictures for new ones.
        made = folder.parent / f".{folder.name}-{secrets.token_hex(4)}"
        made.mkdir()
        try:
            stopped = not _draw_all(answers, made, tally, _LabelColours(classes))
            made.rename(folder)
        finally:
            shutil.rmtree(made, ignore_errors=True)
    except OSError as error:
        raise StorageError(f"cannot draw into {str(folder)!r}: {error.strerror}") from error
    if stopped:
        raise Interrupted(f"stopped; answers so far: {tally.total:,}, with their pictures in {str(folder)!r}")
    return tally


def _check_free(folder: Path) -> None:
    if folder.is_dir() and any(folder.iterdir()):
        raise InputError(f"drawn pictures need a new or empty folder, {str(folder)!r} has files in it")
    if folder.exists() and not folder.is_dir():
        raise InputError(f"drawn pictures need a folder, {str(folder)!r} is a file")


def _draw_all(answers: Iterable[Answer], folder: Path, tally: Tally, colours: _LabelColours) -> bool:
    """False where Ctrl-C ended it."""
    with (folder / ANSWERS_FILE).open("wb") as record:
        try:
            for number, answer in enumerate(answers, 1):
                content = as_object(answer)
                if isinstance(answer, Prediction) and (jpeg := _drawn(answer, colours)):
                    content["drawn"] = f"{number:06d}-{_safe(answer.source)}.jpg"
                    (folder / str(content["drawn"])).write_bytes(jpeg)
                record.write(json_line(content))
                tally.add(answer)
        except KeyboardInterrupt:
            return False
    return True


def _drawn(answer: Prediction, colours: _LabelColours) -> bytes | None:
    """The picture with its answer as JPEG; None where the file is gone or has another size by now."""
    try:
        picture = decode(Path(answer.source).read_bytes())
    except OSError:
        return None
    if isinstance(picture, Undecodable) or picture.original != answer.size:
        return None
    # Reduced first: drawing enlarges narrow pictures, which must not make a long one gigantic.
    pixels = _reduced(picture.pixels)
    if answer.boxes is not None and answer.labels:
        captions = [f"{each.label} {each.score:.1%}" for each in answer.labels]
        of_labels = [colours[each.label] for each in answer.labels]
        drawn = draw_boxes(enlarged(pixels, _WITH_BOXES), answer.boxes, captions, of_labels)
    elif answer.top is None:
        drawn = draw_answer(pixels, "nothing found", _NOTHING)
    else:
        top = answer.top
        drawn = draw_answer(pixels, _caption(top), _ACCEPTED if top.accepted else _BELOW_THRESHOLD)
    return thumbnail_jpeg(drawn, _LONGEST_JPEG)


def _reduced(pixels: Pixels) -> Pixels:
    height, width = pixels.shape[:2]
    scale = _LONGEST_SIDE / max(width, height)
    if scale >= 1.0:
        return pixels
    return resize(pixels, Size(*(max(_NARROWEST_SIDE, round(each * scale)) for each in (width, height))))


def _caption(top: ScoredLabel) -> str:
    return f"{top.label}  {top.score:.1%}" + ("" if top.accepted else "  below threshold")


def _safe(source: str) -> str:
    return re.sub(r"[^A-Za-z0-9.-]+", "_", Path(source).stem)[:_LONGEST_NAME].strip("._") or "picture"
