"""``/v1``: pictures in, labels and boxes out."""

import base64
import json

import pytest

from colours import png
from servers import Answer, Running

RED, GREEN = png((250, 10, 10)), png((10, 240, 10))
JSON = {"Content-Type": "application/json"}


def multipart(*files: tuple[str, bytes]) -> tuple[bytes, dict[str, str]]:
    parts = [
        f'--cut\r\nContent-Disposition: form-data; name="f{n}"; filename="{name}"\r\n\r\n'.encode() + data
        for n, (name, data) in enumerate(files)
    ]
    body = b"\r\n".join([*parts, b"--cut--\r\n"])
    return body, {"Content-Type": "multipart/form-data; boundary=cut"}


def as_json(*pictures: tuple[str, bytes]) -> bytes:
    told = [{"source": name, "data": base64.b64encode(data).decode()} for name, data in pictures]
    return json.dumps({"pictures": told}).encode()


def error(answer: Answer) -> str:
    assert set(answer.json) == {"error"}
    return str(answer.json["error"])


def test_a_raw_picture_gets_one_answer(open_server: Running) -> None:
    answer = open_server.predict(RED)
    assert answer.status == 200
    told = answer.json
    assert told["label"] == "red"
    assert told["release"] == "colours@1"
    assert told["size"] == [20, 10]
    assert isinstance(told["id"], str)
    assert told["id"]
    assert open_server.predict(RED).json["id"] != told["id"]


@pytest.mark.parametrize("way", ["multipart", "json"])
def test_several_pictures_are_answered_in_their_order_and_a_bad_one_takes_none_with_it(
    open_server: Running, way: str
) -> None:
    files = (("a.png", GREEN), ("b.png", b"no picture"), ("c.png", RED))
    body, headers = multipart(*files) if way == "multipart" else (as_json(*files), JSON)
    answer = open_server.ask("POST", "/v1/models/colours/predict", body, headers)
    assert answer.status == 200, answer.body
    answers = answer.json["answers"]
    assert isinstance(answers, list)
    assert [each.get("label") for each in answers] == ["green", None, "red"]
    assert [each["source"] for each in answers] == ["a.png", "b.png", "c.png"]
    assert "not a picture" in answers[1]["error"] or answers[1]["error"]


def test_boxes_are_in_the_pictures_own_pixels_and_only_those_accepted(open_server: Running) -> None:
    told = open_server.predict(png((9, 9, 9), (20, 10)), "boxes").json
    assert told["objects"] == [{"label": "left", "score": 0.75, "box": [0.0, 0.0, 10.0, 10.0]}]


def test_what_is_served_is_told(open_server: Running) -> None:
    models = open_server.ask("GET", "/v1/models").json["models"]
    assert isinstance(models, list)
    assert [(each["name"], each["version"], each["task"]) for each in models] == [
        ("boxes", 1, "detection"),
        ("colours", 1, "classification"),
    ]
    one = open_server.ask("GET", "/v1/models/boxes").json
    assert one["thresholds"] == {"left": 0.5, "right": 0.6}


@pytest.mark.parametrize(
    ("path", "body", "kind", "status", "says"),
    [
        (
            "nothing/predict",
            RED,
            "image/png",
            404,
            "'nothing' is not served here; what is: boxes@1,",
        ),
        ("colours/predict?version=2", RED, "image/png", 404, "'colours@2' is not served"),
        ("colours/predict?version=x", RED, "image/png", 422, "version is a whole number"),
        ("colours/predict?timeout_ms=0", RED, "image/png", 422, "timeout_ms is a whole number"),
        ("colours/predict", RED, "text/plain", 415, "got 'text/plain'"),
        ("colours/predict", RED, "", 415, "wanted a picture"),
        ("colours/predict", b"", "image/png", 422, "the body is empty"),
        ("colours/predict", b"GIF89a no", "image/gif", 422, ""),
        ("colours/predict", b'{"pictures": []}', "application/json", 422, "no picture in the body"),
        ("colours/predict", b'{"pictures": [{"data": "%"}]}', "application/json", 422, "pictures[0].data"),
        ("colours/predict", b'{"pictures": [{"date": ""}]}', "application/json", 422, "pictures.0.data"),
        ("colours/predict", b"[" * 100_000, "application/json", 422, "the body is not as it should be"),
        ("colours/predict", b"x", "multipart/form-data", 422, "not multipart/form-data"),
        ("colours/predict", b"x", "multipart/form-data; boundary=cut", 422, ""),
    ],
    ids=lambda value: str(value)[:20] if isinstance(value, str) else None,
)
def test_what_cannot_be_answered_is_refused_with_a_reason(
    open_server: Running, path: str, body: bytes, kind: str, status: int, says: str
) -> None:
    answer = open_server.ask("POST", f"/v1/models/{path}", body, {"Content-Type": kind} if kind else {})
    assert answer.status == status, answer.body
    assert says in error(answer)


def test_every_answer_has_the_callers_request_id_or_a_new_one(open_server: Running) -> None:
    own = open_server.ask("GET", "/v1/models", headers={"X-Request-ID": "mine-1"})
    assert own.headers["x-request-id"] == "mine-1"
    strange = open_server.ask("GET", "/nowhere", headers={"X-Request-ID": "a b" * 100})
    assert strange.status == 404
    assert len(strange.headers["x-request-id"]) == 32


def test_metrics_count_what_was_answered(open_server: Running) -> None:
    open_server.predict(RED)
    open_server.predict(b"no picture")
    text = open_server.ask("GET", "/metrics").body.decode()
    for line in (
        'sightline_requests_total{route="/v1/models/{name}/predict",status="200"}',
        'sightline_pictures_total{outcome="answered",release="colours@1"}',
        'sightline_pictures_total{outcome="unusable",release="colours@1"}',
        'sightline_batch_size_count{release="colours@1"}',
        "sightline_decode_seconds_count",
        'sightline_run_seconds_count{release="colours@1"}',
        "sightline_queue_pictures 0.0",
        'sightline_serving{release="boxes@1"} 1.0',
    ):
        assert f"\n{line}" in text, line


def test_the_description_names_every_route(open_server: Running) -> None:
    described = open_server.ask("GET", "/openapi.json").json
    paths = described["paths"]
    assert isinstance(paths, dict)
    assert {"/v1/models/{name}/predict", "/v2/models/{name}/infer", "/metrics", "/docs"} <= paths.keys()
    page = open_server.ask("GET", "/docs")
    assert page.headers["content-type"].startswith("text/html")
    for path, methods in paths.items():
        assert page.body.decode().count(f"<code>{path}</code>") == len(methods)
