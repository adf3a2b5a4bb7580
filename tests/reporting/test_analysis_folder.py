"""What is written, and that nothing of a user's is ever overwritten."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
from pathlib import Path

import pytest

from tf_dlth import files
from tf_dlth.errors import UserError
from tf_dlth.reporting.analysis_folder import REPORT, require_free, to_csv, write

NAMES = ("density.csv", "density.png")


def made(folder: Path, kind: str = "density", content: bytes = b"one") -> list[Path]:
    return write(folder, kind, {f"{kind}.csv": content, f"{kind}.png": content + b"!"}, {"paths": ["run"]})


def test_files_and_what_made_them(tmp_path: Path):
    folder = tmp_path / "a" / "b"
    assert made(folder) == [folder / "density.csv", folder / "density.png"]
    assert (folder / "density.png").read_bytes() == b"one!"
    tree = json.loads((folder / "analysis.json").read_text())
    entry = tree["analyses"]["density"]
    assert entry["settings"] == {"paths": ["run"]}
    assert entry["files"]["density.csv"] == [hashlib.sha256(b"one").hexdigest()]
    assert sorted(path.name for path in folder.iterdir()) == ["analysis.json", "density.csv", "density.png"]


def test_own_files_are_replaced_and_other_kinds_stay(tmp_path: Path):
    made(tmp_path, "overlap")
    made(tmp_path, "density")
    made(tmp_path, "density", b"two")
    assert (tmp_path / "density.csv").read_bytes() == b"two"
    made(tmp_path, "overlap", b"three")
    assert set(json.loads((tmp_path / "analysis.json").read_text())["analyses"]) == {"overlap", "density"}


@pytest.mark.parametrize("name", ["density.csv", "density.png"])
def test_a_file_of_someone_elses_stays(tmp_path: Path, name: str):
    (tmp_path / name).write_text("mine")
    with pytest.raises(UserError, match=f"{name} was not made by this command or was changed since"):
        require_free(tmp_path, "density", NAMES)
    with pytest.raises(UserError, match=name):
        made(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"


def test_a_file_that_was_edited_since_stays(tmp_path: Path):
    made(tmp_path)
    (tmp_path / "density.csv").write_text("mine")
    with pytest.raises(UserError, match="changed since"):
        made(tmp_path, content=b"two")
    assert (tmp_path / "density.csv").read_text() == "mine"


def test_a_link_is_not_followed(tmp_path: Path):
    made(tmp_path / "out")
    elsewhere = (tmp_path / "out" / "density.csv").rename(tmp_path / "elsewhere.csv")
    (tmp_path / "out" / "density.csv").symlink_to(elsewhere)
    with pytest.raises(UserError, match=r"density.csv was not made"):
        made(tmp_path / "out", content=b"two")
    assert elsewhere.read_bytes() == b"one"


@pytest.mark.parametrize("failing", [1, 2, 3])
def test_after_a_kill_the_same_command_goes_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: int):
    """Whichever of the three files was the last one."""
    made(tmp_path)
    whole, calls = files.write_bytes, []

    def dying(path: Path, content: bytes) -> str:
        calls.append(path)
        if len(calls) == failing:
            raise KeyboardInterrupt
        return whole(path, content)

    monkeypatch.setattr(files, "write_bytes", dying)
    with pytest.raises(KeyboardInterrupt):
        made(tmp_path, content=b"two")
    monkeypatch.setattr(files, "write_bytes", whole)
    made(tmp_path, content=b"three")
    assert (tmp_path / "density.png").read_bytes() == b"three!"


@pytest.mark.parametrize("content", ['{"mine": 1}', "[]"])
def test_another_analysis_json(tmp_path: Path, content: str):
    (tmp_path / "analysis.json").write_text(content)
    with pytest.raises(UserError, match=r"analysis.json (was not made by this command|is damaged)"):
        made(tmp_path)
    assert (tmp_path / "analysis.json").read_text() == content


def test_a_damaged_analysis_json(tmp_path: Path):
    made(tmp_path)
    path = tmp_path / "analysis.json"
    path.write_text(path.read_text().replace('"run"', '"other"'))
    with pytest.raises(UserError, match=r"analysis.json is damaged: expected SHA-256"):
        made(tmp_path)


def test_out_that_is_a_file(tmp_path: Path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UserError, match="is no folder"):
        require_free(tmp_path / "file", "density", NAMES)


def test_what_is_no_longer_made_goes_unless_it_was_changed(tmp_path: Path):
    write(tmp_path, "report", {"a.csv": b"a", "b.csv": b"b", "c.csv": b"c"}, {}, REPORT)
    (tmp_path / "c.csv").write_text("mine")
    write(tmp_path, "report", {"a.csv": b"new"}, {}, REPORT)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.csv", "c.csv", "report.json"]
    assert list(json.loads((tmp_path / "report.json").read_text())["analyses"]["report"]["files"]) == ["a.csv"]


def test_nothing_outside_the_folder_is_removed(tmp_path: Path):
    """Whatever a record says that someone else made."""
    (tmp_path / "out").mkdir()
    (tmp_path / "mine").write_bytes(b"mine")
    entry = {"settings": {}, "files": {"../mine": [hashlib.sha256(b"mine").hexdigest()]}}
    tree = {"made_by": "tf_dlth.report", "format_version": 1, "analyses": {"report": entry}}
    files.write_signed(tmp_path / "out" / "report.json", tree, "report_sha256")
    write(tmp_path / "out", "report", {"a.csv": b"a"}, {}, REPORT)
    assert (tmp_path / "mine").read_bytes() == b"mine"


def test_two_commands_keep_their_own_records(tmp_path: Path):
    made(tmp_path)
    write(tmp_path, "report", {"index.html": b"page"}, {}, REPORT)
    with pytest.raises(UserError, match=r"density.csv was not made"):
        write(tmp_path, "report", {"density.csv": b"page"}, {}, REPORT)
    assert {p.name for p in tmp_path.glob("*.json")} == {"analysis.json", "report.json"}


def test_csv():
    text = to_csv([{"name": "a, b", "x": 0.1}, {"name": "c", "x": math.nan}, {"name": "d", "x": None}]).decode()
    assert text == 'name,x\n"a, b",0.1\nc,\nd,\n'
    assert next(csv.DictReader(io.StringIO(text))) == {"name": "a, b", "x": "0.1"}
