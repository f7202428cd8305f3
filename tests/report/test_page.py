from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from sightline.report.page import EXAMPLES, ReportData, pictures_wanted, render_report

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
    assert data.evaluation is not None
    perfect = replace(data.evaluation, confusion=((20, 0), (0, 20)), worst=())
    html = render_report(replace(data, evaluation=perfect))
    assert "That is no proof that the next one will be." in html
    assert "The worst mistakes" not in html


def test_the_same_values_give_the_same_page(build: Builder) -> None:
    assert render_report(build()) == render_report(build())


def test_pictures_wanted_are_the_mistakes_and_some_examples(build: Builder) -> None:
    data = build()
    assert data.dataset is not None
    assert data.evaluation is not None
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
