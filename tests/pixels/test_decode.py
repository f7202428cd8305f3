import io
import os
import struct
import threading
import time
import warnings
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from sightline.pixels.decode import EXTENSIONS, MAX_PIXELS, Header, decode, probe
from sightline.pixels.jpeg import MAX_SCANS
from sightline.pixels.pnm import open_pnm
from sightline.values.image import Picture, Pixels, Size, Undecodable

Encode = Callable[..., bytes]
Smooth = Callable[..., Pixels]

FORMATS = {"jpeg": "JPEG", "png": "PNG", "webp": "WebP", "bmp": "BMP", "tiff": "TIFF", "gif": "GIF"}
FILES = (
    *("jpeg", "jpeg-progressive", "jpeg-grey", "jpeg-cmyk", "png", "png-alpha", "png-palette", "png-16"),
    *("png-1", "png-animated", "webp", "webp-alpha", "webp-animated", "bmp", "bmp-palette", "gif"),
    *("gif-animated", "ppm", "pgm", "pgm-16", "pbm", "tiff-raw", "tiff-tiff_lzw", "tiff-tiff_deflate"),
    *("tiff-jpeg", "tiff-16", "tiff-cmyk", "tiff-1", "tiff-several"),
)


@pytest.fixture(autouse=True)
def quiet_libtiff() -> Iterator[None]:
    """libtiff writes about damaged files to the process's standard error, past Python."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    yield
    os.dup2(kept, 2)
    os.close(kept)
    os.close(nowhere)


def decoded(data: bytes, at_least: Size | None = None) -> Picture:
    picture = decode(data, at_least)
    assert isinstance(picture, Picture), picture
    return picture


def reason(data: bytes) -> str:
    refused = decode(data)
    assert isinstance(refused, Undecodable)
    assert "\n" not in refused.reason
    return refused.reason


def difference(one: Pixels, other: Pixels) -> float:
    return float(np.abs(one.astype(np.float64) - other).mean())


def test_every_file_is_listed(files: dict[str, bytes]) -> None:
    assert sorted(files) == sorted(FILES)


@pytest.mark.parametrize("name", FILES)
def test_every_kind_decodes_to_what_pillow_shows(name: str, files: dict[str, bytes]) -> None:
    data = files[name]
    picture, header = decoded(data), probe(data)
    assert header == Header(FORMATS.get(name.split("-", maxsplit=1)[0], "PNM"), picture.original)
    assert picture.pixels.shape == (picture.original.height, picture.original.width, 3)
    assert picture.pixels.dtype == np.uint8
    assert picture.pixels.flags.c_contiguous
    assert picture.pixels.flags.writeable
    if "16" in name or "alpha" in name or "transparency" in Image.open(io.BytesIO(data)).info:
        return  # Pillow would clip the first and uncover the others; they have tests of their own
    shown = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    if picture.original != Size(40, 24):
        shown = shown if shown.shape == picture.pixels.shape else np.rot90(shown, -1)
    assert difference(picture.pixels, shown) <= 1.0  # CMYK is rounded in another order


@pytest.mark.parametrize("name", FILES)
def test_a_file_cut_short_is_undecodable_unless_all_pixels_are_there(
    name: str, files: dict[str, bytes]
) -> None:
    data = files[name]
    whole = decoded(data).pixels
    for length in range(0, len(data), max(1, len(data) // 40)):
        cut = decode(data[:length])
        assert isinstance(cut, Undecodable) or np.array_equal(cut.pixels, whole)


@pytest.mark.parametrize("name", ["jpeg", "jpeg-progressive", "jpeg-grey", "jpeg-cmyk"])
def test_a_jpeg_without_its_last_bytes_is_undecodable(name: str, files: dict[str, bytes]) -> None:
    for cut in (1, 2, 10):
        assert "Premature end" in reason(files[name][:-cut])


@given(data=st.data())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_mutated_files_never_raise(data: st.DataObject, files: dict[str, bytes]) -> None:
    broken = bytearray(files[data.draw(st.sampled_from(FILES))])
    for _ in range(data.draw(st.integers(1, 6))):
        start = data.draw(st.integers(0, len(broken)))
        end = data.draw(st.sampled_from([start, start + 1, start + 4, len(broken)]))
        broken[start:end] = data.draw(st.binary(max_size=8))
    picture, header = decode(bytes(broken)), probe(bytes(broken))
    if isinstance(picture, Picture):
        assert isinstance(header, Header)
        assert header.size == picture.original
    else:
        assert "\n" not in picture.reason


@given(st.binary(max_size=64))
def test_arbitrary_bytes_never_raise(data: bytes) -> None:
    for signature in (b"", b"\xff\xd8\xff", b"GIF89a", b"BM", b"P5 ", b"II*\0", b"RIFF....WEBP"):
        decode(signature + data)


def test_what_is_no_picture_says_so() -> None:
    assert reason(b"") == "the file is empty"
    assert reason(b"just text") == f"not a picture of a known format ({', '.join(EXTENSIONS)})"
    assert "known format" in reason(b"<svg xmlns='http://www.w3.org/2000/svg'/>")


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_exif_orientation_makes_the_picture_upright(
    form: str, orientation: int, encode: Encode, smooth: Smooth
) -> None:
    upright = smooth(24, 40)
    # The stored picture is what the eight words of the standard mean, undone.
    undo: dict[int, Callable[[Pixels], Pixels]] = {
        1: lambda p: p,
        2: np.fliplr,
        3: lambda p: np.rot90(p, 2),
        4: np.flipud,
        5: lambda p: p.swapaxes(0, 1),
        6: lambda p: np.rot90(p, 1),
        7: lambda p: np.rot90(p.swapaxes(0, 1), 2),
        8: lambda p: np.rot90(p, -1),
    }
    stored = np.ascontiguousarray(undo[orientation](upright))
    options: dict[str, Any] = {"quality": 95} if form in {"JPEG", "WEBP"} else {}
    picture = decoded(encode(stored, form, orientation=orientation, **options))
    assert picture.original == Size(40, 24)
    assert difference(picture.pixels, upright) < 6


def test_orientation_that_cannot_be_read_is_ignored(encode: Encode, smooth: Smooth) -> None:
    data = encode(smooth(24, 40), "JPEG", orientation=6)
    start = data.index(b"Exif\0\0") + 6
    for broken in (b"XX*\0", b"II*\0\xff\xff\xff\x00", data[start : start + 18] + b"\x09"):
        assert decoded(data[:start] + broken + data[start + len(broken) :]).original == Size(40, 24)


def test_sixteen_bits_keep_their_range(encode: Encode) -> None:
    levels = np.array([[0, 257, 128 * 257, 65_535], [100, 200, 40_000, 50_000]], dtype=np.uint16)
    wanted = np.rint(levels / 257).astype(np.uint8)
    for form in ("PNG", "TIFF", "PPM"):
        pixels = decoded(encode(Image.fromarray(levels), form)).pixels
        assert np.array_equal(pixels, wanted[:, :, None].repeat(3, axis=2)), form


def test_sixteen_bit_colour(smooth: Smooth) -> None:
    colours = smooth(6, 5)
    rows = b"".join(b"\0" + row.tobytes() for row in (colours.astype(np.uint16) * 257).astype(">u2"))
    data = png(struct.pack(">IIBBBBB", 5, 6, 16, 2, 0, 0, 0), rows)
    assert np.array_equal(decoded(data).pixels, colours)


def test_a_tiff_with_white_as_zero_is_inverted(encode: Encode) -> None:
    levels = np.array([[0, 65_535]], dtype=np.uint16)
    data = encode(Image.fromarray(levels), "TIFF", tiffinfo={262: 0})
    assert decoded(data).pixels[0, :, 0].tolist() == [255, 0]


@pytest.mark.parametrize("mode", ["F", "I"])
def test_samples_without_an_agreed_range_are_refused(mode: str, encode: Encode) -> None:
    assert "8 or 16 bits" in reason(encode(Image.new(mode, (4, 4)), "TIFF"))


def test_what_is_transparent_is_white(encode: Encode) -> None:
    image = Image.new("RGBA", (3, 1), (200, 0, 0, 255))
    image.putpixel((1, 0), (200, 0, 0, 0))
    image.putpixel((2, 0), (0, 0, 0, 128))
    pixels = decoded(encode(image, "PNG")).pixels[0].tolist()
    assert pixels == [[200, 0, 0], [255, 255, 255], [127, 127, 127]]
    grey = Image.new("L", (2, 1), 10)
    assert decoded(encode(grey, "PNG", transparency=10)).pixels.min() == 255
    assert decoded(encode(grey.convert("P"), "GIF", transparency=0)).pixels.shape == (1, 2, 3)


def test_cmyk_written_inverted_by_adobe_and_as_ycck(encode: Encode, smooth: Smooth) -> None:
    picture = smooth(24, 40)
    data = encode(Image.fromarray(picture).convert("CMYK"), "JPEG", quality=95)
    assert difference(decoded(data).pixels, picture) < 4
    marker = data.index(b"Adobe")
    ycck = data[: marker + 11] + b"\x02" + data[marker + 12 :]
    assert difference(decoded(ycck).pixels, np.asarray(Image.open(io.BytesIO(ycck)).convert("RGB"))) <= 1


def test_a_jpeg_of_unusual_chroma_resolution(encode: Encode) -> None:
    """Luma three times as wide as chroma, which the fast decoder does not know: Pillow's turn."""
    data = bytearray(encode(Image.new("RGB", (8, 8), (128, 128, 128)), "JPEG", subsampling=0))
    frame, scan = data.index(b"\xff\xc0"), data.index(b"\xff\xda")
    data[frame + 8], data[frame + 11] = 24, 0x31
    blocks = "001010" * 3 + "0000" * 2  # five flat blocks in the standard's Huffman tables
    bits = int(blocks.ljust(32, "1"), 2).to_bytes(4)
    flat = bytes(data[: scan + 14]) + bits + b"\xff\xd9"
    picture = decoded(flat, Size(1, 1))
    assert picture.original == Size(24, 8)
    assert (picture.pixels == 128).all()
    assert isinstance(decode(flat[:-3]), Undecodable)


def test_animations_give_their_first_frame(files: dict[str, bytes], smooth: Smooth) -> None:
    for name in ("png-animated", "webp-animated", "gif-animated", "tiff-several"):
        assert difference(decoded(files[name]).pixels, smooth(24, 40)) < 25, name


def png(header: bytes, rows: bytes = b"") -> bytes:
    """A PNG of the given IHDR."""
    parts = (b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")
    chunks = [struct.pack(">I", len(c)) + n + c + struct.pack(">I", zlib.crc32(n + c)) for n, c in parts]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def test_a_huge_picture_is_refused_by_its_header() -> None:
    huge = png(struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0))
    assert reason(huge) == "a PNG file of 50000x50000 is 2,500 megapixels; the limit is 100"
    assert isinstance(probe(huge), Undecodable)
    assert "limit" in reason(b"P5 10001 10000 255 ")
    assert MAX_PIXELS == 10_000 * 10_000
    assert "cut short" in reason(b"P5 10000 10000 255 ")
    for zero in (b"P5 0 5 255 ", png(struct.pack(">IIBBBBB", 0, 4, 8, 2, 0, 0, 0))):
        assert isinstance(decode(zero), Undecodable)


def test_a_jpeg_of_many_scans_is_refused(files: dict[str, bytes]) -> None:
    data = files["jpeg-progressive"]
    last_scan = data[data.rindex(b"\xff\xda") : -2]
    assert "scans" in reason(data[:-2] + last_scan * MAX_SCANS + data[-2:])


def test_pnm_with_comments_and_any_brightest_value() -> None:
    assert decoded(b"P5\n# a comment\n 2 #another\n1\n15\n" + bytes([0, 15])).pixels[0, :, 0].tolist() == [
        0,
        255,
    ]
    assert decoded(b"P6 1 1 1023\n" + struct.pack(">3H", 0, 512, 2000)).pixels[0, 0].tolist() == [0, 128, 255]
    assert decoded(b"P4 9 1\n\x80\x80").pixels[0, :, 0].tolist() == [0, *[255] * 7, 0]
    assert "header" in reason(b"P5 2 x 255\n")
    assert "65535" in reason(b"P5 1 1 70000 \0\0")
    start = time.process_time()
    with pytest.raises(ValueError, match="header"):
        open_pnm(b"P5 " + b"# \n" * 100_000)
    assert time.process_time() - start < 1.0


@pytest.mark.parametrize("orientation", [1, 3, 6, 7])
@pytest.mark.parametrize("wanted", [Size(30, 20), Size(52, 33), Size(100, 60), Size(101, 60), Size(500, 500)])
def test_a_scaled_decode_is_never_below_what_was_asked(
    wanted: Size, orientation: int, encode: Encode, smooth: Smooth
) -> None:
    stored = Size(203, 125) if orientation < 5 else Size(125, 203)
    data = encode(smooth(stored.height, stored.width), "JPEG", orientation=orientation)
    picture = decoded(data, wanted)
    height, width = picture.pixels.shape[:2]
    assert picture.original == Size(203, 125)
    assert (width, height) == (203, 125) or (width >= wanted.width and height >= wanted.height)
    assert (width < 203) == (wanted.width <= 102 and wanted.height <= 63)
    left, top, right, bottom = picture.region
    assert right - left == pytest.approx(203 * (right - left + bottom - top) / (203 + 125))
    assert 0 <= left < 1
    assert 0 <= top < 1
    assert width - 1 < right <= width
    assert height - 1 < bottom <= height


def test_odd_metadata_neither_warn_nor_refuse_nor_race(encode: Encode) -> None:
    """Under ``-W error`` in many threads: Pillow warns about this tag while it reads the header."""
    data = encode(Image.new("L", (4, 4)), "TIFF")
    odd = data.replace(struct.pack("<HHI", 256, 4, 1), struct.pack("<HHI", 256, 3, 2), 1)
    assert odd != data
    results: list[Picture | Undecodable] = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        threads = [threading.Thread(target=lambda: results.append(decode(odd))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [type(result) for result in results] == [Picture] * 8


@pytest.mark.parametrize(
    "pattern", ["imagenet50/*.JPEG", "orl/s1/*.pgm", "isbi_em/image/1*.png", "magnetic-tile/MT_Fray/Imgs/*"]
)
def test_real_pictures_decode_to_what_pillow_shows(pattern: str, shared_data: Path) -> None:
    paths = sorted(shared_data.glob(pattern))[:12]
    assert paths
    for path in paths:
        data = path.read_bytes()
        assert np.array_equal(decoded(data).pixels, np.asarray(Image.open(io.BytesIO(data)).convert("RGB")))
