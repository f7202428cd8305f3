"""Whether a model is what its manifest says: tensors against tensors, before the first picture."""

from sightline.errors import BundleError
from sightline.values.contract import ModelContract, TensorSpec, task_outputs

Shape = tuple[int | str, ...]


def check_contract(release: str, contract: ModelContract) -> None:
    """Refuse a contract that no model can keep: its pixels, its input and its task's outputs disagree.

    Raises:
        BundleError: names the release, what was wanted and what the contract says.
    """
    size = contract.pixels.size
    wanted = f"uint8[N,{size.height},{size.width},3]"
    if len(contract.inputs) != 1 or _text(contract.inputs[0], named=False) != wanted:
        found = ", ".join(map(_text, contract.inputs)) or "none"
        raise BundleError(f"{release}: the manifest must name one input, {wanted}, and names {found}")
    said = {spec.name: spec for spec in contract.outputs}
    for spec in task_outputs(contract.task, contract.classes, contract.suppression):
        got = said.get(spec.name)
        if got is None or _text(got) != _text(spec):
            found = ", ".join(map(_text, contract.outputs)) or "none"
            raise BundleError(
                f"{release}: the manifest of a {contract.task} model with {len(contract.classes)} classes "
                f"must name the output {_text(spec)}, and names {found}"
            )


def check_tensors(
    release: str, side: str, said: tuple[TensorSpec, ...], real: tuple[TensorSpec, ...]
) -> None:
    """Refuse a model whose ``real`` tensors are not those ``said`` in its manifest, in any order.

    Raises:
        BundleError: lists both.
    """
    left, right = sorted(map(_text, said)), sorted(map(_text, real))
    if left != right:
        raise BundleError(
            f"{release}: the manifest says {side} {', '.join(left) or 'none'}, the model has "
            f"{', '.join(right) or 'none'}; export the model again"
        )


def fits(said: Shape, found: tuple[int, ...]) -> bool:
    """Whether an array of shape ``found`` is one that ``said`` allows; a named dimension allows any."""
    return len(said) == len(found) and all(
        isinstance(wanted, str) or wanted == got for wanted, got in zip(said, found, strict=True)
    )


def _text(spec: TensorSpec, named: bool = True) -> str:
    """For instance ``embedding float32[N,64]``: every free dimension is ``N``, whatever its name."""
    shape = ",".join("N" if isinstance(each, str) else str(each) for each in spec.shape)
    return f"{spec.name} {spec.dtype}[{shape}]" if named else f"{spec.dtype}[{shape}]"
