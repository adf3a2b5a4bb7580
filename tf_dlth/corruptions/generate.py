"""A folder of corrupted test images in the published file layout, labelled as made anew."""

from __future__ import annotations

import io
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tf_dlth import files
from tf_dlth.corruptions.corruption import corrupt, generator
from tf_dlth.corruptions.filters import Image
from tf_dlth.corruptions.manifest import check_folder, read_manifest, write_manifest
from tf_dlth.corruptions.picture import page_png
from tf_dlth.corruptions.recipe import Labels, Recipe, recipe
from tf_dlth.corruptions.severities import KINDS, SEVERITIES
from tf_dlth.corruptions.workers import Mapper, mapper
from tf_dlth.runs.lock import locked

LABELS: Final = "labels.npy"
PAGE: Final = "corruptions.png"
CHUNK: Final = 250
"""Images that a worker corrupts at a time."""


@dataclass(frozen=True)
class Progress:
    """``done`` of ``total`` images of one kind; ``kept`` when its file was there already, undamaged."""

    kind: str
    done: int
    total: int
    kept: bool = False


@dataclass(frozen=True)
class Chunk:
    """What a worker takes at a time: images of one kind and severity; ``first`` is the first one's index."""

    images: Image
    kind: str
    severity: int
    first: int
    seed: int
    textures: tuple[Image, ...]


def generate(
    images: Image,
    labels: Labels,
    out: Path,
    *,
    source: str,
    kinds: Sequence[str] = KINDS,
    severities: Sequence[int] = SEVERITIES,
    seed: int = 0,
    frost: Path | None = None,
    workers: int = 1,
) -> Generator[Progress]:
    """Writes, while it is iterated over, an array for each kind, the labels, a manifest and a picture.

    ``<kind>.npy`` is uint8 [S * N, 32, 32, C], severity-major, ``labels.npy`` [S * N]; ``corruptions.json``
    tells what the set is, with the digest of every array, and ``corruptions.png`` shows the first image. The
    draws of an image follow from (seed, kind, severity, index) alone, so ``workers`` changes nothing. A kind
    whose file is whole is kept; one that was cut short or damaged is made anew.

    Raises UserError, before anything is written, for images of another size, unknown kinds or severities,
    unusable photographs in the folder ``frost``, and a folder ``out`` that holds another set.
    """
    wanted = recipe(images, labels, source, kinds, severities, seed, frost)
    identity = wanted.identity()
    check_folder(out, identity)
    return _generate(wanted, identity, out, workers)


def _generate(wanted: Recipe, identity: dict[str, Any], out: Path, workers: int) -> Generator[Progress]:
    with locked(out), mapper(workers) as apply:
        # Again, under the lock: another process may have begun a set since the first look.
        check_folder(out, identity)
        files.sweep(out)
        found = read_manifest(out)
        # A set made so far with frost stays one when other kinds are added.
        identity = {**identity, **{name: found[name] for name in ("frost",) if name in found}}
        digests: dict[str, str] = found["files"]
        digests[LABELS] = files.write_bytes(out / LABELS, _npy(_repeated_labels(wanted)))
        write_manifest(out, identity, digests)
        for kind in wanted.kinds:
            path = out / f"{kind}.npy"
            if path.is_file() and files.sha256(path) == digests.get(path.name):
                yield Progress(kind, wanted.total, wanted.total, kept=True)
                continue
            yield from _write_kind(path, kind, wanted, apply)
            digests[path.name] = files.sha256(path)
            write_manifest(out, identity, digests)
        files.write_bytes(out / PAGE, _page(wanted))


def _write_kind(path: Path, kind: str, wanted: Recipe, apply: Mapper) -> Iterator[Progress]:
    """Writes one array piece by piece, in order."""
    done = 0
    with files.replacing(path) as file:
        file.write(_npy_header((wanted.total, *wanted.images.shape[1:])))
        for corrupted in apply(corrupt_chunk, _chunks(kind, wanted)):
            file.write(corrupted.tobytes())
            done += len(corrupted)
            yield Progress(kind, done, wanted.total)


def _chunks(kind: str, wanted: Recipe) -> Iterator[Chunk]:
    textures = wanted.textures if kind == "frost" else ()
    for severity in wanted.severities:
        for first in range(0, len(wanted.images), CHUNK):
            yield Chunk(wanted.images[first : first + CHUNK], kind, severity, first, wanted.seed, textures)


def corrupt_chunk(chunk: Chunk) -> Image:
    """The chunk's images corrupted, uint8 [n, H, W, C], each with the draws of its own index."""
    corrupted = [
        corrupt(image, chunk.kind, chunk.severity, _draws(chunk, offset), chunk.textures)
        for offset, image in enumerate(chunk.images)
    ]
    return np.stack(corrupted)


def _draws(chunk: Chunk, offset: int) -> np.random.Generator:
    return generator(chunk.seed, chunk.kind, chunk.severity, chunk.first + offset)


def _page(wanted: Recipe) -> bytes:
    return page_png(
        wanted.images[0],
        kinds=wanted.kinds,
        severities=wanted.severities,
        seed=wanted.seed,
        frost=wanted.textures,
    )


def _repeated_labels(wanted: Recipe) -> Labels:
    """The labels once for each severity; uint8, as published, for up to 256 classes."""
    smallest = np.min_scalar_type(int(wanted.labels.max()))
    return np.tile(wanted.labels.astype(smallest), len(wanted.severities))


def _npy(array: NDArray[Any]) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    return stream.getvalue()


def _npy_header(shape: tuple[int, ...]) -> bytes:
    """The start of a .npy file of uint8 in C order."""
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return stream.getvalue()
