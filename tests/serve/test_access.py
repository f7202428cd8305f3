"""Who may do what: every route, every role, every state of a token, both modes."""

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from starlette.datastructures import Headers
from starlette.routing import BaseRoute, Route

from colours import png, release
from servers import Running, serving, until
from sightline.registry.permissions import may
from sightline.serve import gate as module
from sightline.serve.gate import Gate
from sightline.serve.limits import Limits
from sightline.serve.plane import DataPlane
from sightline.serve.recording import Forgetful
from sightline.serve.rest.app import all_endpoints, make_app
from sightline.serve.rest.endpoints import Endpoint
from sightline.serve.rest.refusals import Refusal
from sightline.serve.telemetry import Telemetry
from sightline.values.access import ROLES, Caller, Role
from sightline.workspace import Workspace

EVERYWHERE = "0.0.0.0"  # noqa: S104 - on purpose
STATES = ("none", "valid", "wrong", "expired", "revoked")


def _text(route: BaseRoute) -> str:
    assert isinstance(route, Route)
    return f"{route.app.endpoint.method} {route.path}"  # type: ignore[attr-defined]  # the gate's own


def endpoints() -> tuple[tuple[Endpoint, ...], list[str]]:
    """All endpoints, and the paths of all routes of the application that is really served."""

    async def made() -> tuple[tuple[Endpoint, ...], list[str]]:
        plane = DataPlane(Limits(), Telemetry(), Forgetful())
        app = make_app(plane, Gate(None, loopback=True))
        routes = [_text(each) for each in app.routes]
        found = all_endpoints(plane)
        await plane.close()
        return found, routes

    return asyncio.run(made())


ENDPOINTS, ROUTES = endpoints()


def test_another_method_or_place_is_told(open_server: Running) -> None:
    wrong = open_server.ask("DELETE", "/v1/models/colours")
    assert (wrong.status, wrong.headers["allow"]) == (405, "GET")
    assert "only GET" in str(wrong.json["error"])
    assert open_server.ask("HEAD", "/v1/models/colours").status == 200
    for nowhere in ("/", "/v1/models/", "/v1/models/colours/predict/", "/v3"):
        assert "nothing here" in str(open_server.ask("GET", nowhere).json["error"])


def test_there_is_no_route_beside_those_with_a_permission() -> None:
    assert sorted(ROUTES) == sorted(f"{each.method} {each.path}" for each in ENDPOINTS)


@dataclass(frozen=True)
class Closed:
    """A server with tokens: by role and state."""

    server: Running
    tokens: dict[tuple[Role, str], str]


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Closed]:
    folder = tmp_path_factory.mktemp("closed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIGHTLINE_CONFIG_DIR", str(folder / "config"))
        workspace = Workspace.init(folder / "shop")
        release(workspace.registry)
        workspace.registry.promote("colours", 1)
        access, tokens = workspace.access, {}
        for role in ROLES:
            for state in ("valid", "expired", "revoked"):
                days = 1.5 / 86_400 if state == "expired" else None
                tokens[role, state] = access.make(f"{role}-{state}", role, days)[1]
            access.revoke(f"{role}-revoked")
            valid = tokens[role, "valid"]
            tokens[role, "wrong"] = access.make(f"{role}-gone", role)[1][:20] + valid[20:]
        time.sleep(1.6)
        with serving(workspace.root) as running:
            yield Closed(running, tokens)


def status(server: Running, endpoint: Endpoint, token: str | None) -> int:
    path = endpoint.path.format(name="colours", version=1)
    headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
    body = png((1, 2, 3)) if endpoint.method == "POST" else None
    return server.ask(endpoint.method, path, body, headers | {"Content-Type": "image/png"}).status


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("role", ROLES)
def test_a_closed_server_does_what_the_table_says(closed: Closed, role: Role, state: str) -> None:
    caller: Caller = role if state == "valid" else "anonymous"
    for endpoint in ENDPOINTS:
        got = status(closed.server, endpoint, closed.tokens.get((role, state)))
        if may(caller, endpoint.action):
            assert got not in (401, 403), (endpoint.path, got)
        else:
            assert got == (403 if state == "valid" else 401), (endpoint.path, got)


def test_anonymous_callers_of_a_closed_server_get_health_alone(closed: Closed) -> None:
    allowed = {each.path for each in ENDPOINTS if status(closed.server, each, None) != 401}
    assert allowed == {"/v2/health/live", "/v2/health/ready"}


@pytest.mark.parametrize("state", ["none", "wrong"])
def test_everybody_is_an_operator_of_an_open_server(open_server: Running, state: str) -> None:
    # No token exists, so none can be valid, expired or revoked.
    token = "sightline_0" if state == "wrong" else None
    for endpoint in ENDPOINTS:
        assert may("operator", endpoint.action)
        assert status(open_server, endpoint, token) not in (401, 403), endpoint.path


def test_a_refusal_tells_the_reason_and_the_way_out(closed: Closed) -> None:
    ask = closed.server.ask
    missing = ask("GET", "/v1/models")
    assert missing.headers["www-authenticate"] == "Bearer"
    assert "sightline token make" in str(missing.json["error"])
    for state, says in (("expired", "has expired"), ("revoked", "was revoked"), ("wrong", "is not known")):
        headers = {"Authorization": f"Bearer {closed.tokens['admin', state]}"}
        refused = ask("GET", "/v1/models", headers=headers)
        assert says in str(refused.json["error"])
        assert refused.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    viewer = {"Authorization": f"Bearer {closed.tokens['viewer', 'valid']}", "Content-Type": "image/png"}
    assert ask("POST", "/v1/models/colours/predict", png((1, 2, 3)), viewer).json == {
        "error": "viewer may not: predict"
    }


def test_the_log_names_the_token_and_keeps_its_secret(closed: Closed) -> None:
    text = closed.tokens["operator", "valid"]
    asked = closed.server.ask("GET", "/v1/models", headers={"Authorization": f"Bearer {text}"})
    name = asked.headers["x-request-id"]

    def lines() -> list[dict[str, object]]:
        return [each for each in closed.server.events() if each.get("request") == name]

    until(lambda: bool(lines()))  # it is written when the answer is away
    assert [each["who"] for each in lines()] == ["operator-valid"]
    log = closed.server.log.read_text()
    assert not [each for each in closed.tokens.values() if each.rpartition("_")[2] in log]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "localhost:1"}, 200),
        ({"Host": "192.168.0.7"}, 200),
        ({"Host": "[::1]:80"}, 200),
        ({"Host": "evil.example"}, 403),
        ({"Host": "localhost.evil.example"}, 403),
        ({"Host": "["}, 403),
        ({"Host": "localhost", "Origin": "http://localhost"}, 200),
        ({"Host": "localhost", "Origin": "http://evil.example"}, 403),
        ({"Host": "localhost:1", "Origin": "http://localhost:2"}, 403),
        ({"Host": "localhost", "Origin": "null"}, 403),
    ],
)
def test_pages_from_elsewhere_cannot_use_an_open_server(
    open_server: Running, headers: dict[str, str], status: int
) -> None:
    assert open_server.ask("GET", "/v1/models", headers=headers).status == status


def test_off_loopback_a_server_is_closed_until_it_is_opened_on_purpose(shop: Workspace) -> None:
    with serving(shop.root, "--host", EVERYWHERE) as running:
        assert running.ask("GET", "/v2/health/ready").status == 200
        assert running.predict(png((1, 2, 3))).status == 401
        assert any("closed" in str(each["event"]) for each in running.events())
    with serving(shop.root, "--host", EVERYWHERE, "--insecure-no-tokens") as running:
        assert running.predict(png((1, 2, 3))).status == 200
        assert running.ask("GET", "/metrics").status == 403
        assert running.ask("GET", "/v1/models", headers={"Host": "evil.example"}).status == 403


def test_the_first_token_closes_a_running_server_and_a_revoked_one_stops_working(shop: Workspace) -> None:
    with serving(shop.root) as running:
        assert running.predict(png((1, 2, 3))).status == 200
        token, text = shop.access.make("camera", "predictor")
        headers = {"Authorization": f"Bearer {text}"}
        until(lambda: running.ask("GET", "/v1/models").status == 401)
        assert running.ask("GET", "/v1/models", headers=headers).status == 200
        shop.access.revoke(token.id)
        until(lambda: running.ask("GET", "/v1/models", headers=headers).status == 401)


def test_tokens_are_checked_for_some_minutes_after_the_catalogue_has_failed(
    shop: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, text = shop.access.make("camera", "predictor")
    gate = Gate(shop.access, loopback=True)
    headers = Headers({"authorization": f"Bearer {text}"})
    shop.layout.internal.joinpath("catalogue.sqlite").write_bytes(b"no database")
    for left in shop.layout.internal.glob("catalogue.sqlite-*"):
        left.unlink()
    gate.refresh()
    assert gate.check(headers, "predict") == "camera"
    monkeypatch.setattr(module, "_OLDEST_SECONDS", -1.0)
    with pytest.raises(Refusal, match="cannot be read") as refused:
        gate.check(headers, "predict")
    assert refused.value.status == 503
    gate.check(headers, "health")


def test_json_logs_are_json(open_server: Running) -> None:
    for line in open_server.log.read_text().splitlines():
        json.loads(line)
