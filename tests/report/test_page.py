import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from sightline.report.page import (
    BOXED_EXAMPLES,
    EXAMPLES,
    ReportData,
    errors_wanted,
    pictures_wanted,
    render_report,
)
from sightline.values.evaluation import ClassificationReport, DetectionReport, Interval

Builder = Callable[..., ReportData]
EMPTY = {"meta", "img", "br", "link"}
HOSTILE = "<script>alert(1)</script>\n\"onerror='x' \u202egnp"


class Page(HTMLParser):
    """Reads a page strictly: every element closed, in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.handlers: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name in {"src", "href", "srcset", "action", "data"}:
                self.addresses.append(value or "")
            if name == "id":
                self.ids.append(value or "")
            if name.startswith("on"):
                self.handlers.append(name)
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text += data


def test_the_page_tells_every_part(build: Builder) -> None:
    data = build()
    text = " ".join(Page(render_report(data)).text.split())
    assert data.evaluation is not None
    top1 = data.evaluation.headline["top1"]
    for told in (
        "tiles@2",
        "candidate",
        f"Top-1 accuracy {100 * top1.value:.1f}%",
        f"{100 * top1.low:.1f}% to {100 * top1.high:.1f}%",
        "Started from resnet18, fetched from its hub.",
        "Training went on without a cache.",
        "Against the release in production",
        "1 picture lies in two splits.",
        "3 of 3 epochs in 1 min 1 s (planned: 1 min 0 s)",
        "40 of 40 pictures (test pictures)",
        "18 November 2026, 09:41 UTC",
        "sightline predict tiles@2 PICTURES",
        "1 file set aside",
    ):
        assert told in text, told


def test_the_page_is_self_contained(build: Builder) -> None:
    html = render_report(build())
    page = Page(html)
    assert "script" not in page.tags
    assert "link" not in page.tags
    assert not page.handlers
    assert all(a.startswith(("#", "data:image/jpeg;base64,")) for a in page.addresses)
    assert {a[1:] for a in page.addresses if a.startswith("#")} <= set(page.ids)
    assert "url(" not in html
    assert "@import" not in html
    assert "default-src 'none'" in html


def test_hostile_names_are_only_text(build: Builder) -> None:
    data = build(classes=("free", HOSTILE), folder=HOSTILE)
    html = render_report(replace(data, notes=(HOSTILE,), release=replace(data.release, path=HOSTILE)))
    page = Page(html)
    assert "script" not in page.tags
    assert not page.handlers
    assert "<script>alert(1)</script>\\n" in page.text
    assert "\u202e" not in html
    assert "\\u202egnp" in page.text


def test_a_name_that_is_not_utf8_can_be_written(build: Builder) -> None:
    html = render_report(build(folder="caf\udce9/"))
    assert "caf\\udce9/" in html
    html.encode("utf-8")


def test_the_page_about_a_detector_tells_every_part(build_detector: Builder) -> None:
    data = build_detector()
    text = " ".join(Page(render_report(data)).text.split())
    assert isinstance(data.evaluation, DetectionReport)
    ap50, ap = data.evaluation.headline["ap50"], data.evaluation.headline["ap"]
    for told in (
        f"AP50 {100 * ap50.value:.1f}% ({100 * ap50.low:.1f}% to {100 * ap50.high:.1f}%) and "
        f"AP {100 * ap.value:.1f}% ({100 * ap.low:.1f}% to {100 * ap.high:.1f}%) "
        "on 15 test pictures with 44 objects of 6 classes.",
        "AP of small objects",
        "Against the release in production",
        "Boxes given",
        "The worst misses",
        "The surest false finds",
        "Validation AP",
        "Pictures as training saw them",
        "24 pictures with objects of 6 classes; the table counts boxes.",
        "of them without an object",
        "Of 412 boxes",
        "410 have a partner of the same class",
        "2 more lie within rounding",
    ):
        assert told in text, told
    assert "top-1" not in text.lower()
    assert "What a score means" not in text
    assert "in nats" not in text
    assert "nan" not in text


def test_a_classifiers_page_says_nothing_of_boxes(build: Builder) -> None:
    text = " ".join(Page(render_report(build())).text.split())
    assert "Validation top-1" in text
    assert "Loss, in nats" in text
    assert "boxes" not in text.lower()


def test_the_page_about_a_detector_is_self_contained(build_detector: Builder) -> None:
    data = build_detector()
    html = render_report(data)
    page = Page(html)
    assert "script" not in page.tags
    assert not page.handlers
    assert all(a.startswith(("#", "data:image/jpeg;base64,")) for a in page.addresses)
    assert {a[1:] for a in page.addresses if a.startswith("#")} <= set(page.ids)
    shown = len(data.errors) + len(data.augmented) + len(data.pictures)
    assert page.tags.count("img") == shown
    assert len(html) < 2_000_000


def test_hostile_class_names_of_a_detector_are_only_text(build_detector: Builder) -> None:
    html = render_report(build_detector(classes=("free", HOSTILE), folder=HOSTILE))
    page = Page(html)
    assert "script" not in page.tags
    assert not page.handlers
    assert "<script>alert(1)</script>\\n" in page.text
    assert "\u202e" not in html


@pytest.mark.parametrize("classes", [1, 30, 31, 80])
def test_any_number_of_a_detectors_classes_fits(build_detector: Builder, classes: int) -> None:
    html = render_report(build_detector(classes=tuple(f"class {c}" for c in range(classes))))
    text = " ".join(Page(html).text.split())
    assert html.count("Precision by recall: class") == len(set(re.findall("recall: (class [0-9]+)", html)))
    assert (f"{classes - 30} more classes" in html) == (classes > 30)
    assert f"44 objects of {classes} class{'es' if classes > 1 else ''}." in text


def test_what_no_object_defines_is_a_dash(build_detector: Builder) -> None:
    data = build_detector()
    assert isinstance(data.evaluation, DetectionReport)
    nothing = Interval(*(float("nan"),) * 3)
    headline = {**data.evaluation.headline, "ap_large": nothing}
    history = tuple(replace(e, val_metric=float("nan")) for e in data.checkpoint.history)
    unjudged = replace(data.checkpoint, history=history)
    text = Page(
        render_report(
            replace(data, evaluation=replace(data.evaluation, headline=headline), checkpoint=unjudged)
        )
    ).text
    assert "no picture tells" in text
    assert "nan" not in text


def test_a_detector_without_errors_is_not_called_perfect(build_detector: Builder) -> None:
    data = build_detector()
    assert isinstance(data.evaluation, DetectionReport)
    text = Page(
        render_report(replace(data, evaluation=replace(data.evaluation, missed=(), false_finds=())))
    ).text
    assert "That is no proof for the next picture." in text
    assert "The worst misses" not in text


def test_a_detector_made_without_pictures_claims_nothing(build_detector: Builder) -> None:
    full = build_detector()
    bare = ReportData(release=full.release, checkpoint=replace(full.checkpoint, history=(), best_epoch=0))
    text = " ".join(Page(render_report(bare)).text.split())
    assert "A detector of 6 classes. No pictures were held out" in text
    assert "None" not in text


def test_a_detectors_pictures_are_examples_that_show_every_class(build_detector: Builder) -> None:
    data = build_detector()
    assert data.dataset is not None
    labels = {sample.path: sample.labels for sample in data.dataset.samples}
    wanted = pictures_wanted(data.dataset, data.evaluation)
    assert len(wanted) == len(set(wanted)) <= BOXED_EXAMPLES
    assert {label for path in wanted for label in labels[path]} == set(data.dataset.classes)
    assert isinstance(data.evaluation, DetectionReport)
    assert errors_wanted(data.evaluation) == data.evaluation.missed + data.evaluation.false_finds
    assert errors_wanted(None) == ()


@pytest.mark.parametrize("classes", [2, 30, 31, 1_000])
def test_any_number_of_classes_fits(build: Builder, classes: int) -> None:
    names = tuple(f"class {c}" for c in range(classes))
    html = render_report(build(classes=names, pictures=classes + 200))
    Page(html)
    assert ('class="confusion"' in html) == (classes <= 30)
    assert (f"most confused pairs of {classes:,} classes" in html) == (classes > 30)
    assert len(html) < 1_500_000


def test_a_model_made_without_pictures_claims_nothing(build: Builder) -> None:
    full = build()
    bare = ReportData(release=full.release, checkpoint=replace(full.checkpoint, history=(), best_epoch=0))
    text = " ".join(Page(render_report(bare)).text.split())
    assert "No pictures were held out, so nothing is claimed about its accuracy." in text
    assert "Not trained here" in text
    assert "None" not in text


def test_no_mistake_is_not_called_proof(build: Builder) -> None:
    data = build()
    assert isinstance(data.evaluation, ClassificationReport)
    perfect = replace(data.evaluation, confusion=((20, 0), (0, 20)), worst=())
    html = render_report(replace(data, evaluation=perfect))
    assert "That is no proof that the next one will be." in html
    assert "The worst mistakes" not in html


def test_the_same_values_give_the_same_page(build: Builder) -> None:
    assert render_report(build()) == render_report(build())


def test_pictures_wanted_are_the_mistakes_and_some_examples(build: Builder) -> None:
    data = build()
    assert data.dataset is not None
    assert isinstance(data.evaluation, ClassificationReport)
    wanted = pictures_wanted(data.dataset, data.evaluation)
    assert wanted[: len(data.evaluation.worst)] == tuple(m.path for m in data.evaluation.worst)
    assert len(wanted) == len(set(wanted)) <= len(data.evaluation.worst) + EXAMPLES
    examples = pictures_wanted(data.dataset, None)
    splits = {sample.path: sample.split for sample in data.dataset.samples}
    assert len(examples) == 8
    assert {splits[path] for path in examples} == {"test"}


def test_thousands_of_classes_have_no_examples(build: Builder) -> None:
    data = build(classes=tuple(str(c) for c in range(40)))
    assert data.dataset is not None
    assert pictures_wanted(data.dataset, None) == ()
