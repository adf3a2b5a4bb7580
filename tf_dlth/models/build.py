"""One place that turns any architecture into the network that is trained: images in, logits out, flat."""

from __future__ import annotations

from typing import Any

import tf_keras

from tf_dlth.config import Normalisation
from tf_dlth.errors import UserError
from tf_dlth.models import admission, registry
from tf_dlth.models.copying import Copier, Copy, copied
from tf_dlth.models.heads import normalised_head
from tf_dlth.models.layers import Normalise
from tf_dlth.models.spec import ModelSpec

INPUT, NORMALISE, HEAD = admission.RESERVED


def build(spec: ModelSpec, normalisation: Normalisation) -> tf_keras.Model:
    """A flat functional model from ``images`` [N, H, W, C] in 0..255 to logits [N, classes].

    The layer after the input is ``normalise``, the last one ``head``. Raises UserError for an architecture
    that is unknown, cannot take the input, gives no logits, or has layers that cannot be copied.
    """
    if len(normalisation.mean) != spec.input_shape[2]:
        raise UserError(f"data.normalisation has {len(normalisation.mean)} values for {spec.input_shape[2]} channels")
    with admission.limited_parameters(spec):
        network = registry.network(spec)
    admission.check(network, spec)
    images = tf_keras.Input(spec.input_shape, dtype="float32", name=INPUT)
    x = Normalise(list(normalisation.mean), list(normalisation.std), name=NORMALISE)(images)
    logits = Copier(_copy_with_head(network, spec)).apply(network, x)
    return tf_keras.Model(images, logits, name=network.name)


def features(model: tf_keras.Model) -> tf_keras.Model:
    """``images`` -> [penultimate features [N, D], logits]; maps before the head are averaged over space."""
    head: Any = model.get_layer(HEAD)
    penultimate = head.input
    if (rank := len(penultimate.shape)) != 2:
        pool = {3: "1D", 4: "2D", 5: "3D"}[rank]
        penultimate = getattr(tf_keras.layers, f"GlobalAveragePooling{pool}")(name="features")(penultimate)
    return tf_keras.Model(model.input, [penultimate, model.output], name=f"{model.name}_features")


def _copy_with_head(network: tf_keras.Model, spec: ModelSpec) -> Copy:
    last = admission.last_layer(network)

    def copy(layer: tf_keras.layers.Layer) -> tf_keras.layers.Layer:
        if layer is not last:
            return copied(layer, layer.name)
        return copied(layer, HEAD) if spec.head == "linear" else normalised_head(spec.head, spec.classes)

    return copy
