from __future__ import annotations

import pytest
import tensorflow as tf

from tf_dlth.errors import UserError
from tf_dlth.training import devices as module
from tf_dlth.training.devices import first_device, intra_op_threads, pin_threads, strategy_for


def chosen(devices: str) -> list[str]:
    return module._device_names(devices)


def test_without_gpus_the_cpu_trains():
    assert chosen("all") == chosen("cpu") == ["/CPU:0"]
    strategy = strategy_for("all")
    assert isinstance(strategy, tf.distribute.MirroredStrategy)
    assert strategy.num_replicas_in_sync == 1


@pytest.mark.parametrize("devices", ["gpu:0", "gpu:0,1", "gpu:7"])
def test_gpus_that_are_not_there(devices: str):
    with pytest.raises(UserError, match=rf"--devices {devices}: there are 0 GPUs here"):
        strategy_for(devices)


@pytest.mark.parametrize(
    "devices", ["", "gpu", "gpu:", "gpu:a", "gpu:0,", "gpu:-1", "gpu:0;1", "tpu:0", "CPU", "cpu:0"]
)
def test_what_is_no_device(devices: str):
    with pytest.raises(UserError, match="must be all, cpu, or gpu:"):
        strategy_for(devices)


def test_with_gpus(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: ["a", "b", "c"] if kind == "GPU" else [])
    assert chosen("all") == ["/GPU:0", "/GPU:1", "/GPU:2"]
    assert chosen("gpu:2,0,2") == ["/GPU:0", "/GPU:2"]
    assert chosen("cpu") == ["/CPU:0"]
    with pytest.raises(UserError, match="there are 3 GPUs here"):
        chosen("gpu:3")


def test_one_device_measures():
    with first_device("all"):
        assert tf.constant(1.0).device.endswith("CPU:0")


def test_threads_are_decided_once_a_process():
    running = intra_op_threads()
    pin_threads(None)
    with pytest.raises(UserError, match=rf"training\.threads: 77 cannot be had, TensorFlow runs with {running} "):
        pin_threads(77)
    assert intra_op_threads() == running
