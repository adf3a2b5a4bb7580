"""Which variables are pruned: kernels of convolutions and of hidden linear layers.

Never biases, BatchNorm, the final layer, or what is frozen: a density counts only what can be pruned.
"""

from __future__ import annotations

import tf_keras

from tf_dlth.models.variables import unwrapped

FINAL_LAYER = "head"

LEAVES: dict[type, tuple[str, ...]] = {
    tf_keras.layers.Conv1D: ("kernel",),
    tf_keras.layers.Conv2D: ("kernel",),
    tf_keras.layers.Conv3D: ("kernel",),
    tf_keras.layers.Conv2DTranspose: ("kernel",),
    tf_keras.layers.Conv3DTranspose: ("kernel",),
    tf_keras.layers.DepthwiseConv2D: ("depthwise_kernel",),
    tf_keras.layers.SeparableConv2D: ("depthwise_kernel", "pointwise_kernel"),
    tf_keras.layers.Dense: ("kernel",),
}
"""By exact type: a subclass may use its kernel otherwise, and says what to prune by ``PrunableLayer``."""


def prunable_leaves(layer: tf_keras.layers.Layer) -> tuple[str, ...]:
    """Attribute names of the layer's prunable variables, wrapped or not; the layer must be built.

    A layer of another kind is prunable when it implements TFMOT's ``PrunableLayer.get_prunable_weights``.
    """
    layer = unwrapped(layer)
    if layer.name == FINAL_LAYER:
        return ()
    trained = {id(variable) for variable in layer.trainable_weights}
    leaves = LEAVES.get(type(layer)) or _own_leaves(layer)
    return tuple(leaf for leaf in leaves if id(getattr(layer, leaf)) in trained)


def prunable_names(model: tf_keras.Model) -> tuple[str, ...]:
    """Names of all prunable variables, in layer order."""
    return tuple(f"{unwrapped(x).name}/{leaf}" for x in model.layers for leaf in prunable_leaves(x))


def unprunable_layers(model: tf_keras.Model) -> tuple[str, ...]:
    """Names of layers that learn but cannot be pruned, other than BatchNorm and the final layer."""
    inner = map(unwrapped, model.layers)
    return tuple(x.name for x in inner if x.trainable_weights and not prunable_leaves(x) and not _kept_whole(x))


def _kept_whole(layer: tf_keras.layers.Layer) -> bool:
    return layer.name == FINAL_LAYER or isinstance(layer, tf_keras.layers.BatchNormalization)


def _own_leaves(layer: tf_keras.layers.Layer) -> tuple[str, ...]:
    if not hasattr(layer, "get_prunable_weights"):
        return ()
    weights = {id(weight) for weight in layer.get_prunable_weights()}
    return tuple(name for name, value in vars(layer).items() if id(value) in weights)
