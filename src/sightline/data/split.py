"""Who learns from which picture: the split that a set brings is kept, the rest is drawn.

What must stay together forms a *unit*: pictures of one group and pictures that show exactly the same,
and whatever these chain together. Units are dealt one after the other, large ones first, each to the
part that is furthest behind its share, counted over all pictures, over those of the class and over
those of the class's cell (its ``--stratify-by`` columns). Counting shares of what has been dealt so
far, rather than of the end, spreads every class and cell evenly over the parts.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import NamedTuple

from sightline.errors import DatasetError
from sightline.values.dataset import SPLITS, Split

FRACTIONS: dict[Split, float] = {"train": 0.70, "val": 0.15, "test": 0.15}
ENOUGH: dict[Split, tuple[int, int]] = {"val": (2_000, 20), "test": (10_000, 50)}
"""Pictures, or pictures a class, beyond which a large set's share goes to ``train`` instead: 2,000 settle
a temperature and an early stop; 10,000 settle a difference of a third of a point."""

_SMALLEST_CELL = 3
_WHOLE = 0.1
"""Weight of the whole against a class: it decides only where classes do not."""
_NEEDED: tuple[Split, ...] = ("train", "test", "val")
"""A class with one unit is in the first, with two in the first two."""


@dataclass(frozen=True, slots=True)
class Card:
    """A picture as the split sees it.

    ``content`` is its file's SHA-256, from which chance comes; ``pixels`` is equal for pictures that show
    the same; ``group`` is None where it belongs to none; ``cell`` are the texts to spread evenly beside
    the ``label``; ``split`` is what the set itself says.
    """

    content: str
    label: str
    pixels: bytes | None = None
    group: tuple[str, ...] | None = None
    cell: tuple[str, ...] = ()
    split: Split | None = None


class Divided(NamedTuple):
    """The split of every card, in order, and where it comes from, in words."""

    splits: tuple[Split, ...]
    origin: str


class _Unit(NamedTuple):
    cards: tuple[int, ...]
    strata: Mapping[object, int]
    labels: frozenset[str]


def divide(
    cards: Sequence[Card],
    fractions: Mapping[Split, float] | None = None,
    seed: int = 0,
    least_groups: int = 0,
) -> Divided:
    """Keep the set's own split, cutting what it lacks from its ``train``; otherwise make one.

    The same pictures, labels, groups and seed give the same split, whatever the files are called.
    ``test`` is never touched: a missing ``val`` comes from ``train`` alone, and from those of its pictures
    that are in no other part.

    Args:
        cards: the pictures; either all or none of them with a ``split``.
        fractions: shares that add up to 1; else ``FRACTIONS`` held to ``ENOUGH``.
        seed: of the draw.
        least_groups: groups bind only where the pictures to draw from have at least so many, and where
            they can fill every part; 0 where somebody asked for them, so that they always bind.

    Raises:
        DatasetError: too few units to fill every part, or a set's own split without ``train``.
    """
    own = {card.split for card in cards if card.split is not None}
    if own and "train" not in own:
        raise DatasetError(
            f"the set's own split has no training pictures, only {' and '.join(sorted(own))}; "
            "add a train folder, or give the folder with the classes itself to have a split made"
        )
    missing: list[Split] = [split for split in SPLITS if split not in own]
    splits: list[Split] = [card.split or "train" for card in cards]
    if not missing:
        return Divided(tuple(splits), _origin(own, missing, cards, seed))
    kept = [card for card in cards if card.split not in (None, "train")]
    repeated = {key for card in kept for key in (card.content, card.pixels) if key is not None}
    # What the set's own val shows too must not become test, and the other way round: it stays in train.
    drawn = [
        index
        for index, card in enumerate(cards)
        if card.split in (None, "train") and repeated.isdisjoint((card.content, card.pixels))
    ]
    deck = [cards[index] for index in drawn]
    if not drawn:
        others = " and ".join(sorted(own - {"train"}))
        raise DatasetError(
            f"every training picture of the set's own split is in its {others} too, so no "
            f"{' and '.join(missing)} can be cut from train; give the set a list of its own for it"
        )
    parts: list[Split] = [split for split in SPLITS if split in missing or split == "train"]
    deck, dealt = _dealt(deck, _shares(deck, parts, fractions), seed, least_groups)
    for index, split in zip(drawn, dealt, strict=True):
        splits[index] = split
    return Divided(tuple(splits), _origin(own, missing, deck, seed))


def _dealt(
    deck: list[Card], shares: Mapping[Split, float], seed: int, least_groups: int
) -> tuple[list[Card], list[Split]]:
    """The cards with the groups that bound them, and their splits."""
    free = [replace(card, group=None) for card in deck]
    if len({card.group for card in deck} - {None}) < least_groups:
        deck = free
    try:
        return deck, _deal(deck, shares, seed)
    except DatasetError:
        if not least_groups or deck is free:
            raise
        return free, _deal(free, shares, seed)


def _origin(own: set[Split], missing: Sequence[Split], cards: Sequence[Card], seed: int) -> str:
    how = "stratified by class" + (" and columns" if any(card.cell for card in cards) else "")
    how += ", groups kept together" if any(card.group for card in cards) else ""
    if not own:
        return f"made: {how}, seed {seed}"
    kept = f"the set's own {', '.join(split for split in SPLITS if split in own)}"
    return f"{kept}; {' and '.join(missing)} cut from train, {how}, seed {seed}" if missing else kept


def _shares(
    cards: Sequence[Card], parts: Sequence[Split], fractions: Mapping[Split, float] | None
) -> dict[Split, float]:
    """What each part gets of ``cards``, adding up to 1."""
    wanted = fractions or FRACTIONS
    whole = sum(wanted[part] for part in parts)
    shares = {part: wanted[part] / whole for part in parts}
    if fractions is None:
        classes = len({card.label for card in cards})
        for part, (pictures, each) in ENOUGH.items():
            if part in shares:
                shares[part] = min(shares[part], max(pictures, each * classes) / len(cards))
        shares["train"] = 1 - sum(share for part, share in shares.items() if part != "train")
    return shares


def _deal(cards: Sequence[Card], shares: Mapping[Split, float], seed: int) -> list[Split]:
    units = _units(cards, seed)
    tally = _Tally(shares, units)
    splits: list[Split] = ["train"] * len(cards)
    for unit in units:
        split = tally.deal(unit)
        for index in unit.cards:
            splits[index] = split
    empty = [part for part in shares if part not in splits]
    if empty:
        grouped = any(card.group for card in cards)
        what = "groups of pictures that must stay together," if grouped else "different pictures"
        way = "or group by a column with more values" if grouped else "or take fewer classes"
        classes = len({card.label for card in cards})
        raise DatasetError(
            f"{len(units)} {what} of {classes} classes leave {' and '.join(empty)} empty; add pictures {way}"
        )
    return splits


class _Tally:
    """How many pictures of every stratum each part has, and which parts a class still waits to be in."""

    def __init__(self, shares: Mapping[Split, float], units: Sequence[_Unit]) -> None:
        self.shares = shares
        self.have: defaultdict[object, dict[Split, int]] = defaultdict(lambda: dict.fromkeys(shares, 0))
        self.seen: Counter[object] = Counter()
        self.left: Counter[object] = Counter(label for unit in units for label in unit.labels)
        self.left[None] = len(units)
        order = [part for part in _NEEDED if part in shares]
        self.waiting = {label: order[: min(count, len(order))] for label, count in self.left.items()}

    def deal(self, unit: _Unit) -> Split:
        """The part that this unit goes to."""
        for stratum, count in unit.strata.items():
            self.seen[stratum] += count
        parts = self._parts(unit)
        split = min(parts, key=lambda part: self._excess(unit, part))
        for stratum, count in unit.strata.items():
            self.have[stratum][split] += count
        for label in (None, *unit.labels):
            self.left[label] -= 1
            if split in self.waiting[label]:
                self.waiting[label].remove(split)
        return split

    def _parts(self, unit: _Unit) -> Sequence[Split]:
        """Any part, unless a class (or, for None, the whole) has no more units left than parts to be in."""
        pressed = [
            self.waiting[label]
            for label in (None, *sorted(unit.labels))
            if self.waiting[label] and self.left[label] <= len(self.waiting[label])
        ]
        return min(pressed, key=lambda waiting: "train" not in waiting) if pressed else tuple(self.shares)

    def _excess(self, unit: _Unit, part: Split) -> float:
        """How far this part is above its share in the unit's strata; the least squares of all parts."""
        share = self.shares[part]
        return sum(
            (_WHOLE if stratum is None else 1.0)
            * count
            * (self.have[stratum][part] - share * self.seen[stratum])
            for stratum, count in unit.strata.items()
        )


def _units(cards: Sequence[Card], seed: int) -> list[_Unit]:
    """What must stay together, in the order of dealing: large first, then by class, cell and chance."""
    large_enough = {
        key
        for key, count in Counter((c.label, c.cell) for c in cards if c.cell).items()
        if count >= _SMALLEST_CELL
    }
    shared: dict[tuple[tuple[str, tuple[str, ...]], ...], tuple[Mapping[object, int], frozenset[str]]] = {}
    units: list[tuple[object, _Unit]] = []
    for members in _together(cards):
        kinds = tuple(sorted((cards[index].label, cards[index].cell) for index in members))
        if kinds not in shared:
            shared[kinds] = _strata(kinds, large_enough), frozenset(label for label, _ in kinds)
        chance = min(
            hashlib.blake2b(cards[i].content.encode(), digest_size=8, key=b"%d" % seed).digest()
            for i in members
        )
        units.append(((-len(members), kinds[0], chance), _Unit(tuple(members), *shared[kinds])))
    units.sort(key=itemgetter(0))
    return [unit for _, unit in units]


def _strata(
    kinds: Iterable[tuple[str, tuple[str, ...]]], large_enough: set[tuple[str, tuple[str, ...]]]
) -> Mapping[object, int]:
    """Pictures of the whole (None), of each class, and of each of its cells that is large enough."""
    strata: Counter[object] = Counter()
    for label, cell in kinds:
        strata.update((None, label))
        if (label, cell) in large_enough:
            strata[label, cell] += 1
    return strata


def _together(cards: Sequence[Card]) -> list[list[int]]:
    """Indices of cards in sets that share pixels or a group, directly or over others."""
    parent = list(range(len(cards)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = index = parent[parent[index]]
        return index

    first: dict[object, int] = {}
    for index, card in enumerate(cards):
        for key in (card.content, card.pixels, card.group):
            if key is not None:
                parent[root(index)] = root(first.setdefault(key, index))
    sets: dict[int, list[int]] = {}
    for index in range(len(cards)):
        sets.setdefault(root(index), []).append(index)
    return list(sets.values())
