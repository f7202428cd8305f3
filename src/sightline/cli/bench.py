"""How fast and large the forms of a release are here."""

from typing import Annotated

import typer


def add_to(app: typer.Typer) -> None:
    """``sightline bench``."""
    app.command("bench")(bench)


def bench(
    release: Annotated[str, typer.Argument(help="NAME, NAME@VERSION, NAME:STAGE, or a .sight file.")],
    runtime: Annotated[str, typer.Option(help="The engine: onnxruntime or openvino.")] = "onnxruntime",
    seconds: Annotated[
        float, typer.Option(min=0.1, max=3600, help="Seconds for each combination of threads and batch.")
    ] = 3.0,
) -> None:
    """Time each variant by threads and batch: percentiles, throughput, memory."""
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
