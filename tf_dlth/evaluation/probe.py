"""Linear probes: how well a linear classifier tells other images apart by a network's features (paper Table 4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import tf_keras

from tf_dlth.config import Config, DataConfig
from tf_dlth.data.pipeline import feature_batches, training_batches
from tf_dlth.errors import UserError
from tf_dlth.evaluation.accuracy import accuracy
from tf_dlth.evaluation.linear import (
    Progress,
    classifier,
    logistic_regression,
    logits,
    train_classifier,
    with_classifier,
)
from tf_dlth.evaluation.transfer import Backbone, Images, encode
from tf_dlth.lottery.masks import Masks
from tf_dlth.models import variables
from tf_dlth.models.build import build, encoder
from tf_dlth.models.inference import predictor
from tf_dlth.models.initialisation import initial_weights
from tf_dlth.models.sanity import require_sane
from tf_dlth.tickets.ticket import Ticket
from tf_dlth.training.devices import first_device
from tf_dlth.training.masking import Arrays
from tf_dlth.training.memory import exhaustion_told

AS_THEY_ARE = DataConfig(augment="none", cutout=0)


@dataclass(frozen=True)
class Probed:
    """Test accuracies as fractions; ``weights`` names those of the network, ``converged`` is the regression's."""

    weights: str
    accuracy: float
    logistic_regression: float
    converged: bool


@dataclass(frozen=True)
class Fitted:
    """A trained linear classifier, and the features [N, D] of the training and test images that it is for."""

    head: Arrays
    train: np.ndarray
    test: np.ndarray


def probe(backbone: Backbone, images: Images, config: Config, devices: str, progress: Progress) -> Probed:
    """Trains the linear classifier that ``config.probe`` asks for, and a logistic regression on the same features.

    Raises UserError for ``rewind_bn`` without a ticket or its theta_r, and where the training diverges.
    """
    protocol = config.probe.protocol
    with exhaustion_told("probe"):
        fitted = FITS[protocol](backbone, images, config, devices, progress)
    classes, converged = logistic_regression(fitted.train, images.train.labels, fitted.test, config.seed)
    return Probed(
        weights="rewind" if protocol == "rewind_bn" else backbone.weights,
        accuracy=accuracy(logits(fitted.head, fitted.test), images.test.labels),
        logistic_regression=float(np.mean(classes == images.test.labels)),
        converged=converged,
    )


# paper: a linear layer on the trained and frozen network; its code: on theta_r, with BatchNorm in training mode.
# Here: both, the paper's words as the default.


def fit_trained(backbone: Backbone, images: Images, config: Config, devices: str, progress: Progress) -> Fitted:
    """The protocol ``trained``: features of the network as it is, BatchNorm in inference mode."""
    with first_device(devices):
        train, test = (encode(backbone.features, part) for part in (images.train, images.test))
    model = classifier(train.shape[1], len(images.class_names))
    initial, section = initial_weights(model, config.seed), config.probe
    batches = feature_batches(
        train, images.train.labels, batch_size=section.batch_size, seed=config.seed, epochs=section.epochs
    )
    head = train_classifier(model, initial, section, batches, len(train), devices, progress)
    return Fitted(head, train, test)


def fit_rewind_bn(backbone: Backbone, images: Images, config: Config, devices: str, progress: Progress) -> Fitted:
    """The protocol ``rewind_bn``: theta_r, masked, of which nothing but BatchNorm's statistics follows the images."""
    if backbone.ticket is None:
        raise UserError(f"probe.protocol: rewind_bn needs a ticket, and {backbone.path} is none; use trained")
    body = encoder(rewound(backbone.ticket))
    model, own = with_classifier(body, len(images.class_names)), variables.named_variables(body)
    initial = initial_weights(model, config.seed) | variables.read(body)
    batches = training_batches(
        images.train,
        AS_THEY_ARE,
        batch_size=config.probe.batch_size,
        seed=config.seed,
        last_epoch=config.probe.epochs,
    )(iteration=0, epoch=1)
    weights = train_classifier(model, initial, config.probe, batches, len(images.train), devices, progress)
    variables.assign(body, {name: weights[name] for name in own})
    with first_device(devices):
        compute = predictor(body)
        return Fitted(weights, encode(compute, images.train), encode(compute, images.test))


FITS: Mapping[str, Callable[[Backbone, Images, Config, str, Progress], Fitted]] = {
    "trained": fit_trained,
    "rewind_bn": fit_rewind_bn,
}


def rewound(ticket: Ticket) -> tf_keras.Model:
    """The ticket's network with theta_r and the mask; raises UserError where they do not fit it."""
    network = build(ticket.manifest.model, ticket.manifest.normalisation)
    masks, rewind = Masks(ticket.mask), ticket.rewind
    require_sane(rewind, ticket.manifest.rewind.file)
    variables.check_fit({name: rewind[name].shape for name in masks if name in rewind}, masks)
    variables.assign(network, masks.apply(rewind))
    return network
