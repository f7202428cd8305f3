"""What a server keeps, and what it does when it cannot."""

import json
import signal
from pathlib import Path

import pytest

from colours import png, release_boxes
from command_line import run
from servers import Running, serving, until
from sightline.workspace import Workspace

RED = png((250, 10, 10))


def tell(running: Running, told: object) -> tuple[int, str]:
    body = told if isinstance(told, bytes) else json.dumps(told).encode()
    answer = running.ask("POST", "/v1/feedback", body, {"Content-Type": "application/json"})
    return answer.status, answer.body.decode()


def test_an_answer_is_kept_with_its_embedding_and_told_the_truth(
    shop: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    release_boxes(shop.registry)
    shop.registry.promote("boxes", 1)
    with serving(shop.root, "--capture-pictures", 1) as running:
        name = str(running.predict(RED).json["id"])
        found = str(running.predict(RED, "boxes").json["id"])
        kept = shop.predictions.find(name)
        assert (kept.id, kept.prediction.release, kept.picture) == (name, "colours@1", RED)
        assert kept.embedding is not None
        assert kept.embedding.tolist() == pytest.approx([250, 10, 10], abs=1)
        assert tell(running, {"id": name, "label": "green"})[0] == 200
        assert tell(running, {"id": found, "objects": [{"label": "right", "box": [1, 2, 3.5, 4]}]})[0] == 200
        truths = {each.id: each for each in shop.predictions.truths()}
        assert (truths[name].labels, truths[name].who) == (("green",), "anonymous")
        boxes = truths[found].boxes
        assert boxes is not None
        assert boxes.xyxy.tolist() == [[1, 2, 3.5, 4]]
        for told, status, says in (
            ({"id": "0" * 16 + "-1", "label": "red"}, 404, "is kept"),
            ({"id": name, "label": "pink"}, 422, "colours has no class 'pink'; it has: red, green, blue"),
            ({"id": name, "objects": []}, 422, "is a label"),
            ({"id": found, "label": "left"}, 422, "is objects"),
            ({"id": found, "objects": [{"label": "left", "box": [3, 3, 1, 1]}]}, 422, "before its left"),
            ({"id": name}, 422, "either a label or"),
            ({"id": name, "label": 7}, 422, "label"),
            (b"no", 422, "not as it should be"),
        ):
            answer = tell(running, told)
            assert answer[0] == status, answer
            assert says in answer[1]
        monkeypatch.chdir(shop.root)
        assert run("forget", name).out == f"{name} is forgotten\n"
        assert tell(running, {"id": name, "label": "red"})[0] == 404
    assert "is kept" in run("forget", "nothing").refusal


def test_an_answer_that_cannot_be_kept_is_not_given_unless_that_is_wanted(shop: Workspace) -> None:
    with serving(shop.root) as running:
        folder = shop.layout.predictions
        folder.rename(folder.with_name("away"))
        folder.write_text("in the way")
        assert [running.predict(RED).status for _ in range(3)] == [507] * 3
        refused = running.predict(RED)
        assert "cannot keep an answer" in str(refused.json["error"])
        assert running.ask("GET", "/v2/health/ready").status == 503
        folder.unlink()
        folder.mkdir()
        until(lambda: running.ask("GET", "/v2/health/ready").status == 200)
        assert running.predict(RED).status == 200


def test_best_effort_answers_and_counts_what_is_not_kept(shop: Workspace) -> None:
    with serving(shop.root, "--capture", "best-effort") as running:
        folder = shop.layout.predictions
        folder.rename(folder.with_name("away"))
        assert running.predict(RED).status == 200
        until(lambda: b"sightline_uncaptured_pictures_total 1.0" in running.ask("GET", "/metrics").body)
        assert any("answers cannot be kept" in str(each["event"]) for each in running.events())


def test_nothing_is_kept_where_nobody_wants_it(shop: Workspace, tmp_path: Path) -> None:
    with serving(shop.root, "--capture", "off") as running:
        name = running.predict(RED).json["id"]
        assert not shop.layout.predictions.exists()
        status, text = tell(running, {"id": name, "label": "red"})
        assert status == 404
        assert "keeps no answers" in text


def test_a_sealed_file_outside_a_workspace_has_nowhere_to_keep_answers(
    shop: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = shop.root / "models" / "colours-1.sight"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert "are kept in a workspace" in run("serve", file, "--capture", "required", "--port", 0).refusal


def test_acknowledged_answers_survive_a_kill_of_the_server(shop: Workspace) -> None:
    acknowledged: list[str] = []
    for _ in range(3):
        with serving(shop.root) as running:
            acknowledged += [str(running.predict(RED).json["id"]) for _ in range(10)]
            running.process.send_signal(signal.SIGKILL)
            assert running.process.wait(60) == -signal.SIGKILL
    found = [each.id for each in shop.predictions.answers()]
    assert sorted(found) == sorted(acknowledged)
