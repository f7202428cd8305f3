"""How fast a release's forms are here, or a server's answers."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sightline.errors import InputError
from sightline.plugins import missing_extra

if TYPE_CHECKING:
    from sightline.serve.load import LoadResult, Reply

_PERCENTS = (50, 90, 95, 99, 99.9, 100)


def add_to(app: typer.Typer) -> None:
    """``sightline bench``."""
    app.command("bench")(bench)


def bench(
    release: Annotated[
        str | None,
        typer.Argument(
            help="NAME, NAME@VERSION, NAME:STAGE, or a .sight file; with --url the name of a model there."
        ),
    ] = None,
    runtime: Annotated[str, typer.Option(help="The engine: onnxruntime or openvino.")] = "onnxruntime",
    seconds: Annotated[
        float | None,
        typer.Option(min=0.1, max=86400, help="For each combination of threads and batch, 3; with --url 10."),
    ] = None,
    url: Annotated[
        str | None, typer.Option(help="A server's address: ask it, in place of running the model.")
    ] = None,
    pictures: Annotated[
        list[Path] | None, typer.Option(help="With --url: files or folders to send; repeatable.")
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(min=0.001, help="Pictures that are due a second, however long answers take."),
    ] = None,
    clients: Annotated[
        int, typer.Option(min=1, max=4000, help="Without --rate: so many ask, each when it was answered.")
    ] = 16,
    token_file: Annotated[Path | None, typer.Option(help="A file with the token to show.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="With --url: the result as one JSON object.")
    ] = False,
) -> None:
    """Time each variant by threads and batch, or with --url put load on a server: percentiles, throughput."""
    if url is not None:
        _load(url, release or "", pictures or [], rate, clients, seconds or 10.0, token_file, as_json)
    elif release is None:
        raise InputError("wanted a release, or --url of a server")
    else:
        _forms(release, runtime, seconds or 3.0)


def _forms(release: str, runtime: str, seconds: float) -> None:
    from sightline.cli._terminal import Terminal
    from sightline.infer.benching import FULL, footprints, timings
    from sightline.infer.predictor import Predictor
    from sightline.settings import processor, settings
    from sightline.workspace import open_release

    bundle, most = open_release(release), settings().threads
    predictor = Predictor(bundle, runtime)
    threads = sorted({1, max(1, most // 2), most})
    batches = sorted({1, predictor.batch_size, 4 * predictor.batch_size})
    typer.echo(f"{predictor.release}, {runtime}, {processor()}")
    typer.echo("variant   file MB  memory MB")
    for size in footprints(bundle, runtime, most):
        memory = "-" if size.resident_bytes is None else f"{size.resident_bytes / 1e6:.0f}"
        typer.echo(f"{size.variant:<8} {size.file_bytes / 1e6:>8.1f} {memory:>10}")
    typer.echo("threads  batch  variant    p50 ms    p95 ms    p99 ms  pictures/s  speed")
    full, rows = 1.0, len(threads) * len(batches) * (1 + len(bundle.variants))
    with Terminal() as terminal:
        for done, each in enumerate(timings(bundle, runtime, threads, batches, seconds), 1):
            full = each.p50 if each.variant == FULL else full
            typer.echo(
                f"{each.threads:>7} {each.batch:>6}  {each.variant:<7} {each.p50:>9.1f} {each.p95:>9.1f} "
                f"{each.p99:>9.1f} {each.pictures_per_second:>11.1f} {full / each.p50:>6.2f}"
            )
            terminal.progress("bench", done, rows)


def _load(
    url: str,
    model: str,
    pictures: list[Path],
    rate: float | None,
    clients: int,
    seconds: float,
    token_file: Path | None,
    as_json: bool,
) -> None:
    try:
        from sightline.serve.load import Load, run_load
    except ModuleNotFoundError as error:
        raise missing_extra("a load test", error.name or "", "serve") from error
    load = Load(url, _contents(pictures), model, rate, clients, seconds, _token(token_file))
    typer.echo("second  answered  refused  failed  p50 ms  p99 ms", err=True)

    def every_second(second: int, replies: "Sequence[Reply]") -> None:
        done = sorted(each.latency for each in replies if each.status == 200)
        refused = sum(each.status in (429, 503) for each in replies)
        middle, most = (f"{1000 * done[int(len(done) * q)]:.1f}" if done else "-" for q in (0.5, 0.99))
        line = f"{second:>6}  {len(done):>8}  {refused:>7}  {len(replies) - len(done) - refused:>6}"
        typer.echo(f"{line}  {middle:>6}  {most:>6}", err=True)

    _show(run_load(load, every_second), as_json)


def _show(result: "LoadResult", as_json: bool) -> None:
    percentiles = dict(zip(_PERCENTS, result.percentile(*_PERCENTS), strict=True))
    refused, answered = int(result.refused.sum()), int(result.answered.sum())
    other = len(result.status) - refused - answered
    if as_json:
        told = {
            "requests": len(result.status),
            "answered": answered,
            "refused": refused,
            "told_when_to_come_again": result.again,
            "failed": other,
            "failures": dict(result.failures),
            "seconds": result.seconds,
            "throughput": result.throughput,
            "latency_ms": {
                f"p{key:g}": round(1000 * value, 3) if answered else None
                for key, value in percentiles.items()
            },
        }
        typer.echo(json.dumps(told))
        return
    typer.echo(
        f"{answered:,} of {len(result.status):,} answered, {result.throughput:.1f} a second; {refused:,} "
        f"refused ({result.again:,} told when to come again), {other:,} failed"
    )
    for why, count in result.failures.items():
        typer.echo(f"  {count:,} times: {why}")
    if answered:
        typer.echo(", ".join(f"p{key:g} {1000 * value:.1f} ms" for key, value in percentiles.items()))


def _contents(pictures: list[Path]) -> list[bytes]:
    from sightline.infer.walking import find_pictures

    if not pictures:
        raise InputError("say with --pictures what should be sent")
    try:
        found = [path.read_bytes() for path in find_pictures(pictures) if isinstance(path, Path)]
    except OSError as error:
        raise InputError(f"{error.filename!r} cannot be read: {error.strerror}") from error
    if not found:
        raise InputError(f"there is no picture in {', '.join(map(str, pictures))}")
    return found


def _token(file: Path | None) -> str:
    if file is None:
        return ""
    try:
        return file.read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        raise InputError(f"no token can be read from {str(file)!r}: {error}") from error
