"""The largest run that fits into a time on this machine, as a plain configuration."""

from __future__ import annotations

from tf_dlth.config import Config
from tf_dlth.data import load_data
from tf_dlth.errors import UserError
from tf_dlth.experiment import pace_of
from tf_dlth.pacing.choosing import WIDTHS, Choice, Limits, choose, least, measure_while_it_fits
from tf_dlth.pacing.durations import at_least, shown
from tf_dlth.pacing.pace import Pace
from tf_dlth.preparation import Prepared
from tf_dlth.runs.facts import read_facts
from tf_dlth.runs.folder import run_path, stored_config
from tf_dlth.training.devices import pin_threads, require_devices

USABLE = 0.9
"""Share of a budget that is planned with: what the first seconds tell is true within some per cent."""
CHOSEN = (("model", "width"), ("training", "epochs"), ("pruning", "iterations"))


def fitted(config: Config, budget: float, *, devices: str = "all", trust: bool = False) -> tuple[Config, str]:
    """``config`` with the largest width, epochs and iterations that fit into ``budget`` seconds, and a line about them.

    Keys that the user set are kept, and at most the defaults are chosen. Raises UserError where nothing fits.
    """
    pin_threads(config.training.threads)
    require_devices(devices)
    data = load_data(config.data)
    most = Prepared(config, trust, data)
    widths = (most.spec.width,) if is_set(config, "model", "width") else WIDTHS
    limits = Limits.of(
        most.schedule,
        most.config.pruning.iterations,
        epochs_kept=is_set(config, "training", "epochs"),
        iterations_kept=is_set(config, "pruning", "iterations"),
    )

    def measure(width: int) -> Pace:
        return pace_of(Prepared(_with(config, width=width), trust, data), devices)

    usable = USABLE * budget
    paces = measure_while_it_fits(widths, measure, limits, most.schedule, usable)
    choice = choose(paces, limits, most.schedule, usable)
    if choice is None:
        shortest = min((least(w, pace, limits, most.schedule) for w, pace in paces.items()), key=lambda c: c.seconds)
        raise UserError(_too_short(budget, shortest))
    line = f"budget {shown(budget)}: {_told(choice)}, about {shown(choice.seconds)}"
    return _with(config, choice.width, choice.epochs, choice.iterations), line


def going_on(config: Config) -> tuple[Config, str] | None:
    """``config`` with what was chosen for the run in its folder, and a line about it; None where there is no run."""
    path = run_path(config)
    facts = read_facts(path)
    if facts is None:
        return None
    before = stored_config(path, facts)
    chosen = {
        key: getattr(getattr(before, section), key) for section, key in CHOSEN if not is_set(config, section, key)
    }
    told = "".join(f", {f'width {value}' if key == 'width' else f'{value} {key}'}" for key, value in chosen.items())
    return _with(config, **chosen), f"budget: {path} goes on as it was planned{told}; --overwrite plans anew"


def is_set(config: Config, section: str, key: str) -> bool:
    """Whether the user's file or command line has the key."""
    return key in getattr(config, section).model_fields_set


def _with(config: Config, width: int | None = None, epochs: int | None = None, iterations: int | None = None) -> Config:
    """The configuration with these values, but for keys that the user set."""
    values = zip(CHOSEN, (width, epochs, iterations), strict=True)
    sections = {
        section: getattr(config, section).model_copy(update={key: value})
        for (section, key), value in values
        if value is not None and not is_set(config, section, key)
    }
    return config.model_copy(update=sections)


def _told(choice: Choice) -> str:
    return f"width {choice.width}, {choice.epochs} epochs, {choice.iterations} iterations"


def _too_short(budget: float, shortest: Choice) -> str:
    needed = shortest.seconds / USABLE
    return (
        f"--budget of {shown(budget)} fits no search here: the least, {_told(shortest)}, needs --budget "
        f"{at_least(needed)}; give that, or set smaller training.epochs, pruning.iterations or data.image_size"
    )
