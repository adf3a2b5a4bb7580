"""The rules of the house: who may import whom, and how large anything may be."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import tf_dlth

PACKAGE = Path(tf_dlth.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
IDS = [str(path.relative_to(PACKAGE)) for path in MODULES]

FLOORS = (
    {"errors", "startup", "files", "hub", "provenance"},
    {"config"},
    {"data", "models", "runs"},
    {"corruptions"},
    {"training"},
    {"tickets"},
    {"lottery"},
    {"preparation"},
    {"pretraining", "evaluation", "exporting", "analysis"},
    {"pacing"},
    {"reporting"},
    {"experiment", "budgeting", "folding", "studies"},
    {"commands"},
    {
        "train",
        "evaluate",
        "predict",
        "probe",
        "analyze",
        "pretrain",
        "corrupt",
        "export",
        "study",
        "report",
        "list",
        "card",
        "push",
        "init",
    },
)
"""The rooms from the ground up: each imports from its own floor and those below, and no two import each other."""
ROOF = {"__init__", "__main__"}
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
COMMANDS = FLOORS[-1]

NO_TENSORFLOW = (
    "lottery/masks.py",
    "lottery/starts.py",
    "data/subsets.py",
    "config",
    "files.py",
    "errors.py",
    "hub.py",
    "models/spec.py",
    "runs",
    "training/workers.py",
    "tickets/manifest.py",
    "tickets/ticket.py",
    "reporting/analyses.py",
    "reporting/analysis_folder.py",
    "reporting/studying.py",
    "reporting/study_models.py",
    "reporting/study_summary.py",
    "reporting/study_tables.py",
    "reporting/study_claims.py",
    "reporting/study_runs.py",
    "reporting/study_page.py",
    "reporting/hparams.py",
    "studies/grid.py",
    "studies/runs.py",
    "studies/records.py",
    "studies/ledger.py",
    "studies/results.py",
    "studies/study.py",
    "studies/engines",
    "reporting/paper.py",
    "reporting/listing.py",
    "reporting/folds.py",
    "reporting/card.py",
    "studies/choosing.py",
    "studies/verdicts",
)
NEVER = {"tickets": {"lottery", "training"}, "evaluation": {"experiment"}, "analysis": {"training", "lottery"}}
LONGEST_FUNCTION, LONGEST_FILE = 45, 300


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    """Modules that a file imports, those for type checkers alone left out."""
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            return
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom) and node.module:
            found.update({node.module, *(f"{node.module}.{alias.name}" for alias in node.names)})
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(path.read_text(encoding="utf-8")))
    return found


def rooms_imported(path: Path) -> set[str]:
    own = {module.split(".")[1] for module in imports(path) if module.startswith("tf_dlth.")}
    return (own & FLOOR.keys()) - {room_of(path)}


def graph() -> dict[str, set[str]]:
    """Room -> the rooms that its files import."""
    arrows: dict[str, set[str]] = {}
    for path in MODULES:
        if path.name != "__main__.py":
            arrows.setdefault(room_of(path), set()).update(rooms_imported(path))
    return arrows


def test_every_room_has_its_floor():
    assert {room_of(path) for path in MODULES} - ROOF <= FLOOR.keys()


@pytest.mark.parametrize(
    "path", [p for p in MODULES if room_of(p) not in ROOF], ids=lambda p: str(p.relative_to(PACKAGE))
)
def test_nothing_imports_from_above(path: Path):
    if path.name == "__main__.py":
        return
    assert not {room for room in rooms_imported(path) if FLOOR[room] > FLOOR[room_of(path)]}


def test_no_two_rooms_import_each_other():
    arrows = graph()
    assert not {(a, b) for a in arrows for b in arrows[a] if a in arrows.get(b, set())}


def test_nothing_imports_a_command():
    assert not {(room, other) for room, others in graph().items() if room not in ROOF for other in others & COMMANDS}


@pytest.mark.parametrize("room", NEVER)
def test_what_must_never_be(room: str):
    """Through other rooms neither."""
    arrows, reached, waiting = graph(), set(), [room]
    while waiting:
        for other in arrows.get(waiting.pop(), set()) - reached:
            reached.add(other)
            waiting.append(other)
    assert not reached & NEVER[room]


@pytest.mark.parametrize("path", MODULES, ids=IDS)
def test_nothing_is_large(path: Path):
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= LONGEST_FILE
    functions = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    long = {n.name: n.end_lineno - n.lineno + 1 for n in functions if n.end_lineno}
    assert not {name: lines for name, lines in long.items() if lines > LONGEST_FUNCTION}


@pytest.mark.parametrize("path", MODULES, ids=IDS)
def test_keras_own_loading_is_used_nowhere(path: Path):
    """It runs code from the file, and no flag stops it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)}
    names |= {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
    names |= {name.rpartition(".")[2] for name in imports(path)}
    assert not names & {"load_model", "load_weights", "model_from_json", "pickle", "unsafe_load", "full_load"}


@pytest.mark.parametrize("name", NO_TENSORFLOW)
def test_places_without_tensorflow(name: str):
    place = PACKAGE / name
    for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
        text = path.read_text(encoding="utf-8")
        top = {n for n in ast.parse(text).body if isinstance(n, ast.Import | ast.ImportFrom)}
        roots = {ast.unparse(n).split()[1].partition(".")[0] for n in top}
        assert not roots & {"tensorflow", "tf_keras", "keras", "tensorflow_model_optimization"}, path
