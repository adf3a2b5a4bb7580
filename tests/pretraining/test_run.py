from __future__ import annotations

import json
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import tf_keras

from tf_dlth import files
from tf_dlth.config import Config, load_config, parse_config
from tf_dlth.errors import Stopped, UserError
from tf_dlth.experiment import run as train
from tf_dlth.preparation import Prepared
from tf_dlth.pretraining.run import Pretrained, pretrain, schedule
from tf_dlth.tickets.ticket import load_ticket
from tf_dlth.training.network import Network
from tf_dlth.training.schedule import Position

TINY = f"""
name: encoder
data: {{dataset: digits, per_class: 7, heldout_per_class: 0}}
model: {{architecture: "{__name__}:tiny_net", width: 4}}
training: {{epochs: 3}}
pruning: {{rewind_epochs: 1}}
pretrain: {{epochs: 3, batch_size: 25, learning_rate: 0.05, knn_every: 2, projection: 8}}
"""
"""Three steps an epoch, the last of them on 20 images."""
RESNET = "model.architecture=resnet18"


def tiny_net(input_shape: tuple[int, int, int], classes: int, width: int) -> tf_keras.Model:
    """Traced much more quickly than a ResNet."""
    images = tf_keras.Input(input_shape)
    x = tf_keras.layers.Conv2D(width, 3, name="conv")(images)
    x = tf_keras.layers.ReLU()(tf_keras.layers.BatchNormalization(name="norm")(x))
    x = tf_keras.layers.GlobalAveragePooling2D()(x)
    return tf_keras.Model(images, tf_keras.layers.Dense(classes)(x))


def config(directory: Path, *overrides: str) -> Config:
    return parse_config(TINY, [f"output.directory={directory}", *overrides])


class Watched:
    """Notes what it hears, and sends a signal at a position."""

    def __init__(self, signal_at: Position | None = None, number: int = signal.SIGINT) -> None:
        self._signal_at, self._number = signal_at, number
        self.lines: list[Mapping[str, Any]] = []
        self.warnings: list[str] = []

    def started(self, config: Config, images: int, folder: Path) -> None:
        self.images = images

    def warning(self, message: str) -> None:
        self.warnings.append(message)

    def progress(self, position: Position, images_per_second: float) -> None:
        if position == self._signal_at:
            signal.raise_signal(self._number)

    def epoch_ended(self, metrics: Mapping[str, Any]) -> None:
        self.lines.append(metrics)
        if self._signal_at == Position(metrics["epoch"], -1):
            signal.raise_signal(self._number)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Pretrained:
    watcher = Watched()
    done = pretrain(config(tmp_path_factory.mktemp("finished")), watcher)
    assert watcher.images == 70
    return done


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_every_epoch_has_its_loss_and_some_the_neighbours(finished: Pretrained) -> None:
    found = lines(finished.path)
    assert [line["epoch"] for line in found] == [0, 1, 2, 3]
    assert [line["nt_xent"] is None for line in found] == [True, False, False, False]
    assert [line["knn_accuracy"] is None for line in found] == [False, True, False, False]


def test_the_summary_says_what_was_made_of_what(finished: Pretrained) -> None:
    summary, found = finished.summary, lines(finished.path)
    assert summary["status"] == "finished"
    assert summary["encoder"] == {
        "file": "encoder.safetensors",
        "sha256": files.sha256(finished.path / "encoder.safetensors"),
    }
    assert summary["pretraining"] == {"method": "simclr", "images": 70, "neighbours": 20}
    assert summary["knn_accuracy"] == found[-1]["knn_accuracy"]
    assert summary["knn_accuracy_before"] == found[0]["knn_accuracy"]
    assert {"config_sha256", "data_sha256", "versions", "host", "seconds", "seed"} <= summary.keys()
    assert sorted(path.name for path in finished.path.iterdir()) == [
        "config.yaml",
        "encoder.safetensors",
        "metrics.jsonl",
        "run.json",
        "subset.json",
    ]


def test_the_encoder_is_all_but_the_head_and_has_learned(finished: Pretrained) -> None:
    encoder = files.read_tensors(finished.path / "encoder.safetensors")
    initial = Prepared(config(finished.path.parent)).initial
    assert set(encoder) == {name for name in initial if not name.startswith("head/")}
    assert all((encoder[name] != initial[name]).any() for name in encoder if name.endswith("kernel"))


def test_a_run_starts_from_the_folder(finished: Pretrained, tmp_path: Path) -> None:
    overrides = ["name=tuned", f"model.init={finished.path}", "training.learning_rate=0.001"]
    prepared = Prepared(config(tmp_path, *overrides))
    for name, weight in files.read_tensors(finished.path / "encoder.safetensors").items():
        assert (prepared.initial[name] == weight).all()
    assert prepared.facts().initialisation["random"] == ["head/kernel", "head/bias"]
    assert prepared.facts().initialisation["sha256"] == finished.summary["encoder"]["sha256"]


@pytest.mark.parametrize("position", [Position(1, 1), Position(2, 3), Position(2, -1)])
def test_a_stopped_pretraining_ends_as_an_uninterrupted_one(
    finished: Pretrained, tmp_path: Path, position: Position
) -> None:
    settings = config(tmp_path)
    with pytest.raises(Stopped, match="the same command goes on") as stopped:
        pretrain(settings, Watched(position))
    assert stopped.value.exit_code == 130
    assert not (tmp_path / "encoder" / "encoder.safetensors").exists()
    done = pretrain(settings, Watched())
    for name in ("encoder.safetensors", "metrics.jsonl", "subset.json"):
        assert (done.path / name).read_bytes() == (finished.path / name).read_bytes()


def test_a_signal_before_the_first_step_leaves_nothing_half_done(finished: Pretrained, tmp_path: Path) -> None:
    class AtOnce(Watched):
        def started(self, config: Config, images: int, folder: Path) -> None:
            signal.raise_signal(signal.SIGTERM)

    with pytest.raises(Stopped) as stopped:
        pretrain(config(tmp_path), AtOnce())
    assert stopped.value.exit_code == 143
    done = pretrain(config(tmp_path), Watched())
    assert (done.path / "metrics.jsonl").read_bytes() == (finished.path / "metrics.jsonl").read_bytes()


def test_checkpoints_between_epochs_do_not_change_the_result(finished: Pretrained, tmp_path: Path) -> None:
    done = pretrain(config(tmp_path, "output.checkpoint_seconds=0"), Watched())
    assert (done.path / "encoder.safetensors").read_bytes() == (finished.path / "encoder.safetensors").read_bytes()


def test_a_finished_one_is_left_alone(finished: Pretrained) -> None:
    watcher = Watched()
    again = pretrain(config(finished.path.parent), watcher)
    assert not again.trained
    assert watcher.lines == []


def test_another_config_under_the_name_is_refused_and_overwritten_on_demand(
    finished: Pretrained, tmp_path: Path
) -> None:
    first = pretrain(config(tmp_path, "pretrain.epochs=1"), Watched())
    with pytest.raises(UserError, match=r"differs in pretrain\.epochs"):
        pretrain(config(tmp_path), Watched())
    pretrain(config(tmp_path), Watched(), overwrite=True)
    assert (first.path / "encoder.safetensors").read_bytes() == (finished.path / "encoder.safetensors").read_bytes()


def test_runs_of_train_and_pretrain_are_not_taken_for_each_other(finished: Pretrained, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"differs in .*pretraining\.method"):
        train(config(finished.path.parent))
    tickets = config(tmp_path, "pruning.iterations=0", "training.epochs=2")
    train(tickets)
    with pytest.raises(UserError, match=r"differs in .*pretraining\.method"):
        pretrain(tickets, Watched())


def test_padded_crops_are_another_pretraining(finished: Pretrained) -> None:
    """The stored config keeps a null that means resized crops, lest a number of the same run be taken for it."""
    assert load_config(finished.path / "config.yaml").data.crop_padding is None
    with pytest.raises(UserError, match=r"differs in data\.crop_padding"):
        pretrain(config(finished.path.parent, "data.crop_padding=1"), Watched())


def test_divergence_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"lower pretrain\.learning_rate"):
        pretrain(config(tmp_path, "pretrain.learning_rate=1e30"), Watched())
    assert files.read_json(tmp_path / "encoder" / "run.json")["status"] == "failed"


def test_the_schedule_is_the_sections_own(tmp_path: Path) -> None:
    training = schedule(config(tmp_path, "training.weight_decay=0.01"))
    assert (training.epochs, training.batch_size, training.learning_rate) == (3, 25, 0.05)
    assert (training.evaluate_every, training.momentum, training.weight_decay) == (2, 0.9, 0.01)


def test_a_folder_of_an_encoder_holds_no_ticket(finished: Pretrained) -> None:
    with pytest.raises(UserError, match=r"a pre-trained encoder and no tickets; start a run from it: model\.init"):
        load_ticket(finished.path)


def test_running_out_of_memory_names_the_sections_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(*arguments: object) -> None:
        raise MemoryError

    monkeypatch.setattr(Network, "run", exhausted)
    with pytest.raises(UserError, match=r"out of memory; lower pretrain\.batch_size, data\.image_size"):
        pretrain(config(tmp_path), Watched())
    assert files.read_json(tmp_path / "encoder" / "run.json")["status"] == "failed"


def test_an_admitted_change_is_told_and_noted(tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        pretrain(config(tmp_path), Watched(Position(1, 1)))
    watcher = Watched()
    done = pretrain(config(tmp_path, "pretrain.knn_every=3"), watcher, allow_change=["pretrain.knn_every"])
    (noted,) = done.summary["admitted"]
    old = noted["keys"]["pretrain.knn_every"]["old"]
    assert noted["keys"] == {"pretrain.knn_every": {"old": old, "new": 3}}
    assert watcher.warnings == [f"from iteration 0 on pretrain.knn_every is 3, before {old}"]


@pytest.mark.slow
def test_digits_without_labels_bring_neighbours_closer(tmp_path: Path) -> None:
    """Padded crops: at 8 pixels a random resized crop leaves little of a digit. Measured: 60 % before, 68 % after."""
    overrides = [RESNET, "data.per_class=50", "model.width=8", "data.crop_padding=1", "pretrain.temperature=0.2"]
    more = ["pretrain.epochs=12", "pretrain.batch_size=50", "pretrain.knn_every=12", "pretrain.projection=128"]
    done = pretrain(config(tmp_path, *overrides, *more), Watched())
    before, after = done.summary["knn_accuracy_before"], done.summary["knn_accuracy"]
    assert after > before + 0.03


@pytest.mark.slow
def test_cifar10_without_labels_brings_neighbours_closer(real_data: Path, tmp_path: Path) -> None:
    """Measured in two minutes on two cores: 26.1 % before, 34.5 % after."""
    images = ["data.dataset=cifar10", f"data.data_dir={real_data}", "data.per_class=null", "data.fraction=0.1"]
    pretraining = ["pretrain.epochs=12", "pretrain.batch_size=100", "pretrain.learning_rate=0.1"]
    network = [RESNET, "model.width=8", "pretrain.projection=128"]
    done = pretrain(config(tmp_path, *images, *pretraining, *network), Watched())
    before, after = done.summary["knn_accuracy_before"], done.summary["knn_accuracy"]
    assert after > before + 0.05


@pytest.mark.parametrize("override", ["training.precision=mixed_bfloat16", "training.jit=true"])
def test_lower_precision_and_compiling_hold_for_pre_training_too(finished: Pretrained, tmp_path: Path, override: str):
    watcher = Watched()
    done = pretrain(config(tmp_path, override), watcher)
    before, found = finished.summary, done.summary
    assert found["nt_xent"] == pytest.approx(before["nt_xent"], rel=2e-2) and found["nt_xent"] != before["nt_xent"]
    assert found["config_sha256"] != before["config_sha256"]
    assert found["host"]["compiled"] == ("jit" in override)


def test_a_stopped_float16_pre_training_ends_with_the_same_bits(tmp_path: Path):
    precision = "training.precision=mixed_float16"
    through = pretrain(config(tmp_path / "through", precision), Watched()).summary
    stopped = config(tmp_path / "stopped", precision)
    with pytest.raises(Stopped):
        pretrain(stopped, Watched(Position(1, 1)))
    assert pretrain(stopped, Watched()).summary["encoder"] == through["encoder"]
