import io
import zipfile
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from sightline.bundle.archive import pack, unpack
from sightline.bundle.reference import Reference, read_reference, write_reference
from sightline.errors import BundleError

NAMES = ("scores", "embeddings", "statistics", "truth", "columns")
LIMITS = {f"{name}.npy": 1 << 20 for name in NAMES}


def with_array(data: bytes, name: str, npy: bytes) -> bytes:
    return pack({**unpack(data, LIMITS), f"{name}.npy": npy}, LIMITS)


def npy(array: npt.NDArray[np.generic], allow_pickle: bool = False) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=allow_pickle)
    return file.getvalue()


def test_round_trip(reference: Reference) -> None:
    found = read_reference(write_reference(reference))
    for name in ("scores", "embeddings", "statistics", "truth"):
        wanted, got = getattr(reference, name), getattr(found, name)
        assert wanted.dtype == got.dtype
        assert np.array_equal(wanted, got)
    assert found.columns == reference.columns
    assert len(found) == 4


def test_the_same_numbers_give_the_same_bytes(reference: Reference) -> None:
    turned = replace(
        reference, scores=np.asfortranarray(reference.scores).astype(np.float64).astype(np.float32)
    )
    assert write_reference(turned) == write_reference(reference)


def test_numpy_opens_it(reference: Reference) -> None:
    with np.load(io.BytesIO(write_reference(reference)), allow_pickle=False) as opened:
        assert np.array_equal(opened["scores"], reference.scores)


def test_it_may_be_empty() -> None:
    none = np.zeros((0, 3), np.float32)
    empty = Reference(none, none, none[:, :0], np.zeros(0, np.int64), ())
    found = read_reference(write_reference(empty))
    assert found.scores.shape == (0, 3)
    assert found.columns == ()


def test_arrays_cannot_be_changed(reference: Reference) -> None:
    found = read_reference(write_reference(reference))
    with pytest.raises(ValueError, match="read-only"):
        found.scores[0, 0] = 1


def test_a_pickle_is_refused(reference: Reference) -> None:
    data = write_reference(reference)
    evil = npy(np.array([[print]], dtype=object), allow_pickle=True)
    with pytest.raises(BundleError, match=r"scores\.npy is not a plain"):
        read_reference(with_array(data, "scores", evil))


def header(shape: str, dtype: str = "'<f4'") -> bytes:
    text = f"{{'descr': {dtype}, 'fortran_order': False, 'shape': {shape}, }}"
    text += " " * (63 - (len(text) + 10) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


@pytest.mark.parametrize(
    "forged",
    [
        b"",
        b"\x93NUMPY",
        b"\x93NUMPY\x01\x00\xff\xff",
        header("(4, 1000000000000)"),
        header("(9223372036854775807, 9223372036854775807, 4)"),
        header("(99999999999999999999999999, 1)"),
        header("(-1, -4)") + bytes(16),
        header("(4, 3)") + bytes(47),
        header("(4, 3)") + bytes(49),
        header("(4, 3)", "'<f8'") + bytes(96),
        header("(4, 3)", "'>f4'") + bytes(48),
        header("(4, 3)", "'|O'") + bytes(48),
        header("(" * 200 + ")" * 200),
        header("(4, 3), 'more': 1") + bytes(48),
        header("(True, 3)") + bytes(12),
        header("(__import__('os'), 3)") + bytes(48),
        npy(np.asfortranarray(np.zeros((4, 3), np.float32))),
        npy(np.zeros(12, np.float32)),
        npy(np.full((4, 3), np.nan, np.float32)),
        npy(np.zeros((5, 3), np.float32)),
    ],
)
def test_forged_arrays_are_refused(reference: Reference, forged: bytes) -> None:
    with pytest.raises(BundleError, match="scores") as caught:
        read_reference(with_array(write_reference(reference), "scores", forged))
    assert "\n" not in str(caught.value)


def test_any_other_zip_is_refused(reference: Reference) -> None:
    file = io.BytesIO()
    np.savez_compressed(file, scores=np.zeros(9))
    with pytest.raises(BundleError, match=r"scores\.npy"):
        read_reference(file.getvalue())
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("evil.npy", b"")
    with pytest.raises(BundleError):
        read_reference(file.getvalue())


def test_names_that_are_not_text(reference: Reference) -> None:
    forged = with_array(write_reference(reference), "columns", npy(np.array([0xFF, 0xFE], np.uint8)))
    with pytest.raises(BundleError, match="not text"):
        read_reference(forged)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"scores": np.zeros((3, 3), np.float32)}, r"scores must be \[4, columns\], got \[3, 3\]"),
        ({"embeddings": np.zeros(4, np.float32)}, "embeddings must be"),
        ({"embeddings": np.full((4, 5), np.inf, np.float32)}, "not finite"),
        ({"truth": np.array([0, 1, 2, 3])}, "not a class"),
        ({"truth": np.array([0, 1, 2, -2])}, "not a class"),
        ({"truth": np.zeros((4, 1), np.int64)}, r"truth must be \[N\]"),
        ({"columns": ("one",)}, "2 statistics have 1 names"),
    ],
)
def test_arrays_must_go_together(reference: Reference, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(BundleError, match=words):
        replace(reference, **changes)
