"""The main job: pictures in, a sealed release and a page about it out."""

from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from sightline.bundle.keys import make_key
from sightline.data.auditing import audit
from sightline.data.importing import Imported, ImportOptions, import_folder
from sightline.data.manifest import write_manifest
from sightline.errors import BundleError, InputError, RecipeError, TrainingError
from sightline.evaluate.gates import BUDGET, MARGIN
from sightline.pipeline.compressing import Compressed, Model, check_budget, check_enough, compress
from sightline.pipeline.fitting import (
    Fitted,
    Material,
    check_choices,
    fit,
    gather,
    keep_plan,
    network_of,
    plan_epochs,
    start_network,
)
from sightline.pipeline.judging import Judged, judge
from sightline.pipeline.pages import write_page
from sightline.pipeline.releasing import Released, add_release, offer
from sightline.pipeline.runs import Run, start_run, unfinished_run
from sightline.pipeline.watch import Unwatched, Watcher
from sightline.plugins import missing_extra
from sightline.registry.references import check_name
from sightline.registry.releases import Registry
from sightline.storage.layout import Layout
from sightline.values.contract import Normalise
from sightline.values.dataset import SPLITS, AuditReport, Dataset
from sightline.values.recipe import Choices, Recipe
from sightline.values.release import Release

if TYPE_CHECKING:
    from sightline.train.arch.base import Network

CACHE_BYTES = 4 * 10**9


@dataclass(frozen=True)
class BuildOptions:
    """What a build may be told beside the pictures.

    ``weights`` is ``auto``, ``none``, a file or a hub name; ``recipe`` a file from an earlier run, with
    which nothing is measured or looked up again; ``cache_bytes`` bounds decoded pictures kept on disk.
    ``variants`` are ways to compress; one whose loss of the task's metric is not shown to be within
    ``budget`` is left out.
    """

    name: str
    imports: ImportOptions
    choices: Choices
    arch: str = ""
    weights: str = "auto"
    normalise: Normalise | None = None
    recipe: Path | None = None
    resume: bool = False
    cache_bytes: int = CACHE_BYTES
    margin: float = MARGIN
    variants: tuple[str, ...] = ("int8",)
    budget: float = BUDGET
    watch: Watcher = field(default_factory=Unwatched)

    def __post_init__(self) -> None:
        check_name(self.name)
        if not -1 < self.margin < 1:
            raise InputError(f"the gate's margin is a difference between -1 and 1, got {self.margin}")
        check_budget(self.budget)


@dataclass(frozen=True)
class Built:
    """What a build gives: the release, and the page about it."""

    released: Released
    report: Path
    dataset: Dataset
    audit: AuditReport


def require_train() -> None:
    """Refuse at once where a build would find out later that it cannot train.

    Raises:
        MissingExtra: a library of the extra ``train`` is not installed.
    """
    try:
        import sightline.export.onnx_file
        import sightline.train.trainer  # noqa: F401
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("sightline"):
            raise
        raise missing_extra("a build", error.name or "", "train") from error


def read_pictures(pictures: Path | None, options: BuildOptions) -> Imported:
    """Refuse what can be refused, then read every picture once and split them. Writes nothing.

    Without ``pictures`` given weights are released as they are, which needs ``--epochs 0`` and the
    classes.

    Raises:
        InputError: of options or pictures that cannot be used.
        MissingExtra: the extra ``train`` is not installed.
    """
    require_train()
    from sightline.train.recipes import read_recipe

    check_choices(options.arch, options.weights, options.choices.augment, options.variants)
    as_given = options.choices.epochs == 0
    imports = options.imports
    if options.recipe is not None and not options.resume:
        recipe = read_recipe(options.recipe)
        _leave_to_recipe(recipe, options)
        as_given, imports = recipe.epochs == 0, replace(imports, seed=recipe.seed)
    if pictures is None and not (as_given and options.imports.classes):
        raise InputError(
            "a build needs PICTURES; only --epochs 0 with --classes LIST releases weights without any"
        )
    imports = replace(imports, held_out=True) if as_given else imports
    return import_folder(pictures, imports, lambda done, total: options.watch.progress("import", done, total))


def _leave_to_recipe(recipe: Recipe, options: BuildOptions) -> None:
    """A recipe decides all of training; an option beside it would be passed over in silence."""
    usual, chosen = Choices(), options.choices
    given = [each.name for each in fields(Choices) if getattr(chosen, each.name) != getattr(usual, each.name)]
    # Where the thresholds lie is no part of training.
    kept = {"precision"} | ({"seed"} if chosen.seed == recipe.seed else set())
    given = [name for name in given if name not in kept]
    given += [name for name in ("arch", "normalise") if getattr(options, name)]
    if options.weights != "auto":
        given.append("weights")
    if given:
        names = ", ".join("--" + name.replace("_", "-") for name in given)
        raise RecipeError(f"a recipe decides how to train; leave out {names}")


def build(imported: Imported, options: BuildOptions, layout: Layout, registry: Registry) -> Built:
    """Audit, train, judge, export, seal and release the pictures that ``read_pictures`` gave.

    Raises:
        InputError: of options that do not fit the pictures.
        TrainingError, ParityError, StorageError: where a stage cannot go on.
    """
    watch = options.watch
    findings = audit(imported)
    dataset = imported.dataset
    _say_dataset(dataset, watch)
    _say_findings(findings, watch)
    write_manifest(dataset, layout.datasets / f"{dataset.fingerprint}.json")
    make_key(layout)  # now: a key that cannot be used must not be found out after the training
    run, network, recipe = _begun(dataset, options, layout)
    with run.alone() as going:
        _say_weights(recipe, watch)
        material = gather(dataset, recipe, layout.internal / "cache", options.cache_bytes, watch)
        try:
            run, fitted = _fitted(going, network, recipe, material, options)
            judged = judge(fitted, options.choices.precision, watch)
            if judged.evaluation:
                for name, figure in judged.evaluation.headline.items():
                    watch.say(f"test {name}: {figure.value:.4f} ({figure.low:.4f} to {figure.high:.4f})")
            made = _compressed(fitted, judged, options)
            published = {each.name: each.variant for each in made if each.variant.parity.verdict == "passes"}
            release = _released_before(run, registry)
            if release is None:
                # Recorded before it can be in the registry: --resume must not release a second time.
                version = registry.reserve(options.name)
                run = run.at("trained", f"{options.name}@{version}")
                release = add_release(
                    *(options.name, version, fitted, judged, dataset, findings, layout, registry),
                    *(published, watch),
                )
            released = offer(release, layout, registry, options.margin, watch)
            report = write_page(run, fitted, judged, dataset, findings, released, made)
            run.at("released")
        finally:
            material.source.close()
    return Built(released, report, dataset, findings)


def _begun(dataset: Dataset, options: BuildOptions, layout: Layout) -> tuple[Run, "Network", Recipe]:
    """The run to go on with or a new one, and the network before its first step."""
    watch = options.watch
    if options.resume:
        run = unfinished_run(layout, options.name, dataset.fingerprint)
        network, recipe = _from_recipe(run.recipe, dataset)
        watch.say(f"resume: {run.folder.name}")
    elif options.recipe is not None:
        network, recipe = _from_recipe(options.recipe, dataset)
        run = keep_plan(start_run(layout, options.name, dataset.fingerprint), network, recipe)
    else:
        network, recipe = start_network(
            dataset, options.weights, options.arch, options.normalise, options.choices
        )
        run = start_run(layout, options.name, dataset.fingerprint)
    return run, network, recipe


def _fitted(
    run: Run, network: "Network", recipe: Recipe, material: Material, options: BuildOptions
) -> tuple[Run, Fitted]:
    if not options.resume and options.recipe is None:
        recipe = plan_epochs(network, material, recipe, options.choices, options.watch)
        run = keep_plan(run, network, recipe)
    fitted = fit(network, material, recipe, run, options.watch, resume=options.resume)
    return run.at("trained"), fitted


def _released_before(run: Run, registry: Registry) -> Release | None:
    """The release of a run that ended between adding it and saying so."""
    return next((each for each in registry.all(run.state.name) if str(each) == run.state.release), None)


def _compressed(fitted: Fitted, judged: Judged, options: BuildOptions) -> tuple[Compressed, ...]:
    """All variants that were made; one that cannot be made here is said and does not stop the build."""
    recipe, watch = fitted.recipe, options.watch
    model = Model(judged.model, judged.contract, recipe, fitted.material, judged.test, judged.val)
    made = []
    for name in options.variants:
        try:
            check_enough(judged.test, options.budget)
            made.append(compress(name, model, options.budget, watch))
        except (BundleError, InputError, TrainingError) as error:
            watch.say(f"{name}: left out: {error}")
            continue
        left_out = "" if made[-1].variant.parity.verdict == "passes" else "; left out"
        watch.say(made[-1].story + left_out)
    return tuple(made)


def _from_recipe(path: Path, dataset: Dataset) -> tuple["Network", Recipe]:
    from sightline.train.recipes import check_recipe, read_recipe

    recipe = read_recipe(path)
    check_recipe(recipe, dataset)
    return network_of(recipe, path.with_name("initial.safetensors")), recipe


def _say_dataset(dataset: Dataset, watch: Watcher) -> None:
    if not dataset.samples:
        watch.say(f"dataset: no pictures; {len(dataset.classes):,} classes as listed")
        return
    counts = ", ".join(f"{len(dataset.part(split)):,} {split}" for split in SPLITS)
    watch.say(
        f"dataset: {len(dataset.samples):,} pictures{_boxes(dataset)} of {len(dataset.classes)} classes "
        f"({counts}; {dataset.split_origin}), fingerprint {dataset.fingerprint[:12]}"
    )


def _boxes(dataset: Dataset) -> str:
    if dataset.task != "detection":
        return ""
    return f" with {sum(len(sample.labels) for sample in dataset.samples):,} boxes"


def _say_findings(findings: AuditReport, watch: Watcher) -> None:
    for finding in findings.findings:
        watch.say(f"audit, {finding.severity}: {finding.message}")


def _say_weights(recipe: Recipe, watch: Watcher) -> None:
    origin = recipe.weights
    words = {
        "scratch": f"from scratch ({origin.why})",
        "file": f"from file {origin.name}",
        "hub": f"from the hub, {origin.name}",
        "cache": f"from the local cache, {origin.name}",
    }[origin.kind]
    unfit = f"; {_counted(origin.dropped)} of the file did not fit" if origin.dropped else ""
    fresh = f"; {_counted(origin.fresh)} of the network are new" if origin.fresh else ""
    watch.say(f"weights: {recipe.arch} {words}{unfit}{fresh}")


def _counted(parameters: tuple[str, ...]) -> str:
    some = ", ".join(parameters[:3]) + (", …" if len(parameters) > 3 else "")
    return f"{len(parameters):,} parameters ({some})"
