"""Convert sets of pictures from one format into another."""

from pathlib import Path
from typing import Annotated

import typer

from sightline.cli._pictures import (
    FORMAT_NAMES,
    GroupBy,
    Include,
    Meta,
    MetaFromName,
    Seed,
    Split,
    StratifyBy,
    Unlabelled,
    import_options,
)


def add_to(app: typer.Typer) -> None:
    """``sightline data``."""
    group = typer.Typer(help=__doc__, no_args_is_help=True)
    # A callback keeps a group of one command a group.
    group.callback()(_group)
    group.command("convert")(convert)
    app.add_typer(group, name="data")


def _group() -> None:
    """Takes what stands before a command of the group."""


def convert(
    source: Annotated[Path, typer.Argument(metavar="FROM", help="A folder of pictures.")],
    target: Annotated[Path, typer.Argument(metavar="TO", help="The folder to make.")],
    form: Annotated[str, typer.Option("--format", help=f"What to write: {FORMAT_NAMES}.")],
    source_form: Annotated[
        str, typer.Option("--from", help="How FROM lies; auto looks for itself.")
    ] = "auto",
    include: Include = "*",
    meta: Meta = None,
    meta_from_name: MetaFromName = "",
    group_by: GroupBy = "",
    stratify_by: StratifyBy = "",
    split: Split = None,
    unlabelled: Unlabelled = "refuse",
    seed: Seed = 0,
) -> None:
    """Copy a set into another format; say what gets lost."""
    from sightline.cli._terminal import Terminal
    from sightline.values.dataset import SPLITS
    from sightline.workspace import Workspace

    options = import_options(
        include, meta, meta_from_name, group_by, stratify_by, split, unlabelled, seed=seed, form=source_form
    )
    with Terminal() as terminal:
        converted = Workspace.convert(source, target, form, options, terminal)
        dataset = converted.dataset
        for gone in dataset.set_aside:
            terminal.say(f"set aside: {gone.path!r}: {gone.reason}")
        for loss in converted.losses:
            terminal.say(f"not kept: {loss}")
        counts = ", ".join(f"{len(dataset.part(split)):,} {split}" for split in SPLITS)
        boxes = f", {sum(len(each.labels) for each in dataset.samples):,} boxes"
        terminal.say(
            f"{len(dataset.samples):,} pictures{boxes if dataset.task == 'detection' else ''} ({counts}: "
            f"{dataset.split_origin}) are in {target} as {form}; {len(dataset.set_aside):,} set aside"
        )
