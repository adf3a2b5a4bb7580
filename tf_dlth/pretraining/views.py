"""Two views of every image: crop, flip, colour jitter and gray, each drawn from a seed of its own."""

from __future__ import annotations

import tensorflow as tf

from tf_dlth.config import DataConfig
from tf_dlth.data import Examples
from tf_dlth.data.pipeline import training_batches

# paper: a SimCLR encoder, with nothing about its views; here: SimCLR's own random resized crops and the jitter and gray
# of the strength `contrast`, because with padded crops two views overlap so much that telling them apart is easy.


def view_batches(
    examples: Examples,
    config: DataConfig,
    *,
    batch_size: int,
    seed: int,
    epoch: int,
    first_step: int,
    last_epoch: int,
) -> tf.data.Dataset:
    """(uint8 views [B, 2, H, W, C], int32 labels [B]) of the epochs from ``epoch`` on; the labels are not for training.

    ``config.crop_padding`` None means random resized crops, a number the padded crops of the Basic augmentation. The
    first ``first_step`` batches of the first epoch are left out.
    """
    settings = config.model_copy(update={"augment": "contrast", "cutout": 0})
    one, other = (
        training_batches(
            examples,
            settings,
            batch_size=batch_size,
            seed=seed,
            last_epoch=last_epoch,
            view=view,
        )(0, epoch, first_step)
        for view in (0, 1)
    )
    return tf.data.Dataset.zip((one, other)).map(lambda a, b: (tf.stack([a[0], b[0]], axis=1), a[1]))
