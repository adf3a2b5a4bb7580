"""How much of a pruned network's work can be left out without changing what it says.

    python benchmarks/removable.py saved_tickets/digits --out removable.json
    python benchmarks/removable.py --train configs/digits.yaml --out removable.json model.width=64 training.epochs=4

Of every iteration in a run's folder, or of a run that is trained for it and thrown away, multiplications of one image:

    removable     in channels that are dead and convolutions without weights, which ``export --format compact`` removes
    zero weights  those with a weight that is zero: what perfect sparse kernels would leave out

The table gives both as shares of the dense network's. Weights are those that the run ranks, the last epoch's.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tf_dlth import provenance
from tf_dlth.startup import start_tensorflow

start_tensorflow()

import tf_dlth  # noqa: E402
from tf_dlth.evaluation.subject import all_iterations  # noqa: E402
from tf_dlth.exporting.compaction import compacted  # noqa: E402
from tf_dlth.exporting.keras_model import keras_model  # noqa: E402
from tf_dlth.exporting.reading import read_graph  # noqa: E402
from tf_dlth.models.macs import layer_macs, macs  # noqa: E402
from tf_dlth.tickets.ticket import Ticket, load_ticket  # noqa: E402
from tf_dlth.training.devices import intra_op_threads  # noqa: E402


def measure(ticket: Ticket) -> dict[str, Any]:
    model = ticket.model("last")
    total = macs(model)
    smaller = keras_model(compacted(read_graph(model)), model.name)
    zero = sum(layer_macs(model.get_layer(_layer(name))) * (1 - mask.mean()) for name, mask in ticket.mask.items())
    filters = [~mask.any((0, 1, 2)) for mask in ticket.mask.values() if mask.ndim == 4]
    return {
        "iteration": ticket.iteration,
        "density": ticket.density,
        "macs": total,
        "removable": 1 - macs(smaller) / total,
        "zero_weights": zero / total,
        "filters_without_weights": sum(int(one.sum()) for one in filters),
        "filters": sum(one.size for one in filters),
    }


def _layer(variable: str) -> str:
    return variable.partition("/")[0]


def measured(run: Path) -> list[dict[str, Any]]:
    return [measure(load_ticket(path, trust=True)) for path in all_iterations(str(run))]


def trained(config: str, overrides: Sequence[str]) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        own = [f"output.directory={folder}", "output.savedmodel=winner", "output.tensorboard=false"]
        return measured(tf_dlth.run(tf_dlth.load_config(config, [*overrides, *own])).path)


def table(rows: Sequence[dict[str, Any]]) -> str:
    lines = [f"{'k':>2}  {'density %':>9}  {'removable %':>11}  {'zero weights %':>14}  filters without weights"]
    for row in rows:
        lines.append(
            f"{row['iteration']:>2}  {100 * row['density']:>9.2f}  {100 * row['removable']:>11.2f}  "
            f"{100 * row['zero_weights']:>14.2f}  {row['filters_without_weights']:,} of {row['filters']:,}"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*", metavar="RUN | key.path=value", help="a run's folder; overrides of --train")
    parser.add_argument("--train", metavar="CONFIG", help="train this configuration in place of a run")
    parser.add_argument("--out", type=Path, required=True, help="JSON file for the result")
    options = parser.parse_intermixed_args()
    if options.train is None and len(options.words) != 1:
        parser.error("name one run's folder, or a configuration by --train")
    rows = trained(options.train, options.words) if options.train else measured(Path(options.words[0]))
    print(table(rows))
    record = {"rows": rows, "host": provenance.host(intra_op_threads()), **provenance.versions()}
    options.out.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
