"""One place that turns any architecture into the network that is trained: images in, logits out, flat."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

import tf_keras

from tf_dlth.config import Normalisation
from tf_dlth.errors import UserError
from tf_dlth.models import admission, registry
from tf_dlth.models.copying import Copier, Copy, Layer, carry_state, carry_values, copied
from tf_dlth.models.heads import normalised_head
from tf_dlth.models.layers import Normalise
from tf_dlth.models.spec import ModelSpec

INPUT, NORMALISE, HEAD = admission.RESERVED


class Built(NamedTuple):
    """A network, and each layer that the architecture's function made with its copy in the network."""

    model: tf_keras.Model
    pairs: list[tuple[Layer, Layer]]


def build(spec: ModelSpec, normalisation: Normalisation) -> tf_keras.Model:
    """A flat functional model from ``images`` [N, H, W, C] in 0..255 to logits [N, classes].

    The layer after the input is ``normalise``, the last one ``head``. The variables have the values that the
    architecture's function gave them, and what it froze is frozen. Raises UserError for an architecture that is
    unknown, cannot take the input, gives no logits, or has layers that cannot be copied.
    """
    return assemble(spec, normalisation).model


def assemble(spec: ModelSpec, normalisation: Normalisation) -> Built:
    """What :func:`build` gives, and where its layers come from."""
    if len(normalisation.mean) != spec.input_shape[2]:
        raise UserError(f"data.normalisation has {len(normalisation.mean)} values for {spec.input_shape[2]} channels")
    with admission.limited_parameters(spec):
        network = registry.network(spec)
    admission.check(network, spec)
    images = tf_keras.Input(spec.input_shape, dtype="float32", name=INPUT)
    x = Normalise(list(normalisation.mean), list(normalisation.std), name=NORMALISE)(images)
    copier = Copier(_copy_with_head(network, spec))
    logits = copier.apply(network, x)
    names = Counter(copy.name for _, copy in copier.pairs)
    if twice := [name for name, count in names.items() if count > 1]:
        raise UserError(
            f"model.architecture: {spec.architecture} uses the layer name {twice[0]} twice; give the layers names of "
            "their own"
        )
    model = tf_keras.Model(images, logits, name=network.name)
    model.add_loss(copier.losses)
    trained = {id(variable) for variable in network.trainable_weights}
    pairs = [(layer, copy) for layer, copy in copier.pairs if type(layer) is type(copy)]  # not a head that is replaced
    for layer, copy in pairs:
        carry_state(layer, copy, trained)
        carry_values(layer, copy)
    return Built(model, pairs)


def features(model: tf_keras.Model) -> tf_keras.Model:
    """``images`` -> [penultimate features [N, D], logits]; maps before the head are averaged over space."""
    head: Any = model.get_layer(HEAD)
    penultimate = head.input
    if (rank := len(penultimate.shape)) != 2:
        pool = {3: "1D", 4: "2D", 5: "3D"}[rank]
        penultimate = getattr(tf_keras.layers, f"GlobalAveragePooling{pool}")(name="features")(penultimate)
    return tf_keras.Model(model.input, [penultimate, model.output], name=f"{model.name}_features")


def encoder(model: tf_keras.Model) -> tf_keras.Model:
    """``images`` -> penultimate features [N, D], on the model's own layers; its head is left out."""
    return tf_keras.Model(model.input, features(model).output[0])


def _copy_with_head(network: tf_keras.Model, spec: ModelSpec) -> Copy:
    last = admission.last_layer(network)

    def copy(layer: tf_keras.layers.Layer) -> tf_keras.layers.Layer:
        if layer is not last:
            return copied(layer, layer.name)
        return copied(layer, HEAD) if spec.head == "linear" else normalised_head(spec.head, spec.classes)

    return copy
