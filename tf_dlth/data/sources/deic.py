"""Image folders with the split lists of the DEIC benchmark: ISIC 2018, CLaMM, EuroSAT."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tf_dlth.config import DataConfig
from tf_dlth.data.catalogue import FACTS
from tf_dlth.data.images import Preprocessing
from tf_dlth.data.labels import refuse_gaps, refuse_unknown
from tf_dlth.data.sources import files
from tf_dlth.data.sources.arrays import sized
from tf_dlth.data.sources.files import FileIndex, Listing
from tf_dlth.data.sources.source import Source, required_dir
from tf_dlth.errors import DataAbsent, UserError, printable


@dataclass(frozen=True)
class Benchmark:
    """Class names by label, the folders that may hold the images, and where all of it is found."""

    class_names: tuple[str, ...]
    folders: tuple[str, ...]
    origin: str
    one_test_list: bool = False


BENCHMARKS = {
    "isic2018": Benchmark(
        ("MEL", "NV", "BCC", "AKIEC", "BKL", "DF", "VASC"),
        ("ISIC2018_Task3_Training_Input", "images"),
        "ISIC2018_Task3_Training_Input.zip of challenge.isic-archive.com and the lists of "
        "github.com/lorenzobrigato/gem",
    ),
    "clamm": Benchmark(
        (
            "Caroline",
            "Cursiva",
            "Half_uncial",
            "Humanistic",
            "Humanistic_Cursive",
            "Hybrida",
            "Praegothica",
            "Semihybrida",
            "Semitextualis",
            "Southern_Textualis",
            "Textualis",
            "Uncial",
        ),
        ("images",),
        "the ICFHR 2016 training and task 1 images of clamm.irht.cnrs.fr and the lists of "
        "github.com/lorenzobrigato/gem",
        one_test_list=True,
    ),
    "eurosat": Benchmark(
        (
            "AnnualCrop",
            "Forest",
            "HerbaceousVegetation",
            "Highway",
            "Industrial",
            "Pasture",
            "PermanentCrop",
            "Residential",
            "River",
            "SeaLake",
        ),
        ("RGB", "2750"),
        "EuroSAT.zip of github.com/phelber/EuroSAT and the lists of github.com/lorenzobrigato/gem",
    ),
}


def load(config: DataConfig) -> Source:
    """The parts that the lists name; with ``train_part: train`` the val list is the held-out set."""
    benchmark = BENCHMARKS[config.dataset]
    root = files.existing_dir(required_dir(config, layout(config)))
    index = FileIndex(image_folder(root, benchmark))
    train_file = _list_file(config, root, config.train_part, config.train_list, "data.train_list")
    test_file = _list_file(config, root, "test", config.test_list, "data.test_list")
    heldout_file = _heldout_file(config, root)
    lists = [train_file, test_file, *([heldout_file] if heldout_file else [])]
    _refuse_one_list_for_two(lists)
    parts = {file: files.listed(file, index) for file in lists}
    _check(parts, train_file, len(benchmark.class_names))
    preprocessing = preprocessing_of(config)
    examples = {file: part.examples(preprocessing) for file, part in parts.items()}
    heldout = examples[heldout_file] if heldout_file else None
    return Source(
        config.dataset,
        benchmark.class_names,
        examples[train_file],
        examples[test_file],
        heldout,
        preprocessing,
    )


def layout(config: DataConfig) -> str:
    """What the data folder must hold and where it is found, in a line."""
    benchmark = BENCHMARKS[config.dataset]
    split = config.split
    return (
        f"a folder with {benchmark.folders[0]}/ and trainval{split}.txt, train{split}.txt, val{split}.txt, "
        f"{_test_name(benchmark, split)}; get {benchmark.origin}"
    )


def image_folder(root: Path, benchmark: Benchmark) -> Path:
    """The folder that the images are looked for in: the benchmark's own, or the data folder itself."""
    return next((root / name for name in benchmark.folders if (root / name).is_dir()), root)


def preprocessing_of(config: DataConfig) -> Preprocessing:
    """The named set's preparation at its own size, or at ``image_size``."""
    facts = FACTS[config.dataset]
    side = config.image_size or facts.side
    assert side is not None
    assert facts.channels is not None
    return sized(facts, side, facts.channels, config.fit)


def _test_name(benchmark: Benchmark, split: int) -> str:
    return f"test{0 if benchmark.one_test_list else split}.txt"


def _list_file(config: DataConfig, root: Path, part: str, given: str | None, field: str) -> Path:
    """The given list, or the benchmark's; split 0 may lack its number, as it was first released."""
    if given is not None:
        return files.find_list(given, root, field)
    benchmark = BENCHMARKS[config.dataset]
    name = _test_name(benchmark, config.split) if part == "test" else f"{part}{config.split}.txt"
    for candidate in (name, name.replace("0.txt", ".txt")):
        if (root / candidate).is_file():
            return root / candidate
    raise DataAbsent(f"{root / name} does not exist: set {field}, or make data.data_dir {layout(config)}")


def _heldout_file(config: DataConfig, root: Path) -> Path | None:
    if config.train_part == "trainval" or config.train_list is not None:
        return None
    return _list_file(config, root, "val", None, "data.train_list")


def _refuse_one_list_for_two(lists: Sequence[Path]) -> None:
    if twice := [file for file in lists if lists.count(file) > 1]:
        raise UserError(
            f"{twice[0]} would name the images of two parts, so one leaks into the other; set data.train_list or "
            "data.test_list to another list"
        )


def _check(parts: dict[Path, Listing], train_file: Path, classes: int) -> None:
    for file, part in parts.items():
        refuse_unknown(part.labels, classes, file)
    refuse_gaps(parts[train_file].labels, classes, train_file)
    _refuse_shared_files(parts)


def _refuse_shared_files(parts: dict[Path, Listing]) -> None:
    seen: dict[str, Path] = {}
    for file, part in parts.items():
        for name in part.names:
            if name in seen:
                raise UserError(
                    f"image {printable(name)} is listed in {seen[name]} and in {file}; remove it from one of them"
                )
        seen |= dict.fromkeys(part.names, file)


def listed_positions(names: np.ndarray, file: Path) -> np.ndarray:
    """Where a list's images stand among file names; exact match of the last component without extension."""
    known = {Path(name).stem: i for i, name in enumerate(names)}
    positions = []
    for name, _ in files.read_list(file):
        if (key := Path(name).name) not in known and (key := Path(name).stem) not in known:
            raise UserError(f"{file} lists {printable(name)}, which the dataset does not have")
        positions.append(known[key])
    return np.array(positions, np.int64)
