"""The loop: it learns, it is reproducible, it resumes, and it stops for a reason."""

from dataclasses import replace
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from sightline.errors import Interrupted, NotFinite, StorageError, TrainingError
from sightline.train import planning
from sightline.train.arch import ARCHITECTURES
from sightline.train.arch.base import Network
from sightline.train.augmentation import Augmenter, Drawn
from sightline.train.checkpoint import load_checkpoint
from sightline.train.optimiser import Work
from sightline.train.planning import epochs_for
from sightline.train.recipes import refitting
from sightline.train.trainer import Watch, train
from sightline.train.validating import answer
from sightline.train.weights import weights_digest
from sightline.values.evaluation import Checkpoint, Epoch
from sightline.values.image import Size
from train_bench import Bench, make_bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return make_bench(tmp_path)


def fresh(width: int = 8) -> Network:
    torch.manual_seed(1)
    return ARCHITECTURES.load("small_resnet").build(str(width), 2)


def run(
    bench: Bench, folder: Path, watch: Watch | None = None, resume: bool = False
) -> tuple[Network, Checkpoint]:
    folder.mkdir(exist_ok=True)
    # PyTorch 2.13 dies on processors with AVX-512 in the gradient of a strided 1 x 1 convolution of 8
    # channels over 64 pixels.
    network = fresh(8 if bench.loaders.train.size.width < 64 else 16)
    return network, train(network, bench.loaders, bench.recipe, folder, watch or Watch(), resume)


def test_it_learns_to_tell_dark_from_bright(tmp_path: Path) -> None:
    bench = make_bench(tmp_path, epochs=6, learning_rate=0.01)
    network, checkpoint = run(bench, tmp_path / "run")
    assert checkpoint.history[-1].train_loss < checkpoint.history[0].train_loss
    answers = answer(network, bench.loaders.val)
    assert (answers.logits.argmax(1) == answers.targets).mean() > 0.9
    assert answers.embeddings.shape == (len(answers.targets), 64)
    assert list((tmp_path / "run" / "tensorboard").iterdir())


def test_the_same_recipe_gives_the_same_weights(bench: Bench, tmp_path: Path) -> None:
    first, second = (run(bench, tmp_path / name)[0] for name in ("one", "two"))
    other = run(replace_recipe(bench, seed=9), tmp_path / "three")[0]
    assert weights_digest(first) == weights_digest(second) != weights_digest(other)


def test_an_interrupted_run_resumes_to_the_same_weights(bench: Bench, tmp_path: Path) -> None:
    whole, _ = run(bench, tmp_path / "whole")

    def stop(epoch: Epoch) -> None:
        if epoch.number == 2:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted, match=r"after 2 of 3 epochs.*--resume"):
        run(bench, tmp_path / "parts", Watch(epoch=stop))
    resumed, checkpoint = run(bench, tmp_path / "parts", resume=True)
    assert [epoch.number for epoch in checkpoint.history] == [1, 2, 3]
    assert weights_digest(resumed) == weights_digest(whole)


def test_a_loss_that_is_no_number_names_the_batch(tmp_path: Path) -> None:
    bench = make_bench(tmp_path, learning_rate=1e30)
    with pytest.raises(NotFinite, match=r"epoch \d.*'\d+\.png'.*--learning-rate"):
        run(bench, tmp_path / "run")


@pytest.mark.parametrize(("half_size", "refit"), [(0.0, 0.0), (0.8, 1 / 3)])
def test_planned_epochs_fit_the_minutes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, half_size: float, refit: float
) -> None:
    """On a clock by which a step takes a second, of whatever size."""
    ticks = count()
    monkeypatch.setattr(planning, "time", SimpleNamespace(monotonic=lambda: float(next(ticks))))
    bench = make_bench(tmp_path, side=64, half_size=half_size, refit=refit)
    steps = len(bench.loaders.train)
    for minutes in (0.5, 1, 3, 10):
        epochs = epochs_for(minutes, fresh(16), bench.loaders, bench.recipe)
        sized = replace(bench.recipe, epochs=epochs)
        least = steps * (epochs + sized.refit_epochs)
        assert epochs == 1 or least <= 60 * minutes
        assert least > 20 * minutes


def test_no_time_is_measured_on_no_pictures(bench: Bench) -> None:
    nothing = replace(bench.loaders.train, indices=bench.loaders.train.indices[:0])
    with pytest.raises(TrainingError, match="no training pictures"):
        epochs_for(1, fresh(), replace(bench.loaders, train=nothing), bench.recipe)


def test_a_frozen_backbone_stays_as_it_was(tmp_path: Path) -> None:
    bench = make_bench(tmp_path, backbone_rate=0.0, epochs=2)
    before = {name: value.clone() for name, value in fresh().body.state_dict().items()}
    network, _ = run(bench, tmp_path / "run")
    changed = {
        name for name, value in network.body.state_dict().items() if not torch.equal(value, before[name])
    }
    assert changed == {"classifier.weight", "classifier.bias"}


def test_frozen_statistics_stay_and_weights_learn(tmp_path: Path) -> None:
    bench = make_bench(tmp_path, frozen_statistics=True, epochs=1)
    before = {name: value.clone() for name, value in fresh().body.state_dict().items()}
    network, _ = run(bench, tmp_path / "run")
    after = network.body.state_dict()
    running = {name for name in after if "running" in name}
    assert running
    assert all(torch.equal(after[name], before[name]) for name in running)
    learned = [name for name in after if name.endswith("weight")]
    assert not any(torch.equal(after[name], before[name]) for name in learned)


def test_it_stops_early_without_progress(tmp_path: Path) -> None:
    bench = make_bench(tmp_path, epochs=12, patience=1, learning_rate=1e-12)
    _, checkpoint = run(bench, tmp_path / "run")
    assert len(checkpoint.history) < 12


@pytest.fixture
def timed_briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sightline.train.planning._TIMED_SECONDS", 0.3)


@pytest.mark.usefixtures("timed_briefly")
def test_minutes_become_epochs_and_the_network_stays_as_it_was(bench: Bench) -> None:
    network = fresh()
    digest = weights_digest(network)
    assert (
        1
        <= epochs_for(0.02, network, bench.loaders, bench.recipe)
        <= epochs_for(2.0, network, bench.loaders, bench.recipe)
    )
    assert weights_digest(network) == digest


@pytest.mark.usefixtures("timed_briefly")
def test_a_plan_counts_both_sizes(tmp_path: Path) -> None:
    bench = make_bench(tmp_path, count=8, side=64, half_size=0.8)
    assert epochs_for(1.0, fresh(16), bench.loaders, bench.recipe) >= 1


def test_a_checkpoint_of_another_network_is_refused(bench: Bench, tmp_path: Path) -> None:
    _, checkpoint = run(bench, tmp_path / "run")
    with pytest.raises(TrainingError, match=r"best\.safetensors"):
        load_checkpoint(checkpoint.path, ARCHITECTURES.load("small_resnet").build("16", 2))
    checkpoint.path.write_bytes(checkpoint.path.read_bytes()[:100])
    with pytest.raises(TrainingError, match=r"best\.safetensors"):
        load_checkpoint(checkpoint.path, fresh())


def test_a_folder_that_takes_no_checkpoint_is_said(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "run" / "best.safetensors").mkdir(parents=True)
    with pytest.raises(StorageError, match=r"best\.safetensors"):
        run(bench, tmp_path / "run")


def test_batches_are_the_same_with_and_without_a_cache(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    cached, uncached = make_bench(tmp_path / "a"), make_bench(tmp_path / "b", limit_bytes=16 * 16 * 3 * 5)
    assert "all" in cached.source.note
    assert "5 of 48" in uncached.source.note
    pairs = zip(cached.loaders.train.shuffled(0, 1), uncached.loaders.train.shuffled(0, 1), strict=True)
    for one, other in pairs:
        assert torch.equal(one.images, other.images)
        assert np.array_equal(one.indices, other.indices)


def replace_recipe(bench: Bench, **changes: object) -> Bench:
    return replace(bench, recipe=replace(bench.recipe, **changes), loaders=bench.loaders)  # type: ignore[arg-type]


def test_the_first_epochs_learn_from_half_the_size_and_resume_there(tmp_path: Path) -> None:
    bench = make_bench(tmp_path, side=64, half_size=0.5, epochs=4)
    sides: list[int] = []

    def look(network: torch.nn.Module, given: tuple[torch.Tensor]) -> None:
        sides.append(given[0].shape[-1])

    whole = fresh(16)
    whole.register_forward_pre_hook(look)
    (tmp_path / "whole").mkdir()
    train(whole, bench.loaders, bench.recipe, tmp_path / "whole", Watch(), resume=False)
    batches = len(bench.loaders.train) + len(bench.loaders.val)
    assert sides == [32] * 2 * batches + [64] * 2 * batches

    def stop(epoch: Epoch) -> None:
        if epoch.number == 1:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted):
        run(bench, tmp_path / "parts", Watch(epoch=stop))
    resumed, _ = run(bench, tmp_path / "parts", resume=True)
    assert weights_digest(resumed) == weights_digest(whole)


def test_an_epoch_at_full_size_is_kept_whatever_was_found_at_half(tmp_path: Path) -> None:
    bench = make_bench(tmp_path, side=64, half_size=0.5, epochs=8, patience=1, learning_rate=1e-12)
    _, checkpoint = run(bench, tmp_path / "run")
    assert 4 < len(checkpoint.history) < 8
    assert checkpoint.best_epoch >= 5


def test_scale_and_mosaic_belong_to_the_epochs_at_half_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = make_bench(
        tmp_path, side=64, half_size=0.5, epochs=4, refit=0.5, augment={"scale": 0.2, "flip": 0.5}
    )
    drawn: list[tuple[int, list[float]]] = []
    draw = Augmenter.draw

    def noted(self: Augmenter, count: int, size: Size, dice: torch.Generator) -> Drawn:
        drawn.append((size.width, [amount for _, amount in self.steps]))
        return draw(self, count, size, dice)

    monkeypatch.setattr(Augmenter, "draw", noted)
    run(bench, tmp_path / "run")
    assert [amounts for width, amounts in drawn if width == 32] == [[0.5, 0.2]] * (len(drawn) // 2)
    assert [amounts for width, amounts in drawn if width == 64] == [[0.5]] * (len(drawn) // 2)
    with_mosaic = replace(bench.recipe, augment={"scale": 0.2, "mosaic": 0.4, "flip": 0.5})
    assert refitting(bench.recipe).augment == with_mosaic.augment_at_full_size == {"flip": 0.5}
    whole = replace(bench.recipe, half_size=0.0)
    assert whole.augment_at_full_size == refitting(whole).augment == whole.augment


def test_work_counts_a_step_at_half_size_as_a_quarter(bench: Bench) -> None:
    work = Work(replace(bench.recipe, epochs=10, half_size=0.8), steps_an_epoch=5)
    assert [work.before(step) for step in (0, 1, 40, 41, 50)] == [0, 0.25, 10, 11, 20]
    assert work.total == 20


@pytest.mark.parametrize(("epochs", "share", "more"), [(0, 0.5, 0), (1, 0.1, 1), (30, 1 / 3, 10), (4, 0, 0)])
def test_a_share_of_the_epochs_learns_from_validation_too(
    bench: Bench, epochs: int, share: float, more: int
) -> None:
    recipe = replace(bench.recipe, epochs=epochs, refit=share, half_size=0.5, patience=3)
    assert recipe.refit_epochs == more
    again = refitting(recipe)
    assert (again.epochs, again.half_size_epochs, again.refit_epochs, again.patience) == (more, 0, 0, 0)
    assert again.learning_rate == recipe.learning_rate / 2


@pytest.mark.parametrize(("epochs", "share", "half"), [(1, 0.9, 0), (5, 0.8, 4), (10, 0.7, 7), (3, 0.99, 2)])
def test_some_epoch_is_at_full_size(bench: Bench, epochs: int, share: float, half: int) -> None:
    assert replace(bench.recipe, epochs=epochs, half_size=share).half_size_epochs == half
