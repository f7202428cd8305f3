"""A server's life: start, promotion, limits, slow and cut connections, the end."""

import json
import socket
import threading
from collections.abc import Sequence
from http.client import HTTPConnection
from pathlib import Path

import pytest

from colours import png, release
from command_line import run
from servers import Running, serving, until
from sightline.workspace import Workspace

RED = png((250, 10, 10))


def test_nothing_in_production_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = Workspace.init(tmp_path)
    release(workspace.registry)
    monkeypatch.chdir(tmp_path)
    assert "nothing is in production" in run("serve", "--port", 0).refusal
    assert "colours@7" in run("serve", "colours@7", "--port", 0).refusal


def test_an_address_in_use_is_told(shop: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shop.root)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        refusal = run("serve", "--port", taken.getsockname()[1]).refusal
    assert "Address already in use" in refusal


def test_versions_stages_and_variants_are_served_side_by_side(shop: Workspace) -> None:
    release(shop.registry, scale=0.02)
    with serving(shop.root, "colours/int8", "colours@2") as running:
        served = [each["release"] for each in _models(running)]
        assert served == ["colours@1/int8", "colours@2"]
        usual, second = running.predict(RED).json, running.predict(RED, query="?version=2").json
    assert usual["release"] == "colours@1/int8"
    assert second["release"] == "colours@2"
    assert usual["score"] != second["score"]


def test_a_sealed_file_is_served_alone(shop: Workspace, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with serving(elsewhere, shop.root / "models" / "colours-1.sight") as running:
        assert running.predict(RED).json["label"] == "red"


def test_a_promotion_takes_over_without_a_failed_request(shop: Workspace) -> None:
    release(shop.registry, scale=0.02)
    with serving(shop.root) as running:
        answers: list[tuple[int, object, object]] = []
        done = threading.Event()

        def keep_asking() -> None:
            while not done.is_set():
                answer = running.predict(RED)
                answers.append((answer.status, answer.json.get("release"), answer.json.get("score")))

        askers = [threading.Thread(target=keep_asking) for _ in range(4)]
        for each in askers:
            each.start()
        until(lambda: len(answers) > 20)
        shop.registry.promote("colours", 2, force_reason="a test")
        until(lambda: any(released == "colours@2" for _, released, _ in answers))
        before = len(answers)
        until(lambda: len(answers) > before + 20)
        done.set()
        for each in askers:
            each.join()
        assert {status for status, _, _ in answers} == {200}
        # No answer mixes versions: each release has one score for this picture.
        assert len({(released, score) for _, released, score in answers}) == 2
        assert [each["release"] for each in _models(running)] == ["colours@2"]
        assert b'sightline_serving{release="colours@1"} 0.0' in running.ask("GET", "/metrics").body


def test_a_release_that_cannot_be_served_leaves_what_was(shop: Workspace) -> None:
    release(shop.registry, scale=0.02)  # without the variant
    with serving(shop.root, "colours/int8") as running:
        shop.registry.promote("colours", 2, force_reason="a test")
        until(lambda: any("cannot be served" in str(each["event"]) for each in running.events()))
        assert running.predict(RED).json["release"] == "colours@1/int8"


def test_what_is_too_large_is_refused(shop: Workspace) -> None:
    with serving(shop.root, "--body-mb", 0.01, "--megapixels", 0.001, "--queue", 3) as running:
        path, kind = "/v1/models/colours/predict", {"Content-Type": "image/png"}
        assert running.ask("POST", path, bytes(20_000), kind).status == 413
        connection = HTTPConnection(*running.address)
        connection.request("POST", path, iter([bytes(6_000), bytes(6_000)]), kind, encode_chunked=True)
        assert connection.getresponse().status == 413
        connection.close()
        many = running.predict(png((1, 1, 1), (40, 40)))
        assert many.status == 422
        assert "1,600" in str(many.json["error"]) or "pixels" in str(many.json["error"])
        four = json.dumps({"pictures": [{"data": ""}] * 4}).encode()
        asked = running.ask("POST", path, four, {"Content-Type": "application/json"})
        assert asked.status == 413
        assert "may bring 3 pictures" in str(asked.json["error"])


def test_what_cannot_wait_is_sent_away_and_told_when_to_come_again(shop: Workspace) -> None:
    # Batches wait a second to become full, so one picture fills the queue for that long.
    with serving(shop.root, "--queue", 1, "--batch-wait-ms", 1000) as running:
        first: list[int] = []
        waiting = threading.Thread(target=lambda: first.append(running.predict(RED).status))
        waiting.start()
        until(lambda: b"sightline_queue_pictures 1.0" in running.ask("GET", "/metrics").body)
        refused = running.predict(RED)
        waiting.join()
        assert first == [200]
        assert refused.status == 429
        assert int(refused.headers["retry-after"]) >= 1
        late = running.predict(RED, query="?timeout_ms=50")
        assert late.status == 503
        assert int(late.headers["retry-after"]) >= 1


_LIMITED = """
import sys
from pathlib import Path
from sightline.serve.following import Follower, Shelf
from sightline.serve.limits import Limits
from sightline.serve.server import Address, Door, serve
from sightline.workspace import Workspace
workspace = Workspace.open()
shelf = Shelf(workspace.registry, workspace.layout, [])
serve(Address(port=0), Door(), Follower(shelf), Limits(head_seconds=1, body_seconds=1), None)
"""


def test_slow_and_silent_connections_are_cut_and_others_go_on(shop: Workspace) -> None:
    with serving(shop.root, program=("-c", _LIMITED)) as running:
        silent = [socket.create_connection(running.address) for _ in range(50)]
        half = socket.create_connection(running.address)
        half.sendall(b"GET /v1/models HT")
        slow = socket.create_connection(running.address)
        slow.sendall(b"POST /v1/models/colours/predict HTTP/1.1\r\nHost: localhost\r\n")
        slow.sendall(b"Content-Type: image/png\r\nContent-Length: 1000\r\n\r\nsome")
        assert running.predict(RED).status == 200
        for each in [*silent, half]:
            each.settimeout(30)
            assert each.recv(1000) == b""
            each.close()
        slow.settimeout(30)
        assert slow.recv(1000).startswith(b"HTTP/1.1 408")
        slow.close()
        assert running.predict(RED).status == 200


def test_a_body_that_is_cut_off_harms_nobody(shop: Workspace) -> None:
    with serving(shop.root) as running:
        for _ in range(20):
            with socket.create_connection(running.address) as cut:
                cut.sendall(b"POST /v1/models/colours/predict HTTP/1.1\r\nHost: localhost\r\n")
                cut.sendall(b"Content-Type: image/png\r\nContent-Length: 1000\r\n\r\nsome")
        assert running.predict(RED).status == 200
        assert not [each for each in running.events() if each["level"] == "error"]


def test_sigterm_finishes_what_was_begun(shop: Workspace) -> None:
    with serving(shop.root) as running:
        begun = socket.create_connection(running.address)
        head = b"POST /v1/models/colours/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
        begun.sendall(head + f"Content-Length: {len(RED)}\r\n\r\n".encode() + RED[:20])
        until(lambda: running.ask("GET", "/v2/health/ready").status == 200)
        running.process.terminate()
        until(lambda: any(each["event"] == "stopping" for each in running.events()))
        begun.sendall(RED[20:])
        begun.settimeout(30)
        answer = b""
        while not answer.endswith(b"}"):
            part = begun.recv(10_000)
            assert part, answer
            answer += part
        begun.close()
        assert answer.startswith(b"HTTP/1.1 200")
        assert b'"label":"red"' in answer
        assert running.stop() == 0
        assert running.events()[-1]["event"] == "stopped"
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(running.address)


def test_tls(shop: Workspace, tmp_path: Path) -> None:
    import ssl

    certificate, key = _certificate(tmp_path)
    with serving(shop.root, "--tls-certificate", certificate, "--tls-key", key) as running:
        assert running.url.startswith("https://")
        trusting = ssl.create_default_context(cafile=certificate)
        with (
            socket.create_connection(running.address) as plain,
            trusting.wrap_socket(plain, server_hostname="localhost") as secure,
        ):
            secure.sendall(b"GET /v2/health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert secure.recv(1000).startswith(b"HTTP/1.1 200")


def test_tls_wants_both_files(shop: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shop.root)
    certificate, key = _certificate(tmp_path)
    assert "both a certificate and its private key" in run("serve", "--tls-certificate", certificate).refusal
    swapped = run("serve", "--port", 0, "--tls-certificate", key, "--tls-key", certificate)
    assert "certificate" in swapped.refusal


def _models(running: Running) -> Sequence[dict[str, object]]:
    models = running.ask("GET", "/v1/models").json["models"]
    assert isinstance(models, list)
    return models


def _certificate(folder: Path) -> tuple[Path, Path]:
    """One for localhost, signed by itself."""
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return files
