"""Damaged and malicious pictures of every format through every decoding path, with time and memory of each.

50,000 mutations (flipped bits, splices, edited headers, truncations) of pictures of at most 12 megapixels:
each must become a picture or a reason, under 2 s of the processor and 500 MB. Sound pictures of 12 to 100
megapixels must be decoded, under 10 s and 2 GB; above the cap a picture is refused by its header. The caller
must live.

Data: pictures drawn here; nothing is read. Memory is a worker's peak of resident memory, its interpreter
included (Linux).
"""

import argparse
import io
import struct
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from sightline.pixels import isolated
from sightline.pixels.decode import EXTENSIONS
from sightline.pixels.isolated import Decoders
from sightline.values.contract import PixelRecipe
from sightline.values.image import Size, Undecodable

RECIPE = PixelRecipe(Size(224, 224), "letterbox")
PATHS: tuple[Callable[[bytes], object], ...] = (
    isolated.fingerprint,
    isolated.decode,
    lambda data: isolated.decode(data, Size(64, 64)),
    lambda data: isolated.model_input(data, RECIPE),
)
LARGE = (12, 50, 100)
"""Megapixels."""


@dataclass
class Row:
    """What became of the files of one format."""

    outcomes: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    memory: float = 0.0
    last_end: str = ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutations", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    dice = np.random.default_rng(arguments.seed)
    Image.MAX_IMAGE_PIXELS = None
    watched = Watched()
    seeds = sorted((kind, data) for kind, data in small_pictures().items())
    rows: dict[str, Row] = defaultdict(Row)
    for number in range(arguments.mutations):
        kind, data = seeds[number % len(seeds)]
        other = seeds[int(dice.integers(len(seeds)))][1]
        watched.ask(rows[kind.partition("-")[0]], mutated(data, other, dice), PATHS[number // len(seeds) % 4])
    print(f"{arguments.mutations:,} mutations of pictures up to 12 megapixels; wanted: under 2 s, 500 MB")
    tell(rows)
    rows = defaultdict(Row)
    for bomb, data in bombs().items():
        watched.ask(rows[bomb], data, isolated.decode)
    print("bombs; wanted: a reason each, or a picture under 10 s, 2,000 MB where it is one of 100 megapixels")
    tell(rows)
    rows = defaultdict(Row)
    for megapixels in LARGE:
        for kind, data in large_pictures(megapixels):
            for path in PATHS:
                watched.ask(rows[f"{kind} {megapixels}"], data, path)
    print("sound pictures of as many megapixels; wanted: all decoded, under 10 s, 2,000 MB")
    tell(rows)
    rows = defaultdict(Row)
    for kind, data in large_pictures(101):
        watched.ask(rows[kind], data, isolated.decode)
    print("pictures of 101 megapixels; wanted: refused by the header")
    tell(rows)


class Watched:
    """One worker, asked by this thread alone, so that what it used can be read off after each file."""

    def __init__(self) -> None:
        self.decoders = Decoders(1)
        isolated._decoders = lambda: self.decoders

    def ask(self, row: Row, data: bytes, path: Callable[[bytes], object]) -> None:
        """Have a file decoded and add to ``row`` what became of it."""
        before = self.worker()
        spent = used(before)[0] if before else 0.0
        answer = path(data)
        after = self.worker()
        if after is None:
            row.outcomes["worker ended"] += 1
        elif after != before:
            row.outcomes["tried again"] += before is not None
            spent = 0.0
        if isinstance(answer, Undecodable):
            row.outcomes["reason"] += 1
        else:
            row.outcomes["picture"] += 1
        if after is not None:
            seconds, memory = used(after)
            row.seconds = max(row.seconds, seconds - spent)
            row.memory = max(row.memory, memory)
            Path(f"/proc/{after}/clear_refs").write_text("5")
        elif isinstance(answer, Undecodable):
            row.last_end = answer.reason

    def worker(self) -> int | None:
        """The process that waits for the next file; None where the last one ended it."""
        return self.decoders._idle[0]._process.pid if self.decoders._idle else None


def used(process: int) -> tuple[float, float]:
    """Processor seconds so far, and the peak of resident memory in MB."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    status = Path(f"/proc/{process}/status").read_text()
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return (int(fields[11]) + int(fields[12])) / 100, int(peak.split()[1]) / 1000


def tell(rows: dict[str, Row]) -> None:
    for name, row in sorted(rows.items()):
        outcomes = ", ".join(f"{count:,} {what}" for what, count in sorted(row.outcomes.items()) if count)
        last = f"; last end: {row.last_end}" if row.last_end else ""
        print(f"  {name:<12} {outcomes}; at most {row.seconds:.2f} s, {row.memory:.0f} MB{last}")


def mutated(data: bytes, other: bytes, dice: np.random.Generator) -> bytes:
    """``data`` with one kind of damage, or two."""
    changed = bytearray(data)
    for _ in range(int(dice.integers(1, 3))):
        if not changed:
            break
        match int(dice.integers(5)):
            case 0:
                for at in dice.integers(0, len(changed), int(dice.integers(1, 9))):
                    changed[at] ^= 1 << int(dice.integers(8))
            case 1:
                start, end = sorted(dice.integers(0, len(changed) + 1, 2).tolist())
                where = int(dice.integers(0, len(other)))
                changed[start:end] = other[where : where + int(dice.integers(0, 400))]
            case 2:
                # The header: sizes, depths and counts stand among the first bytes.
                at = int(dice.integers(0, min(64, len(changed))))
                number = int(dice.choice([0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF]))
                width = int(dice.choice([1, 2, 4]))
                order = "little" if dice.integers(2) else "big"
                changed[at : at + width] = (number & (1 << 8 * width) - 1).to_bytes(width, order)  # type: ignore[arg-type]
            case 3:
                del changed[int(dice.integers(0, len(changed))) :]
            case _:
                at = int(dice.integers(0, len(changed)))
                changed[at:at] = bytes(dice.integers(0, 256, int(dice.integers(1, 40)), dtype=np.uint8))
    return bytes(changed)


def encoded(image: Image.Image, form: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def blobs(width: int, height: int) -> Image.Image:
    coarse = np.random.default_rng(0).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def small_pictures() -> dict[str, bytes]:
    """Kinds of every format, small, and one of each format with 12 megapixels."""
    made = {}
    picture = blobs(120, 90)
    grey, alpha, cmyk = picture.convert("L"), picture.copy(), picture.convert("CMYK")
    alpha.putalpha(grey)
    palette, bits = picture.quantize(16), grey.convert("1")
    sixteen = Image.fromarray(np.asarray(grey).astype(np.uint16) * np.uint16(257))
    several: dict[str, Any] = {"save_all": True, "append_images": [picture.rotate(180)]}
    kinds: tuple[tuple[str, Image.Image, dict[str, Any]], ...] = (
        *(("JPEG", each, {}) for each in (picture, grey, cmyk)),
        ("JPEG", picture, {"progressive": True}),
        *(("PNG", each, {}) for each in (picture, alpha, palette, sixteen, bits)),
        ("PNG", picture, several),
        ("WebP", picture, {}),
        ("WebP", alpha, {"lossless": True}),
        ("WebP", picture, several),
        *(("BMP", each, {}) for each in (picture, palette, bits)),
        ("GIF", palette, {}),
        ("GIF", palette, {"save_all": True, "append_images": [palette.rotate(180)]}),
        *(("PNM", each, {}) for each in (picture, grey, sixteen, bits)),
        *(("TIFF", picture, {"compression": how}) for how in ("raw", "tiff_lzw", "tiff_deflate", "jpeg")),
        *(("TIFF", each, {}) for each in (sixteen, cmyk, alpha)),
        ("TIFF", bits, {"compression": "group4"}),
        ("TIFF", picture, several),
    )
    for number, (form, image, options) in enumerate(kinds):
        made[f"{form}-{number}"] = encoded(image, "PPM" if form == "PNM" else form, **options)
    for form, data in large_pictures(12):
        if len(data) < 4_000_000:  # the others say nothing more and take long to copy
            made[f"{form}-large"] = data
    assert {kind.partition("-")[0] for kind in made} == set(EXTENSIONS), "every format has a kind"
    return made


def large_pictures(megapixels: int) -> list[tuple[str, bytes]]:
    """A sound picture of each format."""
    picture = blobs(4000, megapixels * 250)
    made = [("PNM" if form == "PPM" else form, encoded(picture, form)) for form in ("JPEG", "BMP", "PPM")]
    deep = np.asarray(picture).astype(">u2") * np.uint16(257)
    made.append(("PNM-16", f"P6 {picture.width} {picture.height} 65535 ".encode() + deep.tobytes()))
    made.append(("PNG", encoded(picture, "PNG", compress_level=1)))
    made.append(("TIFF", encoded(picture, "TIFF", compression="tiff_lzw")))
    made.append(("GIF", encoded(picture.convert("P", palette=Image.Palette.WEB), "GIF")))
    # WebP has no side above 16,383 pixels.
    side = picture if picture.height < 16_384 else picture.resize((12_000, megapixels * 1_000_000 // 12_000))
    return [*made, ("WebP", encoded(side, "WebP", quality=50, method=0))]


def bombs() -> dict[str, bytes]:
    """Few bytes that declare or unpack to much."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    def png(width: int, height: int, rows: bytes, extra: bytes = b"") -> bytes:
        head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
        return (
            b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + extra + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
        )

    zeros = zlib.compress(bytes(300_000_000), 9)
    text = chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(200_000_000), 9))
    plain = encoded(blobs(64, 64), "JPEG", progressive=True)
    scan = plain[plain.index(b"\xff\xda") : -2]
    return {
        "png huge": png(1 << 30, 1 << 30, b""),
        "png unpacks": png(9_999, 9_999, zeros),
        "png text": png(8, 8, zlib.compress(bytes(8 * 25)), text),
        "bmp huge": b"BM" + struct.pack("<IIIIiiHH", 54, 0, 54, 40, 1 << 30, 1 << 30, 1, 24) + bytes(24),
        "gif huge": b"GIF89a"
        + struct.pack("<HH", 65_535, 65_535)
        + bytes(3)
        + b",\0\0\0\0\xff\xff\xff\xff\0\x08;",
        "pnm huge": b"P6 99999999 99999999 255\n",
        "jpeg scans": plain[:-2] + scan * 500 + b"\xff\xd9",
    }


if __name__ == "__main__":
    main()
