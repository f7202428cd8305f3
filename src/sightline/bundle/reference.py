"""``reference.npz``: what monitoring compares a live model against.

Scores, embeddings and picture statistics of pictures that were never trained on. It is an ordinary
``.npz``, so numpy opens it anywhere, but written in one canonical form and read by a reader of our
own: ``numpy.load`` would believe the shape that a header claims and, asked to, run a pickle.
"""

import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from tokenize import TokenError
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from sightline.bundle.archive import Buffer, pack, unpack
from sightline.errors import BundleError, DamagedBundle

_MOST_BYTES = 256 << 20
_DTYPES: Mapping[str, str] = MappingProxyType(
    {"scores": "<f4", "embeddings": "<f4", "statistics": "<f4", "truth": "<i8", "columns": "|u1"}
)
_MEMBERS: Mapping[str, int] = MappingProxyType({f"{name}.npy": _MOST_BYTES for name in _DTYPES})


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """``N`` pictures that were never trained on.

    ``scores`` float32 ``[N, C]`` in the order of the classes: a classifier's probabilities, or the highest
    score that a detector gave to each class in the picture, 0 for none; ``embeddings`` float32 ``[N, D]``,
    ``statistics`` float32 ``[N, S]`` with the names of the S columns in ``columns``, and ``truth`` int64
    ``[N]``, the index of the true class, -1 where it is unknown or not a single one. All are finite.
    """

    scores: npt.NDArray[np.float32]
    embeddings: npt.NDArray[np.float32]
    statistics: npt.NDArray[np.float32]
    truth: npt.NDArray[np.int64]
    columns: tuple[str, ...]

    def __post_init__(self) -> None:
        tables = {"scores": self.scores, "embeddings": self.embeddings, "statistics": self.statistics}
        rows = len(self.truth)
        for name, table in tables.items():
            if table.ndim != 2 or len(table) != rows:
                raise BundleError(f"reference: {name} must be [{rows}, columns], got {list(table.shape)}")
            if not np.isfinite(table).all():
                raise BundleError(f"reference: {name} has numbers that are not finite")
        if self.truth.ndim != 1:
            raise BundleError(f"reference: truth must be [N], got {list(self.truth.shape)}")
        if len(self.truth) and not -1 <= self.truth.min() <= self.truth.max() < self.scores.shape[1]:
            raise BundleError("reference: truth has a number that is not a class")
        if self.statistics.shape[1] != len(self.columns):
            raise BundleError(
                f"reference: {self.statistics.shape[1]} statistics have {len(self.columns)} names"
            )

    def __len__(self) -> int:
        return len(self.truth)


def write_reference(reference: Reference) -> bytes:
    """The one ``.npz`` of ``reference``; the same numbers give the same bytes.

    Raises:
        BundleError: an array is larger than a bundle may hold.
    """
    columns = "\n".join(reference.columns).encode()
    arrays: dict[str, npt.NDArray[np.generic]] = {
        "scores": reference.scores,
        "embeddings": reference.embeddings,
        "statistics": reference.statistics,
        "truth": reference.truth,
        "columns": np.frombuffer(columns, np.uint8),
    }
    return pack({f"{name}.npy": _npy(array, _DTYPES[name]) for name, array in arrays.items()}, _MEMBERS)


def read_reference(data: Buffer) -> Reference:
    """The reference in ``data``; the arrays are views of verified bytes and cannot be written to.

    Raises:
        BundleError: not what ``write_reference`` writes.
    """
    arrays = {
        name.removesuffix(".npy"): _read_npy(name, payload)
        for name, payload in unpack(data, _MEMBERS).items()
    }
    try:
        text = arrays["columns"].tobytes().decode()
    except UnicodeDecodeError as error:
        raise DamagedBundle("reference: the names of the statistics are not text") from error
    return Reference(
        arrays["scores"].view(np.float32),
        arrays["embeddings"].view(np.float32),
        arrays["statistics"].view(np.float32),
        arrays["truth"].view(np.int64),
        tuple(text.split("\n")) if text else (),
    )


def _npy(array: npt.NDArray[np.generic], dtype: str) -> bytes:
    plain = np.ascontiguousarray(array, dtype=dtype)
    return _header(plain.shape, dtype) + plain.tobytes()


def _header(shape: tuple[int, ...], dtype: str) -> bytes:
    text = io.BytesIO()
    np.lib.format.write_array_header_1_0(text, {"descr": dtype, "fortran_order": False, "shape": shape})
    return text.getvalue()


def _read_npy(name: str, payload: bytes) -> npt.NDArray[np.generic]:
    """The array in ``payload``, whose header must be the one that numpy writes for its shape and type."""
    dtype = _DTYPES[name.removesuffix(".npy")]
    file = io.BytesIO(payload)
    try:
        np.lib.format.read_magic(file)
        claimed, _, _ = np.lib.format.read_array_header_1_0(file, max_header_size=1024)
        shape = tuple(int(length) for length in claimed)
        header = _header(shape, dtype)
    except (ValueError, TypeError, SyntaxError, OverflowError, TokenError) as error:
        raise DamagedBundle(f"reference: {name} is not a plain array") from error
    # Compared with Python's whole numbers, which cannot overflow, and before anything is allocated.
    length = len(header) + math.prod(shape) * np.dtype(dtype).itemsize
    if not payload.startswith(header) or len(payload) != length or min(shape, default=0) < 0:
        raise DamagedBundle(f"reference: {name} is not a plain {dtype} array of the size that it claims")
    return np.frombuffer(payload, dtype, offset=len(header)).reshape(shape)
