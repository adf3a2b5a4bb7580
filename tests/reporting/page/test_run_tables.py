from __future__ import annotations

from dataclasses import replace

import pytest

from tf_dlth.evaluation.analyses.opening import open_tickets
from tf_dlth.reporting.page import run_tables
from tf_dlth.reporting.run_record import RunRecord, read_record
from tf_dlth.tickets.ticket import load_ticket


@pytest.fixture(scope="module")
def record(finished) -> RunRecord:
    return read_record(finished.path)


def test_three_rules_side_by_side(record: RunRecord):
    table = run_tables.rules_table(record)
    assert [row[0] for row in table.rows] == ["heldout", "test_best", "last"]
    assert [row[1] for row in table.rows] == ["yes", "no", "no"]
    for found, rule in zip(table.records, ("heldout", "test_best", "last"), strict=True):
        assert record.facts.winners and found["iteration"] == record.facts.winners[rule]
        assert record.facts.dense_would_win and found["dense_wins"] == record.facts.dense_would_win[rule]
        assert found["gain"] == pytest.approx(found["ticket"] - found["dense"])
        assert 0 < found["error"] < 0.03
    best = table.records[1]
    assert best["dense"] == record.rows[0].test_accuracy_best
    assert {len(row) for row in table.rows} == {len(table.headers)}


def test_without_the_number_of_test_images_there_is_no_error(record: RunRecord):
    table = run_tables.rules_table(replace(record, images=None))
    assert {row[table.headers.index("error")] for row in table.rows} == {"-"}


def test_iterations(record: RunRecord):
    table = run_tables.iterations_table(record)
    assert [row[0] for row in table.rows] == ["0", "1", "2"]
    assert {len(row) for row in table.rows} == {len(table.headers)}
    assert "on 30 held-out images" in table.caption or "points on 30 images" in table.caption
    assert table.records[2]["density"] == record.rows[2].density


def test_what_was_not_measured_is_a_dash(record: RunRecord):
    """Mixed images have no training accuracy."""
    table = run_tables.iterations_table(replace(record, rows=[replace(record.rows[0], train_accuracy=None)]))
    assert table.rows[0][4] == "-"


def test_sizes(record: RunRecord):
    dense, sparse = (load_ticket(record.path / f"iteration_0{k}") for k in (0, 2))
    table = run_tables.sizes_table([dense, sparse])
    first, second = table.records
    assert first["float32_bytes"] == second["float32_bytes"] == 4 * first["parameters"]
    assert second["packed_bytes"] < second["float32_bytes"] and second["gzip_bytes"] < first["gzip_bytes"]
    assert second["remaining"] == sparse.manifest.remaining


def test_layers_in_the_order_of_the_network(record: RunRecord):
    (opened,) = open_tickets([str(record.path / "iteration_02")], False)
    table = run_tables.layers_table(opened)
    assert table.rows[0][0] == "stem/kernel" and table.rows[-1][0].startswith("stage4")
    assert sum(found["remaining"] for found in table.records) == opened.ticket.manifest.remaining


def test_settings_and_machine(record: RunRecord):
    settings = {row[0]: row[1] for row in run_tables.settings_table(record).rows}
    assert settings["model.width"] == "4" and settings["data.per_class"] == "5"
    assert "data.fraction" not in settings
    machine = {row[0]: row[1] for row in run_tables.machine_table(record).rows}
    assert machine["tf_dlth"] == record.facts.versions["tf_dlth"]
    assert machine["SHA-256 of the config"] == record.facts.config_sha256
