from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.bundle.onnx_file import check_tensors, inspect_onnx
from sightline.errors import BundleError
from sightline.values.contract import TensorSpec

Model = Callable[..., bytes]
Field = Callable[[int, int | bytes | str], bytes]
ELSEWHERE = "keeps data in other files"


def external(proto: Field) -> bytes:
    """A tensor whose bytes lie elsewhere, as the ``onnx`` package writes it."""
    location = proto(13, proto(1, "location") + proto(2, "../../etc/passwd"))
    return proto(8, "weight") + location + proto(14, 1)


def test_the_ends_of_the_graph(onnx_model: Model) -> None:
    found = inspect_onnx(onnx_model())
    assert found.inputs == (TensorSpec("pixels", "uint8", ("N", 6, 8, 3)),)
    assert [tensor.name for tensor in found.outputs] == ["probabilities", "embedding"]


def test_external_data_is_refused(onnx_model: Model, proto: Field) -> None:
    with pytest.raises(BundleError, match=ELSEWHERE):
        inspect_onnx(onnx_model(tensor=external(proto)))


@pytest.mark.parametrize(
    "path",
    [
        (7, 1, 5, 5),  # a Constant node's value
        (7, 1, 5, 10),  # a list of tensors
        (7, 1, 5, 6, 5),  # an initializer of an If's branch
        (7, 1, 5, 11, 1, 5, 5),  # a constant in one of several subgraphs
        (7, 1, 5, 22, 1),  # the values of a sparse constant
        (7, 1, 5, 23, 2),
        (7, 15, 1),  # a sparse initializer
        (25, 7, 5, 5),  # a constant in a function
        (25, 11, 5),  # an attribute's default in a function
        (20, 1, 5),  # training information
        (20, 2, 1, 5, 5),
    ],
)
def test_external_data_is_found_wherever_a_tensor_can_be(
    onnx_model: Model, proto: Field, path: tuple[int, ...]
) -> None:
    body = external(proto)
    for number in reversed(path):
        body = proto(number, body)
    # Protobuf merges a message that comes twice, so a second graph is looked through too.
    with pytest.raises(BundleError, match=ELSEWHERE):
        inspect_onnx(onnx_model() + body)


@pytest.mark.parametrize("location", [1, 2, 2**32 + 1, 2**64 - 1])
def test_any_other_data_location_is_refused(onnx_model: Model, proto: Field, location: int) -> None:
    tensor = proto(8, "weight") + proto(14, location)
    with pytest.raises(BundleError, match=ELSEWHERE):
        inspect_onnx(onnx_model(tensor=tensor))


def test_the_runtimes_own_format_is_refused(onnx_model: Model, proto: Field) -> None:
    # A sound ONNX file whose producer's name puts the other format's mark at bytes 4 to 8.
    polyglot = proto(2, "..ORTM") + onnx_model()
    assert polyglot[4:8] == b"ORTM"
    with pytest.raises(BundleError, match="ONNX Runtime's own format"):
        inspect_onnx(polyglot)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "must have one graph, found 0"),
        (b"hello, I am a picture", "not a valid ONNX file"),
        (b"\x0a\x7fshort", "beyond its message"),
        (b"\x08\x80\x00", "longer than it needs"),
        (b"\x08" + b"\xff" * 11, "does not end"),
        (b"\x08", "does not end"),
        (b"\x0b\x0c", "a kind that ONNX does not use"),
        (b"\x02\x00", "impossible number"),
        (b"\x80\x80\x80\x80\x80\x01\x00", "impossible number"),
        (b"\x38\x01", "field 7 of a model is a number"),
    ],
)
def test_what_is_not_onnx(data: bytes, words: str) -> None:
    with pytest.raises(BundleError, match=words):
        inspect_onnx(data)


@given(st.binary(max_size=200))
def test_any_bytes_are_answered_or_refused(data: bytes) -> None:
    with suppress(BundleError):
        inspect_onnx(data)


def test_nesting_costs_no_recursion(onnx_model: Model, proto: Field) -> None:
    body = proto(5, external(proto))
    for _ in range(2_000):
        body = proto(1, proto(5, proto(6, body)))
    with pytest.raises(BundleError, match=ELSEWHERE):
        inspect_onnx(onnx_model(extra_graph=body))


def test_tensors_must_be_those_of_the_contract() -> None:
    wanted = (TensorSpec("pixels", "uint8", ("N", 6, 8, 3)),)
    check_tensors(wanted, (TensorSpec("pixels", "uint8", ("batch", 6, 8, 3)),), "here are")
    check_tensors(wanted, (TensorSpec("pixels", "uint8", ("batch", "h", "w", 3)),), "here are")
    for other in (
        TensorSpec("picture", "uint8", ("N", 6, 8, 3)),
        TensorSpec("pixels", "float32", ("N", 6, 8, 3)),
        TensorSpec("pixels", "uint8", (1, 6, 8, 3)),
        TensorSpec("pixels", "uint8", ("N", 8, 6, 3)),
        TensorSpec("pixels", "uint8", ("N", 6, 8)),
    ):
        with pytest.raises(BundleError, match=r"^here are .* the contract says 'pixels'"):
            check_tensors(wanted, (other,), "here are")
    with pytest.raises(BundleError, match="here are none"):
        check_tensors(wanted, (), "here are")


def test_files_of_the_onnx_package(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="the onnx package is not installed")
    weight = onnx.helper.make_tensor("w", 1, [64, 64], bytes(64 * 64 * 4), raw=True)
    pixels = onnx.helper.make_tensor_value_info("x", 1, ["N", 64])
    answer = onnx.helper.make_tensor_value_info("y", 1, ["N", 64])
    old_style = onnx.helper.make_tensor_value_info("w", 1, [64, 64])
    node = onnx.helper.make_node("MatMul", ["x", "w"], ["y"])
    graph = onnx.helper.make_graph([node], "g", [pixels, old_style], [answer], [weight])
    model = onnx.helper.make_model(graph)
    found = inspect_onnx(model.SerializeToString())
    assert found.inputs == (TensorSpec("x", "float32", ("N", 64)),)
    assert found.outputs == (TensorSpec("y", "float32", ("N", 64)),)
    path = tmp_path / "model.onnx"
    onnx.save(model, str(path), save_as_external_data=True, size_threshold=0)
    with pytest.raises(BundleError, match=ELSEWHERE):
        inspect_onnx(path.read_bytes())
