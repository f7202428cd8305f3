"""What serving costs: CPU seconds a JPEG, throughput and p99 at 16 clients, beside the peers.

Wanted: the server's CPU seconds for one answered JPEG (500 x 375, MobileNetV2 in 8-bit integers), over its
process tree, at most 1.15 times those of decoding and running alone in one process, and 1.25 with answers
kept (``required``, records and embeddings); throughput above LitServe's and BentoML's with a p99 below, and
at least 0.94 of plain FastAPI's.

Alone means one process with a thread for each processor, each of which decodes a picture and runs the model
on it; four pictures at a time is printed beside it, for where batches are cheaper a server gains by them.
Servers and load share the processors; each has its default number of workers (sightline: a lane and a
decoding process a processor). The load is sightline's own, 16 clients, in this process, and not counted.
All take turns; figures are medians over rounds of ratios within a round. Data: see ``served.py``.
``--rounds N``, ``--seconds S``, ``--peers FOLDER`` (an environment with litserve, bentoml and fastapi; else
one is made and deleted; ``none`` leaves them out).
"""

import argparse
import os
import signal
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
import urllib.error
import urllib.request
import venv
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np

from served import Server, Shop, serving, shop, tree
from sightline.infer.predictor import Predictor
from sightline.pixels.model_input import ModelInput, model_input
from sightline.serve.load import Load, run_load
from sightline.settings import processor, settings

PORT = 18_400
_FORMS = ("litserve", "bentoml")
"""Peers that take a picture as a form's file alone."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--peers", default="")
    asked = parser.parse_args()
    print(f"{settings().threads} processors; {processor()}")
    with shop() as made, environment(asked.peers) as peers, ExitStack() as stack:
        servers = {
            "sightline": stack.enter_context(serving(made.workspace.root, "small", "--capture", "off")),
            "sightline, answers kept": stack.enter_context(serving(made.workspace.root, "small")),
        }
        if peers is not None:
            model = made.workspace.root / "small.onnx"
            model.write_bytes(made.workspace.bundle("small").model)
            for number, name in enumerate(("fastapi", "litserve", "bentoml")):
                servers[name] = stack.enter_context(peer(name, peers, model, PORT + number))
        compare(made, servers, asked.rounds, asked.seconds)


def compare(made: Shop, servers: dict[str, Server], rounds: int, seconds: float) -> None:
    predictor = Predictor(made.workspace.bundle("small"), threads=1)
    cost, rate, p99 = (defaultdict[str, list[float]](list) for _ in range(3))
    for name, each in servers.items():
        ask(each, made.pictures, 2.0, form=name in _FORMS)
        signal_all(each, signal.SIGSTOP)
    alone(predictor, made.pictures, 2.0)
    for _ in range(rounds):
        cpu, speed = alone(predictor, made.pictures, seconds)
        batched, quick = alone(predictor, made.pictures, seconds, predictor.batch_size)
        print(
            f"alone: {1000 * cpu:.2f} ms of CPU a picture, {speed:.0f} pictures a second; by "
            f"{predictor.batch_size}: {1000 * batched:.2f} ms, {quick:.0f}",
            flush=True,
        )
        for name, server in servers.items():
            signal_all(server, signal.SIGCONT)
            taken, throughput, late = ask(server, made.pictures, seconds, form=name in _FORMS)
            signal_all(server, signal.SIGSTOP)
            cost[name].append(taken / cpu)
            rate[name].append(throughput / speed)
            p99[name].append(1000 * late)
    for name in servers:
        print(
            f"{name}: {median(cost[name]):.3f} times the CPU of decoding and running alone "
            f"({min(cost[name]):.3f} to {max(cost[name]):.3f}), {median(rate[name]):.3f} of their "
            f"throughput, p99 {median(p99[name]):.0f} ms"
        )
    for each in servers.values():
        signal_all(each, signal.SIGCONT)
    ours = rate["sightline"]
    for name in servers:
        if not name.startswith("sightline"):
            ratio = median(a / b for a, b in zip(ours, rate[name], strict=True))
            late = median(a / b for a, b in zip(p99["sightline"], p99[name], strict=True))
            print(f"sightline against {name}: {ratio:.3f} of the throughput, {late:.3f} of the p99")


def ask(
    server: Server, pictures: Sequence[bytes], seconds: float, *, form: bool = False
) -> tuple[float, float, float]:
    """CPU seconds of the server for an answered picture, answers a second, p99 in seconds."""
    load = Load(server.url, pictures, "small", clients=16, seconds=seconds)
    if form:
        media_type = "multipart/form-data; boundary=cut"
        load = replace(load, pictures=[as_form(each) for each in pictures], media_type=media_type)
    before = server.cpu_seconds()
    result = run_load(load)
    answered = int(result.answered.sum())
    assert answered == len(result.status), (result.failures, result.status)
    return (server.cpu_seconds() - before) / answered, result.throughput, result.percentile(99)[0]


def signal_all(server: Server, number: signal.Signals) -> None:
    """Stop those whose turn it is not: some poll when they have nothing to do."""
    for pid in tree(server.process.pid):
        os.kill(pid, number)


def as_form(picture: bytes) -> bytes:
    head = b'--cut\r\nContent-Disposition: form-data; name="pictures"; filename="a.jpg"\r\n'
    return head + b"Content-Type: image/jpeg\r\n\r\n" + picture + b"\r\n--cut--\r\n"


def alone(
    predictor: Predictor, pictures: Sequence[bytes], seconds: float, size: int = 1
) -> tuple[float, float]:
    """CPU seconds a picture of decoding and running, and pictures a second, with all processors."""
    recipe = predictor.manifest.contract.pixels
    done = [0] * settings().threads
    until = time.perf_counter() + seconds

    def work(thread: int) -> None:
        place = thread * 100
        while time.perf_counter() < until:
            some = [model_input(pictures[(place + n) % len(pictures)], recipe) for n in range(size)]
            predictor.run(np.stack([each.pixels for each in some if isinstance(each, ModelInput)]))
            place += size
            done[thread] += size

    began, before = time.perf_counter(), time.process_time()
    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(done))]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return (time.process_time() - before) / sum(done), sum(done) / (time.perf_counter() - began)


@contextmanager
def environment(wanted: str) -> Iterator[Path | None]:
    """The peers' python, or None."""
    if wanted == "none":
        yield None
    elif wanted:
        yield _beside(Path(wanted))
    else:
        with tempfile.TemporaryDirectory(prefix="peers-") as name:
            venv.create(name, with_pip=True)
            command = [f"{name}/bin/pip", "install", "--quiet", "litserve", "bentoml", "fastapi"]
            if subprocess.run(command, check=False).returncode:
                print("the peers are left out: they cannot be installed here")
                yield None
            else:
                yield _beside(Path(name))


def _beside(folder: Path) -> Path:
    """Let the environment's own packages come first, and what is here be found behind them."""
    (own,) = folder.glob("lib/python*/site-packages")
    places = [
        sysconfig.get_paths()["purelib"],
        str(Path(__file__).parents[1] / "src"),
        str(Path(__file__).parent),
    ]
    (own / "beside.pth").write_text("\n".join(places))
    return folder / "bin" / "python"


@contextmanager
def peer(name: str, python: Path, model: Path, port: int) -> Iterator[Server]:
    folder = model.parent
    command = [str(python), str(Path(__file__).with_name(f"peer_{name}.py")), str(port)]
    if name == "bentoml":
        command = [str(python), "-m", "bentoml", "serve", "peer_bentoml:Classifier", "--port", str(port)]
    told = {"PEER_MODEL": str(model), "BENTOML_DO_NOT_TRACK": "True", "BENTOML_HOME": str(folder)}
    environment = {**os.environ, **told}
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=Path(__file__).parent,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        wait(f"http://127.0.0.1:{port}/", process, folder / f"{name}.log")
        yield Server(process, f"http://127.0.0.1:{port}")
    finally:
        os.killpg(process.pid, 15)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait()


def wait(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(1200):
        if process.poll() is not None:
            sys.exit(f"a peer ended: {log.read_text()}")
        try:
            urllib.request.urlopen(url, timeout=5)  # noqa: S310 - its own machine
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
        else:
            return
    sys.exit(f"a peer did not begin to serve: {log.read_text()}")


if __name__ == "__main__":
    main()
