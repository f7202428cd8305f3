"""Draw circuit boards, build a model of their defects, predict."""

from pathlib import Path
from typing import Annotated

import typer

from sightline.cli._pictures import Seed


def add_to(app: typer.Typer) -> None:
    """``sightline demo``."""
    app.command("demo")(demo)


def demo(
    folder: Annotated[Path, typer.Argument(help="Where; it is made.")] = Path("demo"),
    minutes: Annotated[float, typer.Option(min=0.01, max=1_000, help="How long to train.")] = 3.0,
    pictures: Annotated[int, typer.Option(min=20, help="Boards to draw.")] = 300,
    seed: Seed = 0,
) -> None:
    """The whole life of a small detector, without network and without foreign data."""
    from sightline.cli._terminal import Terminal
    from sightline.data.importing import ImportOptions
    from sightline.data.sources.boards import draw_detection_folder
    from sightline.infer.drawing import draw_into
    from sightline.pipeline.build import BuildOptions, require_train
    from sightline.values.recipe import Choices
    from sightline.workspace import Workspace

    require_train()
    with Terminal() as terminal:
        workspace = Workspace.init(folder)
        place = workspace.root / "pictures"
        terminal.say(f"drawing {pictures:,} circuit boards with defects into {place}")
        draw_detection_folder(place, pictures, seed, progress=lambda n, of: terminal.progress("draw", n, of))
        options = BuildOptions(
            name="board-defects",
            imports=ImportOptions(),
            arch="anchor_free/small",
            choices=Choices(minutes=minutes, seed=seed),
            watch=terminal,
        )
        built = workspace.build(place, options)
        held_out = [place / sample.path for sample in built.dataset.part("test")[:12]]
        drawn = workspace.root / "answers" / str(built.released.release)
        draw_into(workspace.predict("board-defects", held_out), drawn, built.dataset.classes)
    typer.echo(f"release: {built.released.release}")
    typer.echo(f"answers drawn on held-out pictures: {drawn}")
    typer.echo(f"report: {built.report}")
