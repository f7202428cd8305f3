"""The Open Inference Protocol: the real clients, and bodies that no client sends."""

import asyncio
import json
import struct

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from colours import SIDE, png
from servers import Running
from sightline.serve.rest.refusals import Refusal
from sightline.serve.rest.tensors import HEADER_LENGTH, read
from sightline.values.image import Size

NO_CLIENT = "no tritonclient: pip install 'tritonclient[http]'"
RED = png((250, 10, 10))
SIZE = Size(SIDE, SIDE)


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("way", ["image", "input"])
@pytest.mark.filterwarnings("ignore")
def test_tritons_client(open_server: Running, way: str, binary: bool) -> None:
    http = pytest.importorskip(
        "tritonclient.http", reason="no tritonclient: pip install 'tritonclient[http]'"
    )
    host, port = open_server.address
    with http.InferenceServerClient(f"{host}:{port}") as client:
        assert client.is_server_live()
        assert client.is_server_ready()
        assert client.is_model_ready("colours")
        assert client.get_model_metadata("colours", "1")["name"] == "colours"
        assert "binary_tensor_data" in client.get_server_metadata()["extensions"]
        if way == "image":
            tensor, values = http.InferInput("image", [2], "BYTES"), np.array([RED, RED], dtype=np.object_)
        else:
            tensor = http.InferInput("input", [2, SIDE, SIDE, 3], "UINT8")
            values = np.zeros((2, SIDE, SIDE, 3), dtype=np.uint8)
            values[..., 0] = 250
        # Bytes without the extension would have to be text.
        tensor.set_data_from_numpy(values, binary_data=binary or way == "image")
        wanted = http.InferRequestedOutput("probabilities", binary_data=binary)
        result = client.infer("colours", [tensor], outputs=[wanted], request_id="7")
        probabilities = result.as_numpy("probabilities")
        assert probabilities.shape == (2, 3)
        assert probabilities.argmax(1).tolist() == [0, 0]
        assert result.get_response()["id"] == "7"


@pytest.mark.filterwarnings("ignore")
def test_tritons_client_for_asyncio(open_server: Running) -> None:
    http = pytest.importorskip("tritonclient.http.aio", reason=NO_CLIENT)
    host, port = open_server.address

    async def ask() -> npt.NDArray[np.float32]:
        async with http.InferenceServerClient(f"{host}:{port}") as client:
            tensor = http.InferInput("image", [1], "BYTES")
            tensor.set_data_from_numpy(np.array([png((9, 9, 9), (20, 10))], dtype=np.object_))
            found: npt.NDArray[np.float32] = (await client.infer("boxes", [tensor])).as_numpy("boxes")
            return found

    boxes = asyncio.run(ask())
    assert boxes.shape == (1, 300, 4)
    assert boxes[0, :3].tolist() == [[0, 0, 10, 10], [10, 0, 20, 10], [0, 0, 0, 0]]


def infer(server: Running, request: object, rest: bytes = b"", length: int | None = None) -> tuple[int, str]:
    head = json.dumps(request).encode()
    headers = {HEADER_LENGTH: str(len(head) if length is None else length)} if rest or length else {}
    answer = server.ask("POST", "/v2/models/colours/infer", head + rest, headers)
    return answer.status, answer.body.decode()


def pixels(**changes: object) -> dict[str, object]:
    """A request for one black input, changed."""
    tensor: dict[str, object] = {"name": "input", "datatype": "UINT8", "shape": [1, SIDE, SIDE, 3]}
    tensor["data"] = [0] * (SIDE * SIDE * 3)
    return {"inputs": [tensor | changes]}


def test_flat_and_nested_data_mean_the_same(open_server: Running) -> None:
    nested = np.zeros((1, SIDE, SIDE, 3), dtype=int).tolist()
    flat = infer(open_server, pixels())
    assert flat[0] == 200, flat
    outputs = [json.loads(infer(open_server, each)[1])["outputs"] for each in (pixels(), pixels(data=nested))]
    assert outputs[0] == outputs[1]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"shape": [1, SIDE, SIDE, 4]}, "input has shape [N, 8, 8, 3]"),
        ({"shape": [-1, SIDE, SIDE, 3]}, "N at least 1"),
        ({"shape": [2, SIDE, SIDE, 3]}, "input of 2 pictures has 384"),
        ({"shape": []}, "input has shape"),
        ({"shape": [1.5, SIDE, SIDE, 3]}, "inputs.0.shape"),
        ({"datatype": "FP32"}, "datatype UINT8"),
        ({"data": [0.5] * 192}, "whole numbers from 0 to 255"),
        ({"data": [300] * 192}, "whole numbers from 0 to 255"),
        ({"data": [[0], [0, 0]]}, ""),
        ({"data": None}, "neither data nor binary_data_size"),
        ({"name": "pictures"}, "wanted one input"),
        ({"parameters": {"binary_data_size": 192}}, ""),
        ({"parameters": {"shared_memory_region": "x"}}, "shared memory"),
    ],
)
def test_wrong_tensors_are_refused(open_server: Running, changes: dict[str, object], says: str) -> None:
    status, text = infer(open_server, pixels(**changes))
    assert status == 400, text
    assert says in text


def test_more_pictures_than_may_wait_are_refused_before_they_are_looked_at(open_server: Running) -> None:
    status, text = infer(open_server, pixels(shape=[10**30, SIDE, SIDE, 3]))
    assert status == 413, text


@pytest.mark.parametrize("length", [-1, 0, 5, 10**20])
def test_a_wrong_length_of_the_json_is_refused(open_server: Running, length: int) -> None:
    assert infer(open_server, pixels(), b"\0" * 192, length or 1)[0] == 400


def test_an_element_that_is_cut_off_is_refused(open_server: Running) -> None:
    image = {"name": "image", "datatype": "BYTES", "shape": [1], "parameters": {"binary_data_size": 8}}
    status, text = infer(open_server, {"inputs": [image]}, struct.pack("<I", 100) + b"four")
    assert status == 400
    assert "says 100 bytes, and 4 are left" in text


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
_TENSOR = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["image", "input"]) | st.text(max_size=5),
        "datatype": st.sampled_from(["BYTES", "UINT8", "FP32"]),
        "shape": st.lists(st.sampled_from([-1, 0, 1, 2, 3, SIDE, 2**31, 2**63, 10**40]), max_size=6) | _JSON,
    },
    optional={
        "data": _JSON | st.lists(st.text(max_size=5), max_size=3) | st.just([0] * 192),
        "parameters": _JSON
        | st.fixed_dictionaries({"binary_data_size": st.sampled_from([-1, 0, 4, 192, 2**70]) | _JSON}),
    },
)
_REQUEST = st.fixed_dictionaries(
    {"inputs": st.lists(_TENSOR, max_size=2) | _JSON},
    optional={"id": _JSON, "outputs": _JSON, "parameters": _JSON},
)


@given(_REQUEST | _JSON, st.binary(max_size=200), st.none() | st.integers(-2, 400) | st.text(max_size=6))
def test_any_body_is_read_or_refused(request: object, rest: bytes, length: int | str | None) -> None:
    head = json.dumps(request).encode()
    told = str(len(head)) if length == -2 else (None if length is None else str(length))
    try:
        asking = read(head + rest, told, SIZE, 24)
    except Refusal as refusal:
        refused = refusal
    else:
        assert 0 < len(asking.contents) <= 24
        return
    assert refused.status in (400, 413, 422)
    assert len(str(refused)) < 1000
