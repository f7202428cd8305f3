"""Whether two columns of names go together: effect size, chance, and many questions at once."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]
"""A contingency table ``[R, K]``: how many cases have row value r and column value k."""

DRAWS = 4_999
_FEWEST_EXCEEDANCES = 50
_CELLS_TOGETHER = 5_000_000


def contingency(rows: Sequence[str], columns: Sequence[str]) -> Counts:
    """Count the pairs of two equally long columns; values in sorted order, ``[R, K]``."""
    row_names, row = np.unique(np.asarray(rows, dtype=np.str_), return_inverse=True)
    column_names, column = np.unique(np.asarray(columns, dtype=np.str_), return_inverse=True)
    shape = (len(row_names), len(column_names))
    return np.bincount(row * shape[1] + column, minlength=shape[0] * shape[1]).reshape(shape).astype(np.int64)


def cramers_v(table: Counts) -> float:
    """Cramér's V freed of its bias, within [0, 1]: 0 for unrelated columns, 1 where one tells the other.

    The plain V grows with the number of cells even where nothing goes together; this one does not.
    A column with a single value goes with nothing: 0.

    Source: Bergsma, A bias-correction for Cramér's V and Tschuprow's T (2013).
    """
    table = _without_empty(table)
    rows, columns = table.shape
    cases = int(table.sum())
    if min(rows, columns) < 2 or cases < 2:
        return 0.0
    phi2 = max(0.0, _chi_square(table[None], table)[0] / cases - (rows - 1) * (columns - 1) / (cases - 1))
    narrower = min(side - (side - 1) ** 2 / (cases - 1) for side in (rows, columns))
    return float(min(1.0, np.sqrt(phi2 / (narrower - 1)))) if narrower > 1 else 0.0


def independence_p_value(table: Counts, *, draws: int = DRAWS, seed: int = 0) -> float:
    """The chance of a chi-square at least this large if the two columns had nothing to do with each other.

    A permutation test: tables with the same margins are drawn as shuffling one column would give them,
    so that small counts need no approximation. Drawing stops early once the answer is clearly "easily
    by chance" (Besag and Clifford 1991). The smallest value it can give is ``1 / (draws + 1)``.

    Args:
        table: counts ``[R, K]``.
        draws: at most so many tables.
        seed: of the draws; the same seed gives the same value.
    """
    table = _without_empty(table)
    if min(table.shape) < 2:
        return 1.0
    if table.shape[0] < table.shape[1]:
        table = table.T
    rng = np.random.default_rng(seed)
    seen = _chi_square(table[None], table)[0] * (1 - 1e-12)
    done = exceeding = 0
    for count in _batches(draws, table.size):
        exceeding += int((_chi_square(_shuffled(table, count, rng), table) >= seen).sum())
        done += count
        if exceeding >= _FEWEST_EXCEEDANCES:
            break
    return (exceeding + 1) / (done + 1)


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Each p-value corrected for having asked all of them; order kept.

    Rejecting where the corrected value is below α keeps the chance of any false rejection below α.

    Source: Holm, A simple sequentially rejective multiple test procedure (1979).
    """
    corrected = [0.0] * len(p_values)
    least = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        least = max(least, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = least
    return tuple(corrected)


def _batches(draws: int, cells: int) -> Iterator[int]:
    """A small batch first, which settles most questions; then as many tables as memory bears."""
    size = min(200, draws)
    while draws:
        size = max(1, min(size, draws, _CELLS_TOGETHER // cells))
        yield size
        draws -= size
        size = 1_000


def _without_empty(table: Counts) -> Counts:
    return np.ascontiguousarray(table[np.ix_(table.sum(axis=1) > 0, table.sum(axis=0) > 0)], dtype=np.int64)


def _chi_square(tables: Counts, margins_of: Counts) -> npt.NDArray[np.float64]:
    """Chi-square ``[B]`` of tables ``[B, R, K]`` that all have the margins of one table."""
    expected = np.outer(margins_of.sum(axis=1), margins_of.sum(axis=0)) / margins_of.sum()
    return np.asarray((np.square(tables - expected) / expected).sum(axis=(1, 2)), dtype=np.float64)


def _shuffled(table: Counts, count: int, rng: np.random.Generator) -> Counts:
    """``count`` tables ``[B, R, K]`` with the margins of ``table``, as shuffling a column gives them.

    Cell by cell: of the cases not yet placed, a hypergeometric number falls into this cell. The work
    depends on the number of cells and not on that of cases.
    """
    drawn = np.zeros((count, *table.shape), dtype=np.int64)
    left = np.tile(table.sum(axis=0), (count, 1))
    for row, wanted in enumerate(table.sum(axis=1)):
        open_places = np.full(count, wanted)
        rest = left.sum(axis=1)
        for column in range(table.shape[1]):
            rest -= left[:, column]
            taken = rng.hypergeometric(left[:, column], rest, open_places)
            drawn[:, row, column] = taken
            open_places -= taken
        left -= drawn[:, row]
    return drawn
