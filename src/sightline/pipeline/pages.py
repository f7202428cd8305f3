"""The page about one build, written beside its run."""

from pathlib import Path

from sightline.pipeline.fitting import Fitted
from sightline.pipeline.judging import Judged
from sightline.pipeline.releasing import Released
from sightline.pipeline.runs import Run
from sightline.pixels.decode import decode
from sightline.pixels.draw import thumbnail_jpeg
from sightline.report.page import ReportData, pictures_wanted, render_report
from sightline.storage.files import write_atomic
from sightline.values.dataset import AuditReport, Dataset
from sightline.values.image import Picture, Size

_LONGEST = 320


def write_page(
    run: Run, fitted: Fitted, judged: Judged, dataset: Dataset, audit: AuditReport, released: Released
) -> Path:
    """Write ``report.html`` and give its path."""
    data = ReportData(
        release=released.release,
        checkpoint=fitted.checkpoint,
        dataset=dataset if dataset.samples else None,
        audit=audit if dataset.samples else None,
        evaluation=judged.evaluation,
        calibration=judged.calibration,
        parity=judged.parity,
        comparison=released.comparison,
        pictures=_thumbnails(dataset, judged),
        notes=(released.outcome,),
    )
    write_atomic(run.report, render_report(data).encode())
    return run.report


def _thumbnails(dataset: Dataset, judged: Judged) -> dict[str, bytes]:
    pictures = {}
    for path in pictures_wanted(dataset, judged.evaluation):
        try:
            picture = decode((dataset.root / path).read_bytes(), at_least=Size(_LONGEST, _LONGEST))
        except OSError:
            # It vanished since it was judged; the page says its name without showing it.
            continue
        if isinstance(picture, Picture):
            pictures[path] = thumbnail_jpeg(picture.pixels, _LONGEST)
    return pictures
