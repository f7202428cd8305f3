"""Pictures that a classifier answered, beside their truth: what its metrics are a function of."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Classified:
    """Class numbers ``truth`` ``[N]`` and ``probabilities`` ``[N, C]``, whose rows sum to 1."""

    truth: Labels
    probabilities: Floats

    def __post_init__(self) -> None:
        if self.probabilities.ndim != 2 or self.probabilities.shape[:1] != self.truth.shape:
            raise ValueError(
                f"not the same pictures: truth {self.truth.shape}, probabilities {self.probabilities.shape}"
            )

    @classmethod
    def of(cls, truth: Labels, probabilities: npt.ArrayLike) -> Self:
        """From probabilities of any precision."""
        return cls(truth, np.asarray(probabilities, np.float64))

    @property
    def pictures(self) -> int:
        """How many there are, N."""
        return self.truth.size

    def same_pictures(self, other: Self) -> bool:
        """Whether the other's answers are to the same pictures, in the same classes."""
        return self.probabilities.shape == other.probabilities.shape and np.array_equal(
            self.truth, other.truth
        )
