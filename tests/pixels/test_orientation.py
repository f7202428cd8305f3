import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.pixels.orientation import TURNS, UPRIGHT, Turn, turn_of_exif
from sightline.values.image import Size


def exif(order: str, kind: int, value: bytes, tag: int = 0x0112) -> bytes:
    """A block with two entries, the orientation second."""
    mark = b"II*\0" if order == "<" else b"MM\0*"
    first = struct.pack(f"{order}HHI4s", 0x0100, 4, 1, b"")
    return mark + struct.pack(f"{order}IH", 8, 2) + first + struct.pack(f"{order}HHI4s", tag, kind, 1, value)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("prefix", [b"", b"Exif\0\0"])
def test_reads_both_byte_orders_and_both_integer_types(orientation: int, order: str, prefix: bytes) -> None:
    short, long = struct.pack(f"{order}H", orientation), struct.pack(f"{order}I", orientation)
    assert turn_of_exif(prefix + exif(order, 3, short)) == TURNS[orientation]
    assert turn_of_exif(prefix + exif(order, 4, long)) == TURNS[orientation]


def test_no_orientation_or_a_wrong_one_leaves_the_picture() -> None:
    assert turn_of_exif(exif("<", 3, b"\x06\0", tag=0x0113)) == UPRIGHT
    assert turn_of_exif(exif("<", 3, b"\x09\0")) == UPRIGHT
    assert turn_of_exif(exif("<", 2, b"\x06\0")) == UPRIGHT


@given(st.binary(max_size=80))
def test_any_bytes_are_read_without_raising(data: bytes) -> None:
    turn_of_exif(data)
    turn_of_exif(b"II*\0" + data)


@pytest.mark.parametrize("turn", TURNS.values(), ids=str)
def test_a_region_turns_with_its_pixels(turn: Turn) -> None:
    pixels = np.zeros((5, 8, 3), dtype=np.uint8)
    pixels[1:3, 4:7] = 255
    turned, size = turn.pixels(pixels), turn.size(Size(8, 5))
    left, top, right, bottom = (int(edge) for edge in turn.region((4, 1, 7, 3), Size(8, 5)))
    assert turned.shape == (size.height, size.width, 3)
    assert turned.flags.c_contiguous
    assert (turned[top:bottom, left:right] == 255).all()
    assert turned.sum() == pixels.sum()
