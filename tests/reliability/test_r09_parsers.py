"""Whatever bytes a manifest, config, mask, array file or list holds: a value or one line of ours, in little memory."""

from __future__ import annotations

import json
import os
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tf_dlth import files
from tf_dlth.config import load_config
from tf_dlth.data.sources.arrayfiles import read_npz
from tf_dlth.data.sources.files import read_list
from tf_dlth.errors import UserError
from tf_dlth.runs.facts import read_facts
from tf_dlth.tickets.manifest import read_manifest

FREE = 2**22
"""Bytes of memory that any parser may take, beside four times the file."""
EXAMPLES = settings(
    max_examples=int(os.environ.get("TF_DLTH_EXAMPLES", "60")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
TREES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4)
)


PARSERS: dict[str, Callable[[Path], Any]] = {
    "ticket.json": read_manifest,
    "run.json": lambda path: read_facts(path.parent),
    "config.yaml": load_config,
    "mask.safetensors": files.read_tensors,
    "images.npz": lambda path: read_npz(path, ["x_train"]),
    "train.txt": read_list,
}


def within_bounds(path: Path, content: bytes) -> None:
    """Only errors of ours, one line each, and memory in proportion to the file."""
    path.write_bytes(content)
    tracemalloc.start()
    try:
        PARSERS[path.name](path)
    except UserError as error:
        if "\n" in str(error):
            raise AssertionError("more than a line") from error
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak <= 4 * len(content) + FREE


@pytest.mark.parametrize("name", PARSERS)
@EXAMPLES
@given(content=st.binary(max_size=300))
def test_r09_any_bytes(tmp_path: Path, name: str, content: bytes) -> None:
    within_bounds(tmp_path / name, content)
    within_bounds(tmp_path / name, struct.pack("<Q", len(content)) + content)


@pytest.mark.parametrize("name", ["config.yaml", "train.txt"])
@EXAMPLES
@given(text=st.text(max_size=200))
def test_r09_any_text(tmp_path: Path, name: str, text: str) -> None:
    within_bounds(tmp_path / name, text.encode(errors="surrogatepass"))


@EXAMPLES
@given(data=st.data())
def test_r09_manifests_with_any_value_anywhere(finished: Any, tmp_path: Path, data: st.DataObject) -> None:
    """Signed again, so that the fields themselves are looked at."""
    for name, key in (("iteration_01/ticket.json", "manifest_sha256"), ("run.json", "run_sha256")):
        tree = json.loads((finished.path / name).read_text())
        del tree[key]
        node: dict[str, Any] = tree
        while True:
            field = data.draw(st.sampled_from(sorted(node)))
            if not (isinstance(node[field], dict) and node[field]) or data.draw(st.booleans()):
                break
            node = node[field]
        node[field] = data.draw(TREES)
        signed = {**tree, key: files.digest_of(tree)}
        within_bounds(tmp_path / Path(name).name, json.dumps(signed).encode())


@EXAMPLES
@given(header=st.dictionaries(st.text(max_size=6), TREES, max_size=4), body=st.binary(max_size=64))
def test_r09_any_header_of_tensors(tmp_path: Path, header: dict[str, Any], body: bytes) -> None:
    encoded = json.dumps(header).encode()
    within_bounds(tmp_path / "mask.safetensors", struct.pack("<Q", len(encoded)) + encoded + body)


@EXAMPLES
@given(
    dtype=st.sampled_from(["F32", "U8", "BOOL", "F64", "I64", "BF16", "Q4"]),
    shape=st.lists(st.integers(-1, 2**63), max_size=4),
    offsets=st.lists(st.integers(-1, 2**63), min_size=1, max_size=3),
)
def test_r09_any_shape_of_a_tensor(tmp_path: Path, dtype: str, shape: list[int], offsets: list[int]) -> None:
    encoded = json.dumps({"x": {"dtype": dtype, "shape": shape, "data_offsets": offsets}}).encode()
    within_bounds(tmp_path / "mask.safetensors", struct.pack("<Q", len(encoded)) + encoded + bytes(16))
