"""Decoding in processes that may die: the same answers, and no death of the caller."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sightline.pixels import decode, fingerprint, isolated, model_input
from sightline.pixels.isolated import Decoders
from sightline.values.contract import PixelRecipe
from sightline.values.image import Picture, Size, Undecodable

RECIPES = (
    PixelRecipe(Size(32, 24)),
    PixelRecipe(Size(32, 24), "letterbox", fill=7),
    PixelRecipe(Size(32, 24), "crop", crop_fraction=0.5),
)
WORKER = "import os, sightline.pixels.decoding_worker as worker"


@pytest.fixture
def decoders(monkeypatch: pytest.MonkeyPatch) -> Iterator[Decoders]:
    """Workers of this test's own, which other starts and limits may be given to."""
    own = Decoders(4)
    monkeypatch.setattr(isolated, "_decoders", lambda: own)
    yield own
    own.close()


def started_as(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have workers run ``code`` before their ``main``."""
    monkeypatch.setattr(isolated, "_START", f"{WORKER}; {code}; worker.main()")


def refusal(answer: object) -> str:
    assert isinstance(answer, Undecodable)
    return answer.reason


def test_the_same_answers_as_in_this_process(files: dict[str, bytes]) -> None:
    for data in (*files.values(), b"", b"text", next(iter(files.values()))[:40]):
        assert isolated.fingerprint(data) == fingerprint.fingerprint(data)
        for at_least in (None, Size(8, 8)):
            ours, theirs = decode.decode(data, at_least), isolated.decode(data, at_least)
            if isinstance(ours, Picture) and isinstance(theirs, Picture):
                assert np.array_equal(ours.pixels, theirs.pixels)
                assert (ours.original, ours.extent) == (theirs.original, theirs.extent)
            else:
                assert ours == theirs
        for recipe in RECIPES:
            one, other = model_input.model_input(data, recipe), isolated.model_input(data, recipe)
            if isinstance(one, Undecodable) or isinstance(other, Undecodable):
                assert one == other
            else:
                assert np.array_equal(one.pixels, other.pixels)
                assert one.original == other.original
                assert other.pixels.flags.writeable


def test_a_worker_that_was_killed_is_replaced(decoders: Decoders, files: dict[str, bytes]) -> None:
    data = next(iter(files.values()))
    for _ in range(3):
        assert isinstance(isolated.decode(data), Picture)
        (worker,) = decoders._idle
        os.kill(worker._process.pid, signal.SIGKILL)
    assert isinstance(isolated.decode(data), Picture)


@pytest.mark.usefixtures("decoders")
def test_what_ends_a_decoder_is_undecodable(files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    started_as("worker.decode = lambda data: os.abort()", monkeypatch)
    assert "ends the decoder (SIGABRT)" in refusal(isolated.decode(next(iter(files.values()))))
    started_as("worker.decode = lambda data: os._exit(3)", monkeypatch)
    assert "ends the decoder (exit status 3)" in refusal(isolated.decode(next(iter(files.values()))))


@pytest.mark.usefixtures("decoders")
def test_time_is_limited(files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    started_as("worker._SECONDS = (0.2, 0.2); worker.decode = lambda data: sum(iter(int, 1))", monkeypatch)
    assert "took more than 2 s" in refusal(isolated.decode(next(iter(files.values()))))


@pytest.mark.usefixtures("decoders")
def test_waiting_is_limited(files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    started_as("import time; worker.decode = lambda data: time.sleep(60)", monkeypatch)
    monkeypatch.setattr(isolated, "_PATIENCE", 0.5)
    assert "no answer in time" in refusal(isolated.decode(next(iter(files.values()))))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits a process's memory")
@pytest.mark.usefixtures("decoders")
def test_memory_is_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("RGB", (4000, 3000)).save(tmp_path / "large.png")
    data = (tmp_path / "large.png").read_bytes()
    assert isinstance(isolated.decode(data), Picture)
    started_as("worker._BYTES = (20_000_000, 20_000_000)", monkeypatch)
    isolated._decoders().close()
    assert refusal(isolated.decode(data)) == "not enough memory to decode the PNG file"


@pytest.mark.parametrize(
    "answer",
    [
        "{}, b''",
        "{'shape': [9, 9, 3], 'size': [9, 9], 'extent': None}, b'short'",
        "{'shape': 'x', 'size': [9, 9], 'extent': None}, b''",
        "{'declared': 'x'}, b''",
    ],
)
@pytest.mark.usefixtures("decoders")
def test_an_answer_that_makes_no_sense_is_not_believed(
    answer: str, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    started_as(f"worker._answered = lambda value: ({answer})", monkeypatch)
    assert "makes no sense" in refusal(isolated.decode(next(iter(files.values()))))


def test_large_pictures_are_decoded_one_at_a_time(
    decoders: Decoders, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    running, most = 0, 0

    class Counting:
        lock = threading.Lock()

        def __enter__(self) -> None:
            nonlocal running, most
            self.lock.acquire()
            running += 1
            most = max(most, running)

        def __exit__(self, *_: object) -> None:
            nonlocal running
            running -= 1
            self.lock.release()

    monkeypatch.setattr(decoders, "_large", Counting())
    started_as("worker.LARGE_PIXELS = 10", monkeypatch)
    data = next(iter(files.values()))
    with ThreadPoolExecutor(4) as pool:
        assert all(isinstance(each, Picture) for each in pool.map(isolated.decode, [data] * 12))
    assert most == 1


def test_workers_end_with_their_parent(files: dict[str, bytes], tmp_path: Path) -> None:
    (tmp_path / "picture").write_bytes(next(iter(files.values())))
    code = (
        "import sys, time; from pathlib import Path; from sightline.pixels import isolated\n"
        "isolated.decode(Path(sys.argv[1]).read_bytes())\n"
        "print(isolated._shared[0][1]._idle[0]._process.pid, flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "picture")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        parent.kill()
    deadline = time.monotonic() + 20
    while _lives(worker):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _lives(process: int) -> bool:
    state = Path(f"/proc/{process}/stat")
    if state.is_file():
        return state.read_text().rpartition(")")[2].split()[0] != "Z"
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return not Path("/proc/self").exists()
