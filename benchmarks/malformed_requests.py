"""Requests that no good client sends, while others go on asking.

Wanted: no answer of 500 and above but 503, which means "come again"; no leak of connections, files,
memory or pictures that wait; the p99 of others at most doubled. In turn, each beside an open-loop load of a
quarter of the best throughput, whose p99 is compared with that before:

- 20,000 bodies for ``/v2/models/small/infer``: wrong shapes, sizes and types, negative and huge dimensions,
  lengths in the binary extension's header that are not those that follow, JSON that is none, deep or long;
- connections that are cut anywhere, and ones that send a byte now and then;
- 500 connections that say nothing;
- schemathesis over ``/openapi.json``, where ``--schemathesis`` names its command in an environment of its own
  (``python -m venv S && S/bin/pip install schemathesis``, then ``--schemathesis S/bin/schemathesis``).

Attackers run in a process of low priority on the same processors, one request after the other, so that the
figure is about the server rather than about how many processors the attackers have.

    python benchmarks/malformed_requests.py [--bodies 20000] [--schemathesis COMMAND]

Data: see ``served.py``.
"""

import argparse
import http.client
import json
import os
import random
import re
import socket
import struct
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from served import Server, Shop, open_files, serving, shop
from sightline.serve.load import Load, LoadResult, run_load
from sightline.settings import processor, settings

_PATH = "/v2/models/small/infer"
_SIDE = 224


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bodies", type=int, default=20_000)
    parser.add_argument("--schemathesis", type=Path)
    parser.add_argument("--attack", nargs=3, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.attack:
        kind, url, number = asked.attack
        ATTACKS[kind](url, int(number))
        return
    print(f"{settings().threads} processors; {processor()}")
    failed = False
    with shop() as made, serving(made.workspace.root, "small", "--capture-gb", 1) as server:
        best = run_load(Load(server.url, made.pictures, "small", seconds=5)).throughput
        calm(made, server, best, 5)
        before = calm(made, server, best, 30)
        usual, memory, files = before.percentile(99)[0], server.pss(), open_files(server.process.pid)
        print(
            f"best {best:.0f} pictures a second; others ask {best / 4:.0f}; their p99 {1000 * usual:.0f} ms"
        )
        for kind, number in (("bodies", asked.bodies), ("cut", 2000), ("slow", 50), ("idle", 500)):
            failed |= beside(made, server, best, usual, kind, attacker(kind, server.url, number))
        if asked.schemathesis:
            failed |= beside(
                made, server, best, usual, "schemathesis", schemathesis(asked.schemathesis, server.url)
            )
        else:
            print("schemathesis: skipped: --schemathesis says where it is")
        time.sleep(35)  # idle connections are cut after 30
        after = calm(made, server, best, 10)
        grown, left = (server.pss() - memory) / 1e6, open_files(server.process.pid) - files
        told = metrics(server.url)
        waiting = next(value for name, value in told.items() if name.startswith("sightline_queue_pictures"))
        errors = {name: value for name, value in told.items() if re.search(r'status="5(?!03)', name)}
        failed |= bool(errors)
        print(
            f"afterwards: {int((~after.answered).sum())} of {len(after.status)} requests failed, p99 "
            f"{1000 * after.percentile(99)[0]:.0f} ms; {grown:+.1f} MB, {left:+d} open files, "
            f"{waiting:.0f} waiting; answers of 500 and above but 503: {errors or 'none'}"
        )
    sys.exit(failed)


def calm(made: Shop, server: Server, best: float, seconds: float) -> LoadResult:
    return run_load(Load(server.url, made.pictures, "small", rate=best / 4, seconds=seconds))


def attacker(kind: str, url: str, number: int) -> list[str]:
    return [sys.executable, str(Path(__file__).resolve()), "--attack", kind, url, str(number)]


def schemathesis(command: Path, url: str) -> list[str]:
    return [
        str(command.resolve()), "run", f"{url}/openapi.json", "--checks", "not_a_server_error",
        "--workers", "1", "--max-examples", "200", "--generation-allow-x00", "true",
        "--suppress-health-check", "all",
    ]  # fmt: skip


def beside(made: Shop, server: Server, best: float, usual: float, kind: str, command: list[str]) -> bool:
    """Others' p99 while ``command`` attacks; whether anything was not as wanted."""
    began = time.monotonic()
    attack = subprocess.Popen(
        ["nice", "-n", "19", *command],
        cwd=made.workspace.root,  # where it may leave what it likes
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    results = []
    while attack.poll() is None:
        results.append(calm(made, server, best, 10))
    told = (attack.stdout.read() if attack.stdout else "").strip()
    answered = sum(int(each.answered.sum()) for each in results)
    total = sum(len(each.status) for each in results)
    # Of all seconds together, as one long look would have it.
    latencies = sorted(value for each in results for value in each.latency[each.answered].tolist())
    p99 = latencies[int(0.99 * (len(latencies) - 1))]
    counted = [line.strip() for line in told.splitlines() if "generated" in line]
    last = (counted or told.splitlines() or [""])[-1]
    print(
        f"{kind}: {time.monotonic() - began:.0f} s; {last}\n    others: {answered} of {total} answered, p99 "
        f"{1000 * p99:.0f} ms ({p99 / usual:.2f} times, wanted 2)"
    )
    # Schemathesis counts a deliberate 503 as an error; what the server counted decides.
    wrong = attack.returncode != 0 and kind != "schemathesis"
    if wrong:
        print("    " + "\n    ".join(told.splitlines()[-40:]))
    return wrong or answered < total or p99 > 2 * usual


def bodies(url: str, number: int) -> None:
    """``number`` strange bodies, and what became of them by status."""
    host, port = address(url)
    connection = http.client.HTTPConnection(host, port, timeout=60)
    told: Counter[int] = Counter()
    wrong = []
    for each in range(number):
        dice = random.Random(each)  # noqa: S311 - which body
        body, headers = strange(dice)
        while True:
            try:
                connection.request("POST", _PATH, body, headers)
                response = connection.getresponse()
                answer = response.read()
                break
            except (http.client.HTTPException, OSError):
                connection.close()
                connection = http.client.HTTPConnection(host, port, timeout=60)
        told[response.status] += 1
        if response.status >= 500 and response.status != 503:
            wrong.append((each, response.status, answer[:200]))
        if response.status != 200:
            json.loads(answer)["error"]
    for line in wrong[:20]:
        print(line)
    print(", ".join(f"{count} {status}" for status, count in sorted(told.items())))
    sys.exit(bool(wrong))


def strange(dice: random.Random) -> tuple[bytes, dict[str, str]]:
    """A body and its headers: a good one with up to three things wrong."""
    name, kind, shape, data = (
        ("input", "UINT8", [1, _SIDE, _SIDE, 3], bytes(_SIDE * _SIDE * 3))
        if dice.random() < 0.3
        else ("image", "BYTES", [1], struct.pack("<I", 9) + b"no JPEG..")
    )
    tensor: dict[str, object] = {"name": name, "datatype": kind, "shape": shape}
    binary = dice.random() < 0.7
    if binary:
        tensor["parameters"] = {"binary_data_size": len(data)}
    else:
        tensor["data"] = dice.choice([["text"], list(range(60)), [[1, 2], [3]], "no list", None, [1e400, -1]])
        data = b""
    request: dict[str, object] = {"id": "1", "inputs": [tensor]}
    for _ in range(dice.choice([1, 1, 1, 2, 3])):
        change(request, tensor, dice)
    head = json.dumps(request).encode()
    match dice.randrange(20):
        case 0:
            head = head[: dice.randrange(len(head))]
        case 1:
            head = b"[" * dice.choice([10, 1000, 200_000])
        case 2:
            place = dice.randrange(len(head))
            head = head[:place] + bytes([dice.randrange(256)]) + head[place + 1 :]
    headers = {"Content-Type": dice.choice(["application/octet-stream", "application/json"])}
    if binary or dice.random() < 0.1:
        length = dice.choice([len(head)] * 20 + [0, -1, len(head) + 1, len(head) + len(data) + 9, 2**63])
        told = dice.choice([str(length)] * 30 + ["x", "1e3", " 7", ""])
        headers["Inference-Header-Content-Length"] = told
    data = dice.choice([data] * 15 + [data[: len(data) // 2], data + b"more", b"", os.urandom(64)])
    return head + data, headers


OF_A_TENSOR: dict[str, list[object]] = {
    "shape": [
        *([], [0], [-1], [2**31], [2**63], [2**70], [1, -224, 224, 3], [10**9, 10**9], [1] * 1000, [1.5]),
        *(["1"], None, "1", {"a": 1}, [True], [[1]], [1, _SIDE, _SIDE, 4], [1, 3, _SIDE, _SIDE]),
    ],
    "datatype": ["FP32", "INT64", "BYTES", "UINT8", "BOOL", "", "no", None, 7, ["UINT8"]],
    "name": ["input", "image", "", "x" * 10_000, None, 1, "\ud800", "__proto__"],
    "parameters": [
        *({"binary_data_size": size} for size in (0, -1, 1, 13, 2**31, 2**63, 2**70, 1.5, "13", None, True)),
        *(None, 3, [], {"classification": 5}, {"shared_memory_region": "x"}),
    ],
}
OF_A_REQUEST: dict[str, list[object]] = {
    "inputs": [[], None, {}, [None], "inputs", [{}], [[]]],
    "outputs": [
        *(None, [], {}, [{}], [{"name": "no"}], [{"name": 1}], [{"name": "probabilities", "parameters": 1}]),
        *([{"name": "probabilities", "parameters": {"classification": n}}] for n in (-1, 2**70, "x", 3)),
    ],
    "id": [None, 1, [], "x" * 100_000],
    "parameters": [None, 1, [], {"timeout": -1}, {"timeout": 2**70}, {"priority": "x"}, {"sequence_id": 1}],
    "more": [1, {"a": {"b": {}}}],
}


def change(request: dict[str, object], tensor: dict[str, object], dice: random.Random) -> None:
    """One thing wrong."""
    if dice.random() < 0.1:
        request["inputs"] = [tensor] * dice.choice([0, 2, 500])
        return
    target, strange_values = dice.choice([(tensor, OF_A_TENSOR), (request, OF_A_REQUEST)])
    key = dice.choice(sorted(strange_values))
    target[key] = dice.choice(strange_values[key])


def cut(url: str, number: int) -> None:
    """Connections that end anywhere in a request, half of them with a reset."""
    whole = head(url, 20_000) + b"\r\n" + bytes(20_000)
    for each in range(number):
        dice = random.Random(each)  # noqa: S311 - where to cut
        with socket.create_connection(address(url), timeout=30) as connection:
            connection.sendall(whole[: dice.randrange(len(whole) if dice.random() < 0.5 else 200)])
            if dice.random() < 0.5:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    print(f"{number} connections cut")


def slow(url: str, number: int) -> None:
    """Connections that send a byte a second, of the head or of the body, until they are cut."""
    begun = head(url, 5000)
    opened = []
    for each in range(number):
        connection = socket.create_connection(address(url), timeout=30)
        connection.sendall(begun if each % 2 else begun + b"\r\n")
        connection.setblocking(False)
        opened.append(connection)
    ended, end = 0, time.monotonic() + 60
    while opened and time.monotonic() < end:
        time.sleep(1)
        for connection in list(opened):
            try:
                connection.send(b"x")
                gone = False
                while not gone:
                    gone = connection.recv(4096) == b""
            except BlockingIOError:
                continue
            except OSError:
                gone = True
            if gone:
                ended += 1
                connection.close()
                opened.remove(connection)
    print(f"{ended} of {number} slow connections were cut within a minute")


def idle(url: str, number: int) -> None:
    """Connections that say nothing."""
    opened = [socket.create_connection(address(url), timeout=30) for _ in range(number)]
    time.sleep(40)
    closed = 0
    for each in opened:
        each.settimeout(0.01)
        try:
            closed += each.recv(4096) == b"" or each.recv(4096) == b""
        except TimeoutError:
            continue
        except OSError:
            closed += 1
    print(f"{number} silent connections; {closed} were cut after 40 s")
    for each in opened:
        each.close()


ATTACKS: dict[str, Callable[[str, int], None]] = {"bodies": bodies, "cut": cut, "slow": slow, "idle": idle}


def head(url: str, length: int) -> bytes:
    """A request's lines without the empty one that ends them."""
    host = urlsplit(url).netloc
    return (
        f"POST /v1/models/small/predict HTTP/1.1\r\nHost: {host}\r\nContent-Type: image/jpeg\r\n"
        f"Content-Length: {length}\r\n"
    ).encode()


def address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or 0


def metrics(url: str) -> dict[str, float]:
    """What the server itself counted, by name and labels."""
    with urllib.request.urlopen(f"{url}/metrics", timeout=30) as answer:  # noqa: S310 - its own machine
        lines = answer.read().decode().splitlines()
    pairs = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: float(value) for name, _, value in pairs}


if __name__ == "__main__":
    main()
