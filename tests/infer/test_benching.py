"""What a release costs here: which rows there are; how long anything takes is not tested."""

import re
import sys
from collections.abc import Callable
from dataclasses import replace

import pytest

from sightline.errors import MissingExtra
from sightline.infer.benching import FULL, footprints, timings
from sightline.infer.runtimes import RUNTIMES
from sightline.settings import processor
from sightline.values.release import Bundle, Variant


@pytest.fixture
def compressed(bundle: Callable[..., Bundle], variant: Variant) -> Bundle:
    return replace(bundle(), variants={"int8": variant})


def test_every_form_of_the_model_for_all_threads_and_batches(compressed: Bundle) -> None:
    forms = (FULL, "int8")
    rows = list(timings(compressed, "onnxruntime", (1, 2), (1, 3), 0.01))
    assert [(each.threads, each.batch, each.variant) for each in rows] == [
        (threads, batch, form) for threads in (1, 2) for batch in (1, 3) for form in forms
    ]
    for each in rows:
        assert 0 < each.p50 <= each.p95 <= each.p99
        assert each.runs >= 3
        assert each.pictures_per_second == pytest.approx(1000 * each.batch / each.p50)


def test_what_each_form_takes_up(compressed: Bundle) -> None:
    found = {each.variant: each for each in footprints(compressed, "onnxruntime", 1)}
    assert found[FULL].file_bytes == len(compressed.model)
    assert found.keys() == {FULL, "int8"}


def test_the_processor_has_a_name() -> None:
    assert re.fullmatch(r"[^;\n]+; [\w ]+", processor())


def test_a_missing_engine_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "sightline.infer.runtimes.openvino", raising=False)
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(MissingExtra, match=re.escape("pip install 'sightline[openvino]'")):
        RUNTIMES.load("openvino")
