"""Malformed bundles, and mutated graphs that a trusted key sealed: refused, or run within limits.

1,000 bundles with one thing wrong: bytes of the file, and bytes of a member that is sealed again afterwards.
1,000 models whose graph was changed (bytes, sizes, attributes, operators, operators that never end or ask for
all memory) and which were sealed again. Each is opened, and answers about a picture, in one process, the
caller, which must live; where a model is refused the message must say why. Every model is new, so each one's
first run happens in a process of its own.

    python benchmarks/malformed_models.py RELEASE.sight [--each 1000] [--seed 0]

Data: the release that is given, and a picture of noise.
"""

import argparse
import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from sightline.bundle import archive
from sightline.bundle.keys import SigningKey
from sightline.bundle.signature import sign
from sightline.bundle.verify import verify_bytes
from sightline.errors import SightlineError
from sightline.infer.predictor import Predictor
from sightline.values.prediction import Prediction

Members = dict[str, bytes]


@dataclass
class Row:
    """What became of the models of one kind."""

    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("release", type=Path)
    parser.add_argument("--each", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--caller", type=int, nargs=2, metavar=("START", "STOP"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if not arguments.release.is_file():
        print(f"skipped: {arguments.release} is absent")
        return
    if arguments.caller:
        be_caller(arguments.release, arguments.seed, arguments.each, *arguments.caller)
        return
    rows: dict[str, Row] = {}
    at, deaths, memory, began = 0, 0, 0.0, time.monotonic()
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "SIGHTLINE_CACHE_DIR": cache}
        while at < 2 * arguments.each:
            command = [sys.executable, *sys.argv, "--caller", str(at), str(2 * arguments.each)]
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as caller:
                for line in caller.stdout or ():
                    number, kind, outcome, seconds, memory_now = json.loads(line)
                    row = rows.setdefault(kind, Row())
                    row.outcomes[outcome.partition(":")[0]] += 1
                    row.reasons[outcome] += 1
                    row.slowest, memory, at = max(row.slowest, seconds), max(memory, memory_now), number + 1
            if at < 2 * arguments.each:
                deaths += 1
                print(f"the caller died at number {at}: exit status {caller.returncode}")
                at += 1
    for kind, row in sorted(rows.items()):
        told = ", ".join(f"{count:,} {outcome}" for outcome, count in row.outcomes.most_common())
        print(f"{kind:<28} {told}; slowest {row.slowest:.1f} s")
        for reason, count in row.reasons.most_common(3):
            print(f"    {count:>5}  {reason[:150]}")
    print(
        f"{sum(row.outcomes.total() for row in rows.values()):,} in {time.monotonic() - began:.0f} s; "
        f"deaths of the caller: {deaths} (wanted 0); it grew by {memory:.0f} MB at most"
    )
    sys.exit(deaths > 0)


def be_caller(path: Path, seed: int, each: int, start: int, stop: int) -> None:
    """Offer the numbers from ``start`` on, and print what became of each."""
    key = SigningKey(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
    data = path.read_bytes()
    members = archive.unpack(data, archive.bundle_limits(archive.variants_in(data)))
    members = {name: payload for name, payload in members.items() if not name.startswith("variants/")}
    data = sealed(members, key)
    side = verify_bytes(data, {key.fingerprint}).manifest.contract.pixels.size.width
    picture = noise(side)
    before = resident()
    for number in range(start, stop):
        dice = np.random.default_rng((seed, number))
        kind, changed = (
            malformed(data, members, key, dice) if number < each else regraphed(members, key, dice)
        )
        began = time.perf_counter()
        outcome = offered(changed, key, picture)
        print(
            json.dumps([number, kind, outcome, time.perf_counter() - began, resident() - before]), flush=True
        )


def offered(data: bytes, key: SigningKey, picture: bytes) -> str:
    """What becomes of a bundle: refused, with the reason, or what it answers."""
    try:
        (answer,) = Predictor(verify_bytes(data, {key.fingerprint}), threads=1).predict([("noise", picture)])
    except SightlineError as error:
        return "refused: " + str(error).removeprefix("'bundle.sight' is refused: ")
    return "answered" if isinstance(answer, Prediction) else "set aside: " + answer.reason


def sealed(members: Members, key: SigningKey) -> bytes:
    """The archive of ``members``, signed."""
    signed = {name: payload for name, payload in members.items() if name != archive.SIGNATURE}
    return archive.pack({**signed, archive.SIGNATURE: sign(signed, key)}, archive.bundle_limits(()))


def malformed(data: bytes, members: Members, key: SigningKey, dice: np.random.Generator) -> tuple[str, bytes]:
    """A bundle with bytes changed: of the file, or of one member before it is sealed."""
    if dice.random() < 0.5:
        return "bytes of the file", scrambled(data, dice)
    name = str(dice.choice([archive.MANIFEST, archive.REFERENCE, archive.CARD]))
    return f"{name}, sealed again", sealed({**members, name: scrambled(members[name], dice)}, key)


def scrambled(data: bytes, dice: np.random.Generator) -> bytes:
    """A few bits flipped, a stretch repeated or left out, numbers exchanged, or an end cut off."""
    changed = bytearray(data)
    at = int(dice.integers(len(changed)))
    match int(dice.integers(5)):
        case 0:
            for place in dice.integers(len(changed), size=int(dice.integers(1, 9))):
                changed[place] ^= 1 << int(dice.integers(8))
        case 1:
            del changed[at:]
        case 2:
            del changed[at : at + int(dice.integers(1, 64))]
        case 3:
            changed[at:at] = changed[at : at + int(dice.integers(1, 4096))]
        case _:
            digits = [place for place, byte in enumerate(changed[:100_000]) if 48 <= byte <= 57]
            for place in dice.choice(digits or [at], size=min(3, len(digits) or 1)):
                changed[place] = int(dice.integers(48, 58))
    return bytes(changed)


def regraphed(members: Members, key: SigningKey, dice: np.random.Generator) -> tuple[str, bytes]:
    """A bundle whose graph was changed."""
    model = onnx.load_from_string(members[archive.MODEL])
    # One in thirty never ends, as each of those takes the whole time that a first run may.
    change = endless if dice.random() < 1 / 30 else CHANGES[int(dice.integers(len(CHANGES)))]
    file = change(model, dice)
    return f"graph: {change.__name__}", sealed({**members, archive.MODEL: file}, key)


def structure(model: onnx.ModelProto, dice: np.random.Generator) -> bytes:
    """Bytes of the file outside the weights."""
    data = model.SerializeToString()
    weights = sorted(
        {data.find(each.raw_data) for each in model.graph.initializer if len(each.raw_data) > 64}
    )
    places = [int(dice.integers(len(data))) for _ in range(int(dice.integers(1, 6)))]
    changed = bytearray(data)
    for place in places:
        near = max((each for each in weights if each <= place), default=len(data))
        changed[near - 1 - int(dice.integers(200)) if dice.random() < 0.7 else place] = int(
            dice.integers(256)
        )
    return bytes(changed)


def attributes(model: onnx.ModelProto, dice: np.random.Generator) -> bytes:
    """A number in an operator's attributes."""
    for _ in range(int(dice.integers(1, 3))):
        having = [node for node in model.graph.node if node.attribute]
        attribute = dice.choice(np.array(dice.choice(np.array(having, dtype=object)).attribute, dtype=object))
        value = int(dice.choice([0, -1, 1, 2, 7, 1000, 2**31 - 1, 2**40, -(2**62)]))
        if attribute.type == onnx.AttributeProto.INTS and attribute.ints:
            attribute.ints[int(dice.integers(len(attribute.ints)))] = value
        elif attribute.type == onnx.AttributeProto.INT:
            attribute.i = value
        elif attribute.type == onnx.AttributeProto.FLOAT:
            attribute.f = float(dice.choice([0.0, -1.0, 1e38, np.inf, np.nan]))
    return bytes(model.SerializeToString())


def operators(model: onnx.ModelProto, dice: np.random.Generator) -> bytes:
    """Another operator in a place, or its inputs exchanged."""
    kinds = sorted({node.op_type for node in model.graph.node})
    for _ in range(int(dice.integers(1, 4))):
        node = dice.choice(np.array(model.graph.node, dtype=object))
        if dice.random() < 0.5:
            node.op_type = str(dice.choice(kinds))
        elif node.input:
            other = dice.choice(np.array(model.graph.node, dtype=object))
            node.input[int(dice.integers(len(node.input)))] = str(dice.choice([*other.input, *other.output]))
    return bytes(model.SerializeToString())


def constants(model: onnx.ModelProto, dice: np.random.Generator) -> bytes:
    """The numbers of a small constant: shapes, axes, scales, sizes."""
    small = [
        each
        for each in model.graph.initializer
        if 0 < np.prod(each.dims, dtype=np.int64) <= 16 or not each.dims
    ]
    for _ in range(int(dice.integers(1, 3))):
        chosen = dice.choice(np.array(small, dtype=object))
        values = numpy_helper.to_array(chosen).copy()
        if values.dtype.kind not in "iuf" or not values.size:
            continue
        extreme = [0, -1, 1, 3, 10**5, 10**9, np.iinfo(np.int64).max, -(2**40)]
        flat = values.reshape(-1)
        with np.errstate(all="ignore"):
            flat[int(dice.integers(flat.size))] = np.array(dice.choice(extreme)).astype(values.dtype)
        chosen.CopyFrom(numpy_helper.from_array(values, chosen.name))
    return bytes(model.SerializeToString())


def weights(model: onnx.ModelProto, dice: np.random.Generator) -> bytes:
    """Weights of nonsense: not numbers, enormous, or of another shape."""
    large = [each for each in model.graph.initializer if len(each.raw_data) > 64]
    chosen = dice.choice(np.array(large, dtype=object))
    if dice.random() < 0.5:
        chosen.dims[int(dice.integers(len(chosen.dims)))] = int(dice.choice([0, 1, 3, 10**6, 2**40, -5]))
    else:
        values = numpy_helper.to_array(chosen).copy()
        values[...] = np.nan if dice.random() < 0.5 and values.dtype.kind == "f" else 100
        chosen.CopyFrom(numpy_helper.from_array(values, chosen.name))
    return bytes(model.SerializeToString())


def endless(model: onnx.ModelProto, dice: np.random.Generator) -> bytes:
    """A loop that never ends, or for a very long time, before the answer."""
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["on"]),
            helper.make_node("Sin", ["carried"], ["next"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("carried", TensorProto.FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("next", TensorProto.FLOAT, None),
        ],
    )
    turns = np.array(2**62 if dice.random() < 0.5 else 10**10, dtype=np.int64)
    model.graph.initializer.append(numpy_helper.from_array(turns, "turns"))
    model.graph.initializer.append(numpy_helper.from_array(np.array(True), "always"))
    return spliced(
        model, lambda taken, given: helper.make_node("Loop", ["turns", "always", taken], [given], body=body)
    )


def enormous(model: onnx.ModelProto, dice: np.random.Generator) -> bytes:
    """An operator that makes much out of little, before the answer."""
    count = int(dice.choice([10**4, 10**6, 10**9, 2**40]))
    match int(dice.integers(3)):
        case 0:
            shape = np.array([count, 1000], dtype=np.int64)
            nodes = [helper.make_node("ConstantOfShape", ["much"], ["made"])]
        case 1:
            shape = np.array([count], dtype=np.int64)
            model.graph.initializer.append(numpy_helper.from_array(np.ones(1, np.float32), "one"))
            nodes = [helper.make_node("Tile", ["one", "much"], ["made"])]
        case _:
            shape = np.array([1, count], dtype=np.int64)
            model.graph.initializer.append(numpy_helper.from_array(np.ones((64, 1), np.float32), "one"))
            nodes = [helper.make_node("Expand", ["one", "much"], ["made"])]
    model.graph.initializer.append(numpy_helper.from_array(shape, "much"))
    nodes.append(helper.make_node("ReduceMin", ["made"], ["little"], keepdims=0))
    # First in the file: nodes stand in the order in which they can be computed.
    rest = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(nodes + rest)
    return spliced(model, lambda taken, given: helper.make_node("Add", [taken, "little"], [given]))


def spliced(model: onnx.ModelProto, make: Callable[[str, str], onnx.NodeProto]) -> bytes:
    """``make``'s node between the embedding and whoever wants it."""
    name = "embedding"
    giving = next(node for node in model.graph.node if name in node.output)
    giving.output[list(giving.output).index(name)] = "before"
    for node in model.graph.node:
        for place, each in enumerate(node.input):
            if each == name:
                node.input[place] = "before"
    model.graph.node.append(make("before", name))
    return bytes(model.SerializeToString())


CHANGES = (structure, attributes, operators, constants, weights, enormous)


def noise(side: int) -> bytes:
    pixels = np.random.default_rng(1).integers(0, 256, (side, side, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def resident() -> float:
    """Peak resident memory in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
