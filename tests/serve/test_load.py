"""The load tool: what it counts, against real servers."""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from colours import png
from command_line import run
from servers import Running
from sightline.errors import InputError
from sightline.serve.load import Load, run_load
from sightline.serve.load_connection import Target

RED = png((250, 10, 10))
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
BUSY = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 2\r\n\r\n{}"


@contextmanager
def listening(answer: Callable[[int], Awaitable[bytes]]) -> Iterator[str]:
    """A real, small server: ``answer`` gives the bytes for the request of a number; empty hangs up."""
    loop, count = asyncio.new_event_loop(), 0
    servers: list[asyncio.Server] = []
    ready = threading.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode().lower():
                length = int(head.partition("content-length: ")[2].partition("\r\n")[0] or 0)
                await reader.readexactly(length)
                count += 1
                told = await answer(count)
                writer.write(told)
                if not told:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def serve() -> None:
        servers.append(await asyncio.start_server(talk, "127.0.0.1", 0))
        ready.set()

    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    asyncio.run_coroutine_threadsafe(serve(), loop)
    assert ready.wait(30)
    try:
        yield f"http://127.0.0.1:{servers[0].sockets[0].getsockname()[1]}"
    finally:

        async def end() -> None:
            servers[0].close()
            tasks = asyncio.all_tasks() - {asyncio.current_task()}
            for each in tasks:
                each.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.sleep(0)  # closed connections are let go of on the next turn
            loop.stop()

        asyncio.run_coroutine_threadsafe(end(), loop)
        thread.join()
        loop.close()


def test_a_stall_is_in_the_percentiles_of_all_who_came_meanwhile() -> None:
    async def answer(number: int) -> bytes:
        if 101 <= number <= 200:  # all that is asked within a second waits for its end
            await asyncio.sleep(1.0)
        return OK

    with listening(answer) as url:
        opened = run_load(Load(url, [RED], "any", rate=200, seconds=2))
    with listening(answer) as url:
        closed = run_load(Load(url, [RED], "any", clients=1, seconds=2))
    # An open loop asks a hundred times meanwhile; one client asks twice.
    assert (opened.latency > 0.9).sum() >= 100
    assert (closed.latency > 0.9).sum() <= 2
    assert opened.percentile(90)[0] > 0.9
    assert closed.percentile(90)[0] < 0.9


def test_refusals_and_failures_are_counted_apart() -> None:
    async def answer(number: int) -> bytes:
        if number > 1 and number % 3 == 0:
            return BUSY
        return b"" if number > 1 and number % 3 == 1 else OK

    with listening(answer) as url:
        result = run_load(Load(url, [RED], "any", clients=1, seconds=0.5))
    assert result.refused.sum() == result.again > 0
    assert sum(result.failures.values()) == (result.status == 0).sum() > 0
    assert result.answered.sum() > 0
    assert len(result.status) == result.answered.sum() + result.refused.sum() + (result.status == 0).sum()


def test_an_answer_that_does_not_come_is_a_failure() -> None:
    async def answer(number: int) -> bytes:
        if number > 1:
            await asyncio.sleep(60)
        return OK

    with listening(answer) as url:
        result = run_load(Load(url, [RED], "any", clients=2, seconds=0.3, patience=0.5))
    assert result.failures == {"no answer in time": 2}


def test_the_same_seed_makes_the_same_moments(open_server: Running) -> None:
    due = [run_load(Load(open_server.url, [RED], "colours", rate=40, seconds=0.5)).due for _ in range(2)]
    assert due[0].tolist() == due[1].tolist()


def test_a_server_is_asked_from_the_command_line(open_server: Running, tmp_path: Path) -> None:
    (tmp_path / "red.png").write_bytes(RED)
    arguments = ("bench", "colours", "--url", open_server.url, "--pictures", tmp_path, "--seconds", 1.2)
    told = run(*arguments, "--clients", 3)
    assert "answered" in told.out
    assert "p99.9" in told.out
    assert told.err.splitlines()[1].split()[0] == "1"
    found = json.loads(run(*arguments, "--rate", 30, "--json").out)
    assert found["failed"] == found["refused"] == 0
    assert found["answered"] == found["requests"] > 10
    assert found["latency_ms"]["p50"] <= found["latency_ms"]["p100"]


def test_what_cannot_be_asked_is_told(open_server: Running, tmp_path: Path) -> None:
    (tmp_path / "red.png").write_bytes(RED)
    (tmp_path / "bad.png").write_bytes(b"no picture")
    (tmp_path / "empty").mkdir()
    for arguments, says in (
        (("--url", open_server.url, "--pictures", tmp_path / "red.png"), "serves boxes, colours; say which"),
        (("x", "--url", open_server.url, "--pictures", tmp_path / "red.png"), "404 'x' is not served"),
        (("colours", "--url", open_server.url, "--pictures", tmp_path / "bad.png"), "first picture: 422"),
        (("colours", "--url", open_server.url, "--pictures", tmp_path / "empty"), "there is no picture in"),
        (("colours", "--url", open_server.url, "--pictures", tmp_path / "none.png"), "cannot be read"),
        (("colours", "--url", open_server.url), "say with --pictures"),
        (("colours", "--url", "http://127.0.0.1:1", "--pictures", tmp_path / "red.png"), "cannot be asked"),
        (("colours", "--url", "ftp://x", "--pictures", tmp_path / "red.png"), "the address of a server is"),
        ((), "wanted a release, or --url"),
    ):
        assert says in run("bench", *arguments).refusal


def test_the_token_comes_from_a_file_and_is_not_shown(tmp_path: Path) -> None:
    async def answer(number: int) -> bytes:
        return b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 24\r\n\r\n" + b'{"error": "not with it"}'

    (tmp_path / "red.png").write_bytes(RED)
    (tmp_path / "token").write_text("sightline_secret\n")
    with listening(answer) as url:
        refused = run(
            "bench", "--url", url, "--pictures", tmp_path / "red.png", "--token-file", tmp_path / "token"
        )
    assert "401 not with it" in refused.refusal
    assert "secret" not in refused.err
    assert "secret" not in repr(Load(url, [RED], token="sightline_secret"))
    assert b"Authorization: Bearer t\r\n" in Target.of(url).request("GET", "/", "t")
    with pytest.raises(InputError, match="no picture to send"):
        Load(url, [])
