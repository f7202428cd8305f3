"""A strange model is first run by a process that may die."""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from sightline.errors import BundleError
from sightline.infer import killable, trial
from sightline.infer.predictor import Predictor
from sightline.infer.trial import Trial, try_out
from sightline.values.image import Size
from sightline.values.prediction import Prediction
from sightline.values.release import Bundle

ON_TWO = Trial("onnxruntime", threads=1, batch=2, size=Size(8, 8))


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SIGHTLINE_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache" / "tried"


def test_a_good_model_is_tried_once(
    model: Callable[..., bytes], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    try_out(model(), ON_TWO)
    assert len(list(cache.iterdir())) == 1
    monkeypatch.setattr(trial, "_run", lambda *_: pytest.fail("it was tried again"))
    try_out(model(), ON_TWO)
    with pytest.raises(pytest.fail.Exception, match="tried again"):
        try_out(model(scale=0.1), ON_TWO)


def test_where_nothing_can_be_noted_it_is_tried_each_time(
    model: Callable[..., bytes], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.parent.mkdir()
    cache.write_text("not a folder")
    runs = []
    monkeypatch.setattr(trial, "_run", lambda *asked: runs.append(asked))
    try_out(model(), ON_TWO)
    try_out(model(), ON_TWO)
    assert len(runs) == 2


def test_what_the_engine_refuses_is_refused_in_its_words(cache: Path) -> None:
    with pytest.raises(BundleError, match="ONNX Runtime cannot load the model"):
        try_out(b"no model", ON_TWO)
    assert not cache.exists()


def test_a_model_that_takes_all_memory_is_refused(hungry: bytes, bundle: Callable[..., Bundle]) -> None:
    with pytest.raises(BundleError, match=r"^colours@3 is refused: .*(alloc|memory|GB)"):
        Predictor(bundle(model=hungry), threads=1)


def test_a_model_that_never_ends_is_ended(endless: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "_SECONDS", 2.0)
    with pytest.raises(BundleError, match="took more than 2 s of the processor"):
        try_out(endless, ON_TWO)


def test_a_process_that_ends_without_an_answer_is_a_refusal(
    model: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(killable, "_START", f"import os; os.kill(os.getpid(), {int(signal.SIGSEGV)})")
    with pytest.raises(BundleError, match="SIGSEGV"):
        try_out(model(), ON_TWO)
    monkeypatch.setattr(killable, "_START", "import time; time.sleep(60)")
    monkeypatch.setattr(killable, "_PATIENCE", 0.05)
    with pytest.raises(BundleError, match="did not end in time"):
        try_out(model(), ON_TWO)


def test_predictions_come_as_ever(
    bundle: Callable[..., Bundle], plain: Callable[..., bytes], cache: Path
) -> None:
    (answer,) = Predictor(bundle(), threads=1).predict([("red", plain((200, 10, 20)))])
    assert isinstance(answer, Prediction)
    assert answer.labels[0].label == "red"
    assert len(list(cache.iterdir())) == 1
