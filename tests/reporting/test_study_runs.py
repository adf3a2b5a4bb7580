from __future__ import annotations

from dataclasses import replace

from tf_dlth.reporting import study_runs


def test_a_command_a_run(frames):
    table = study_runs.commands(frames)
    assert len(table.rows) == frames.networks.run.nunique()
    assert table.rows[0] == [
        "ticket",
        "2 %, basic",
        "0, 0, 0",
        "python -m tf_dlth.train --config saved_tickets/frames/ticket-0.02-basic-0-0/config.yaml",
    ]


def test_a_folder_with_a_space_is_quoted(frames):
    networks = frames.networks.iloc[:1].assign(run="saved tickets/a")
    (row,) = study_runs.commands(replace(frames, networks=networks)).rows
    assert row[-1].endswith("--config 'saved tickets/a/config.yaml'")


def test_admitted_changes(frames):
    assert study_runs.admitted(frames) is None
    text = "training.epochs 20 -> 30 from iteration 2 on"
    run = frames.networks.run.iloc[0]
    changed = frames.networks.assign(admitted=frames.networks.run.map({run: text}))
    table = study_runs.admitted(replace(frames, networks=changed))
    assert table is not None and table.rows == [[run, text]]
