"""Every damaged bundle is refused before anything in it is loaded, and the message says where.

Seals a synthetic model of about 10 MB (random weights; no picture is involved) and then offers copies
with one thing wrong. A copy counts as refused rightly when ``verify_bytes`` raises a ``BundleError``
whose text names the member or the archive's structure. "Repaired" copies are a forger's: every
checksum and header fits the changed bytes again, so only the seal stands between them and the loader.

    python benchmarks/damaged_bundle.py [--megabytes 10] [--inside 10000] [--seed 0]

Exits with 1 when a copy is accepted or a message names nothing.
"""

import argparse
import io
import random
import struct
import sys
import time
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sightline.bundle import archive
from sightline.bundle.keys import SigningKey
from sightline.bundle.manifest import write_manifest
from sightline.bundle.reference import Reference, write_reference
from sightline.bundle.signature import sign
from sightline.bundle.verify import verify_bytes
from sightline.errors import BundleError
from sightline.values.contract import ModelContract, Normalise, PixelRecipe, TensorSpec
from sightline.values.image import Size
from sightline.values.recipe import Recipe, WeightsOrigin
from sightline.values.release import Manifest

CLASSES, DIM, SIDE = ("good", "open", "short"), 64, 32
NAMED = ("archive", *archive.BUNDLE)
Damage = tuple[str, bytes | bytearray]


@dataclass
class Row:
    """What became of the copies of one kind."""

    title: str
    tried: int = 0
    accepted: int = 0
    unnamed: int = 0
    seconds: float = 0.0
    words: dict[str, int] = field(default_factory=dict)

    def offer(self, data: bytes | bytearray, trusted: frozenset[str], names: tuple[str, ...] = NAMED) -> None:
        """Try one copy; its message must have one of ``names`` in it."""
        began = time.perf_counter()
        self.tried += 1
        try:
            verify_bytes(data, trusted)
            self.accepted += 1
        except BundleError as error:
            text = str(error).removeprefix("'bundle.sight' is refused: ")
            self.unnamed += not any(name in text for name in names)
            self.words[text] = self.words.get(text, 0) + 1
        self.seconds += time.perf_counter() - began


def varint(number: int) -> bytes:
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def message(number: int, value: int | bytes | str) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    body = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(body)) + body


def tensor(name: str, element: int, shape: tuple[int | str, ...]) -> bytes:
    dims = b"".join(message(1, message(1 if isinstance(dim, int) else 2, dim)) for dim in shape)
    return message(1, name) + message(2, message(1, message(1, element) + message(2, dims)))


def synthetic_model(megabytes: int, external: bool = False) -> bytes:
    """An ONNX file with one weight of that size, written without the ``onnx`` package."""
    columns = megabytes * 1_000_000 // 4 // 1000
    weights = np.random.default_rng(0).normal(size=(1000, columns)).astype("<f4").tobytes()
    weight = (
        message(1, 1000) + message(1, columns) + message(2, 1) + message(8, "weight") + message(9, weights)
    )
    if external:
        weight = message(8, "weight") + message(13, message(1, "location") + message(2, "/etc/passwd"))
    graph = message(1, message(1, "weight") + message(2, "y") + message(4, "Identity")) + message(5, weight)
    graph += message(11, tensor("pixels", 2, ("N", SIDE, SIDE, 3)))
    graph += message(12, tensor("probabilities", 1, ("N", len(CLASSES))))
    graph += message(12, tensor("embedding", 1, ("N", DIM)))
    return message(1, 10) + message(7, graph) + message(8, message(2, 20))


def synthetic_manifest() -> Manifest:
    pixels = PixelRecipe(Size(SIDE, SIDE))
    inputs = (TensorSpec("pixels", "uint8", ("N", SIDE, SIDE, 3)),)
    outputs = (
        TensorSpec("probabilities", "float32", ("N", len(CLASSES))),
        TensorSpec("embedding", "float32", ("N", DIM)),
    )
    recipe = Recipe(
        task="classification",
        arch="synthetic",
        dataset_fingerprint="",
        classes=CLASSES,
        pixels=pixels,
        normalise=Normalise((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
        weights=WeightsOrigin("scratch"),
        initial_sha256="",
        epochs=0,
    )
    contract = ModelContract("classification", CLASSES, pixels, inputs, outputs)
    return Manifest("synthetic", 1, contract, {}, None, {}, None, recipe, (), {}, "0", "")


def synthetic_members(megabytes: int) -> dict[str, bytes]:
    rng = np.random.default_rng(1)
    reference = Reference(
        scores=rng.dirichlet(np.ones(len(CLASSES)), 500).astype(np.float32),
        embeddings=rng.normal(size=(500, DIM)).astype(np.float32),
        statistics=rng.normal(size=(500, 4)).astype(np.float32),
        truth=rng.integers(0, len(CLASSES), 500),
        columns=("brightness", "contrast", "saturation", "sharpness"),
    )
    return {
        archive.MANIFEST: write_manifest(synthetic_manifest()),
        archive.MODEL: synthetic_model(megabytes),
        archive.REFERENCE: write_reference(reference),
        archive.CARD: b"# synthetic\n",
    }


def sealed(members: Mapping[str, bytes], key: SigningKey) -> bytes:
    return archive.pack({**members, archive.SIGNATURE: sign(members, key)})


def payloads(data: bytes) -> dict[str, range]:
    """Where each member's bytes lie, as an independent reader (Python's ``zipfile``) sees it."""
    found = {}
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        for info in opened.infolist():
            start = info.header_offset + 30 + len(info.filename)
            found[info.filename] = range(start, start + info.file_size)
    return found


def flips(data: bytes, places: Iterator[tuple[int, int]]) -> Iterator[bytearray]:
    """One copy after the other with the byte at a place changed; all are the same buffer."""
    damaged = bytearray(data)
    for at, mask in places:
        damaged[at] ^= mask
        yield damaged
        damaged[at] ^= mask


def outside(data: bytes) -> Iterator[tuple[int, int]]:
    inside = payloads(data).values()
    for at in range(len(data)):
        span = next((span for span in inside if at in span), None)
        if span is None:
            yield from ((at, 1 << bit) for bit in range(8))
            yield at, 0xFF


def small_payloads(data: bytes) -> Iterator[tuple[int, int]]:
    spans = payloads(data)
    for name in (archive.MANIFEST, archive.CARD, archive.SIGNATURE):
        yield from ((at, 0xFF) for at in spans[name])


def somewhere_inside(data: bytes, count: int, rng: random.Random) -> Iterator[tuple[int, int]]:
    spans = list(payloads(data).values())
    sizes = [len(span) for span in spans]
    for span in rng.choices(spans, sizes, k=count):
        yield rng.choice(span), rng.randrange(1, 256)


def repaired(members: Mapping[str, bytes], count: int, rng: random.Random) -> Iterator[tuple[str, bytes]]:
    """Changed members under their old signature, in an archive whose headers and checksums all fit."""
    names = [name for name in members for _ in range(count // len(members))]
    for name in names:
        changed = bytearray(members[name])
        changed[rng.randrange(len(changed))] ^= rng.randrange(1, 256)
        yield name, archive.pack({**members, name: changed})


def truncations(data: bytes) -> Iterator[bytes]:
    edges = {0, len(data) - 1, len(data) - 22}
    for name, span in payloads(data).items():
        edges |= {span.start - 30 - len(name), span.start, span.start + len(span) // 2, span.stop}
    for edge in sorted({at + step for at in edges for step in (-1, 0, 1)}):
        if 0 <= edge < len(data):
            yield data[:edge]


def zipped(entries: list[tuple[str, bytes]], **changes: object) -> bytes:
    """An ordinary zip as Python writes it, with the attributes that sealing uses unless changed."""
    file = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(file, "w") as made:
        warnings.simplefilter("ignore")
        for name, data in entries:
            info = zipfile.ZipInfo(name)
            info.create_system, info.external_attr = 3, 0o100644 << 16
            for attribute, value in changes.items():
                setattr(info, attribute, value)
            made.writestr(info, data)
    return file.getvalue()


def rearranged(members: Mapping[str, bytes]) -> dict[str, list[bytes]]:
    items = list(members.items())
    spots = range(len(items) + 1)
    pairs = [(one, two) for one in range(len(items)) for two in range(one)]
    swapped = []
    for one, two in pairs:
        order = list(items)
        order[one], order[two] = order[two], order[one]
        swapped.append(zipped(order))
    strangers = ["evil.py", "variants/int8.onnx", "../../x", "manifest.json/", "a\nb", "é", ""]
    return {
        "a member added": [
            zipped([*items[:at], (name, b"x"), *items[at:]]) for at in spots for name in strangers
        ],
        "a member doubled": [zipped([*items[:at], one, *items[at:]]) for at in spots for one in items],
        "a member left out": [zipped(items[:at] + items[at + 1 :]) for at in range(len(items))],
        "a member renamed": [
            zipped([*items[:at], (changed, items[at][1]), *items[at + 1 :]])
            for at, name in enumerate(members)
            for changed in (name.upper(), f"./{name}", f"{name} ", name[:-1])
        ],
        "members reordered": [*swapped, zipped(items[::-1])],
    }


def disguised(data: bytes, members: Mapping[str, bytes]) -> list[bytes]:
    """Archives that another reader would take for the same content."""
    items = list(members.items())
    assert zipped(items) == data, "Python's own writer makes the same bytes"
    comment = bytearray(data + b"hello")
    comment[len(data) - 2 : len(data)] = struct.pack("<H", 5)
    other = [(name, payload) if name != archive.MODEL else (name, b"other") for name, payload in items]
    spans = payloads(data)
    size_and_checksum = bytearray(data)  # the directory tells another story than the local header
    at = data.rindex(b"PK\1\2", 0, data.rindex(archive.MODEL.encode())) + 16
    size_and_checksum[at : at + 12] = struct.pack("<LLL", zlib.crc32(b"x"), 1, 1)
    return [
        b"#!/bin/sh\n" + data,
        data + b"\0",
        data * 2,
        zipped(other) + data,
        data + zipped(other),
        bytes(comment),
        bytes(size_and_checksum),
        zipped(items, compress_type=zipfile.ZIP_DEFLATED),
        zipped(items, extra=b"\xfe\xca\0\0"),
        zipped(items, comment=b"x"),
        zipped(items, date_time=(2026, 1, 1, 0, 0, 0)),
        zipped(items, external_attr=0o120777 << 16),
        zipped(items, create_system=0),
        data[: spans[archive.MODEL].start] + b"\0" + data[spans[archive.MODEL].start :],
    ]


def sealed_but_unsafe(members: Mapping[str, bytes], key: SigningKey) -> list[Damage]:
    """Copies with a sound seal by a trusted key around something that must not be loaded."""
    pickled = io.BytesIO()
    np.savez(pickled, scores=np.array([print], dtype=object))
    polyglot = message(2, "..ORTM") + members[archive.MODEL]
    manifest = members[archive.MANIFEST]
    changes = [
        (archive.MODEL, synthetic_model(1, external=True)),
        (archive.MODEL, polyglot),
        (archive.MODEL, b"not a model"),
        (archive.REFERENCE, pickled.getvalue()),
        (archive.MANIFEST, b"[" * 1_000_000),
        (archive.MANIFEST, manifest.replace(b'"version": 1', b'"version": NaN')),
        (archive.MANIFEST, manifest.replace(b'"version": 1', b'"version": 2,\n "version": 1')),
        (archive.MANIFEST, manifest.replace(b'"height": 32', b'"height": 99999')),
        (archive.CARD, b"\xff\xfe"),
    ]
    return [(name, sealed({**members, name: payload}, key)) for name, payload in changes]


Copies = Iterable[bytes | bytearray]


def report(row: Row) -> Row:
    refused = row.tried - row.accepted
    each = 1000 * row.seconds / row.tried
    print(f"{row.title:<48}{row.tried:>8}{refused:>9}{refused - row.unnamed:>8}{each:>12.3f}", flush=True)
    return row


def measure(options: argparse.Namespace) -> Iterator[Row]:
    rng = random.Random(options.seed)  # noqa: S311 - places to damage, no secret
    key, stranger = (SigningKey(Ed25519PrivateKey.generate()) for _ in range(2))
    trusted = frozenset({key.fingerprint})
    unsigned = synthetic_members(options.megabytes)
    data = sealed(unsigned, key)
    members = archive.unpack(data)
    began = time.perf_counter()
    verify_bytes(data, trusted)
    took = 1000 * (time.perf_counter() - began)
    print(f"A sound bundle of {len(data):,} bytes is accepted in {took:.1f} ms.")
    print("Data: random weights and figures made here.\n")
    print(f"{'damage':<48}{'copies':>8}{'refused':>9}{'named':>8}{'ms a copy':>12}")

    def anywhere(title: str, copies: Copies) -> Row:
        row = Row(title)
        for copy in copies:
            row.offer(copy, trusted)
        return report(row)

    def at_a_member(title: str, copies: Iterable[Damage]) -> Row:
        row = Row(title)
        for name, copy in copies:
            # A digest changed in the signature shows as the member of that digest.
            row.offer(copy, trusted, NAMED if name == archive.SIGNATURE else (name,))
        return report(row)

    yield anywhere("every byte outside the payloads, 9 ways", flips(data, outside(data)))
    yield anywhere("every byte of manifest, card and signature", flips(data, small_payloads(data)))
    places = list(somewhere_inside(data, options.inside, rng))
    yield anywhere("random bytes inside the payloads", flips(data, iter(places)))
    yield at_a_member("the same, all checksums repaired", repaired(members, options.repaired, rng))
    yield anywhere("cut short at every member's edges", truncations(data))
    for title, copies in rearranged(members).items():
        yield anywhere(title, copies)
    yield anywhere("the same content in another zip", disguised(data, members))
    yield at_a_member("sealed by a trusted key, not safe to load", sealed_but_unsafe(unsigned, key))
    theirs = [(stranger.fingerprint, sealed(unsigned, stranger))]
    yield at_a_member("sealed by a stranger (names the fingerprint)", theirs)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=10)
    parser.add_argument("--inside", type=int, default=10_000)
    parser.add_argument("--repaired", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--messages", action="store_true", help="print the messages seen")
    options = parser.parse_args()
    rows = list(measure(options))
    for row in rows if options.messages else ():
        print(f"\n{row.title}")
        for text, count in sorted(row.words.items(), key=lambda item: -item[1])[:20]:
            print(f"  {count:>6}  {text}")
    tried, wrong = sum(row.tried for row in rows), sum(row.accepted + row.unnamed for row in rows)
    print(f"\n{tried - wrong:,} of {tried:,} refused before loading, each saying where.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
