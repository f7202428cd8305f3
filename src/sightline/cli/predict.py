"""Answer pictures with a release or a sealed file; needs no torch."""

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sightline.infer.predictor import Answer


def add_to(app: typer.Typer) -> None:
    """``sightline predict``."""
    app.command("predict")(predict)


def predict(
    release: Annotated[str, typer.Argument(help="NAME, NAME@VERSION, NAME:STAGE, or a .sight file.")],
    pictures: Annotated[list[Path], typer.Argument(help="Pictures and folders of them.")],
    form: Annotated[
        Literal["jsonl", "csv", "pictures"],
        typer.Option("--format", help="pictures: copies with the answer drawn."),
    ] = "jsonl",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="File, or folder for pictures; else stdout.")
    ] = None,
    top: Annotated[
        int | None,
        typer.Option(min=1, help="Most labels or boxes an answer lists; a classifier's 5, a detector's all."),
    ] = None,
    variant: Annotated[str, typer.Option(help="A compressed form to answer with, such as int8.")] = "",
    runtime: Annotated[str, typer.Option(help="The engine: onnxruntime or openvino.")] = "onnxruntime",
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where an interrupted job for the same --out stopped.")
    ] = False,
) -> None:
    """One answer a picture, in order; files that cannot be answered are listed and do not stop the rest."""
    from sightline.cli._terminal import Terminal
    from sightline.errors import InputError
    from sightline.infer.answer_file import Job, open_answers
    from sightline.infer.drawing import draw_into
    from sightline.infer.offline import predict_paths
    from sightline.infer.predictor import Predictor
    from sightline.infer.writing import open_special, write_text
    from sightline.workspace import open_release

    if form == "pictures" and out is None:
        raise InputError("--format pictures needs a folder: --out FOLDER")
    # A new file must not take the place of something like /dev/stdout or a named pipe.
    in_file = form != "pictures" and out is not None and (out.is_file() or not out.exists())
    if resume and not in_file:
        raise InputError("--resume needs the file of answers to go on with: --out FILE")
    bundle = open_release(release)
    predictor = Predictor(bundle, runtime, top=top, variant=variant)
    contract = predictor.manifest.contract
    with Terminal() as terminal:

        def answers(after: int = 0) -> "Iterator[Answer]":
            return predict_paths(
                predictor,
                pictures,
                lambda done, total: terminal.progress("predict", done, total or done),
                after,
            )

        if form == "pictures":
            tally = draw_into(answers(), out or Path(), contract.classes)
        elif out is not None and in_file:
            job = Job(bundle.sha256, variant, runtime, contract.task, form, top, tuple(map(str, pictures)))
            with open_answers(out, job, resume=resume) as file:
                tally = file.write(answers(file.tally.total))
        else:
            with open_special(out) if out else nullcontext(sys.stdout.buffer) as stream:
                tally = write_text(answers(), form, stream, contract.task)
        terminal.say(
            f"{tally.answered:,} answered, {tally.unanswered:,} could not be" + (f"; {out}" if out else "")
        )
    if tally.total and not tally.answered:
        raise InputError("none of the files could be answered; the output says why for each")
