"""The search for layers to keep, over a model whose losses are known."""

from collections.abc import Collection
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.export.search import MOST_KEPT, Found, fewest_kept


@dataclass
class Known:
    """A model in which each compressed layer costs its own loss; a file is the layers that it keeps."""

    costs: tuple[float, ...]
    measured: list[int] = field(default_factory=list)
    ranked: list[tuple[int, int]] = field(default_factory=list)
    room: tuple[int, ...] = ()

    @property
    def layers(self) -> tuple[str, ...]:
        return tuple(f"layer{number}" for number in range(len(self.costs)))

    @property
    def sizes(self) -> dict[str, int]:
        return dict(zip(self.layers, self.room or (1,) * len(self.costs), strict=True))

    def compressed(self, kept: Collection[str]) -> bytes:
        return ",".join(sorted(kept)).encode()

    def harm(self, model: bytes) -> float:
        kept = model.decode().split(",")
        return sum(cost for name, cost in zip(self.layers, self.costs, strict=True) if name not in kept)

    def loss(self, model: bytes) -> float:
        self.measured.append(len([name for name in model.decode().split(",") if name]))
        return self.harm(model)

    def found(self, allowed: float) -> Found:
        return fewest_kept(
            self, self.loss, self.harm, allowed, lambda done, total: self.ranked.append((done, total))
        )


def test_nothing_is_ranked_where_nothing_has_to_be_kept() -> None:
    known = Known((0.001,) * 20)
    assert known.found(0.1).kept == ()
    assert known.measured == [0]
    assert known.ranked == []


def test_the_most_harmful_layers_are_kept_and_no_more() -> None:
    known = Known((0.0, 0.5, 0.0, 0.3, 0.0, 0.2, 0.001, 0.0))
    found = known.found(0.01)
    assert set(found.kept) == {"layer1", "layer3", "layer5"}
    assert found.kept[0] == "layer1"
    assert found.loss == pytest.approx(0.001)
    assert found.model == known.compressed(found.kept)
    assert known.ranked[-1] == (8, 8)


def test_a_layer_that_costs_much_time_is_kept_last() -> None:
    known = Known((0.3, 0.2, 0.2, 0.0, 0.0, 0.0), room=(1000, 10, 10, 1, 1, 1))
    assert set(known.found(0.3).kept) == {"layer1", "layer2"}
    assert set(known.found(0.1).kept) == {"layer0", "layer1", "layer2"}


def test_half_of_the_layers_is_the_most() -> None:
    known = Known((0.1,) * 10)
    found = known.found(0.01)
    assert len(found.kept) == MOST_KEPT * 10
    assert found.loss > 0.01
    assert len(Known((0.5,)).found(0.1).kept) == 0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60), st.floats(0, 5))
def test_what_is_found_holds_where_anything_does(costs: list[float], allowed: float) -> None:
    known = Known(tuple(costs))
    found = known.found(allowed)
    worst_first = sorted(costs, reverse=True)
    most = int(MOST_KEPT * len(costs))
    needed = [n for n in range(most + 1) if sum(worst_first[n:]) <= allowed - 1e-9]
    if needed:
        assert found.loss <= allowed
        assert len(found.kept) <= needed[0]
    assert len(known.measured) <= 14
