"""``python -m tf_dlth.models``: the sizes of all built-in networks as a Markdown table."""

from __future__ import annotations

from collections.abc import Iterator

from tf_dlth.models import registry
from tf_dlth.startup import start_tensorflow

SIDES = (32, 64, 224)


def table() -> Iterator[str]:
    """The lines of the table; 10 classes, RGB, width 64, full stem at 224 pixels."""
    yield "| architecture | pixels | prunable layers | parameters | prunable | MMAC |"
    yield "|---|---|---|---|---|---|"
    for architecture in registry.BUILT_IN:
        for side in (32,) if architecture in registry.CIFAR_ONLY else SIDES:
            yield row(architecture, side)


def row(architecture: str, side: int) -> str:
    """One network at one input size."""
    from tf_dlth.config import Normalisation
    from tf_dlth.models.build import build
    from tf_dlth.models.macs import macs
    from tf_dlth.models.prunable import prunable_names
    from tf_dlth.models.spec import ModelSpec
    from tf_dlth.models.variables import named_variables

    stem = "full" if side == 224 else "small"
    model = build(
        ModelSpec(
            architecture=architecture, width=64, stem=stem, head="linear", classes=10, input_shape=(side, side, 3)
        ),
        Normalisation(mean=(0.5,) * 3, std=(0.5,) * 3),
    )
    variables, prunable = named_variables(model), prunable_names(model)
    parameters = sum(v.shape.num_elements() for v in variables.values() if v.trainable)
    weights = sum(variables[name].shape.num_elements() for name in prunable)
    cells = (
        architecture,
        side,
        len(prunable),
        f"{parameters:,}",
        f"{weights:,}",
        f"{macs(model) / 1e6:,.0f}",
    )
    return f"| {' | '.join(map(str, cells))} |"


if __name__ == "__main__":
    start_tensorflow()
    for line in table():
        print(line, flush=True)
