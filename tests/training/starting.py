"""Starting a network's training by hand."""

from __future__ import annotations

import tf_keras

from tf_dlth.lottery.masks import Masks, prune_global
from tf_dlth.models.initialisation import initial_weights
from tf_dlth.models.prunable import prunable_names
from tf_dlth.training.network import Network


def start(network: Network, plain: tf_keras.Model) -> Masks:
    """Loads seeded weights of which half are pruned, and gives the masks."""
    weights = initial_weights(plain, 3)
    masks = prune_global(weights, Masks.ones(weights, prunable_names(plain)), 0.5)
    network.load(masks.apply(weights), masks)
    network.set_learning_rate(0.1)
    return masks
