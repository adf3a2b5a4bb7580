"""CIFAR-10.2: new test images for networks that were trained on CIFAR-10."""

from __future__ import annotations

import numpy as np

from tf_dlth.config import DataConfig
from tf_dlth.data.labels import refuse_unknown, whole_labels
from tf_dlth.data.sources import files
from tf_dlth.data.sources.arrayfiles import read_npz
from tf_dlth.data.sources.arrays import in_memory
from tf_dlth.data.sources.npz import checked_images
from tf_dlth.data.sources.source import Source, no_examples, required_dir

CIFAR10_CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
LAYOUT = "a folder with cifar102_train.npz and cifar102_test.npz; get both from github.com/modestyachts/cifar-10.2"


def load(config: DataConfig) -> Source:
    """All 12,000 images, the published train and test files joined, are the test set."""
    root = files.existing_dir(required_dir(config, LAYOUT))
    images, labels, names = [], [], []
    for part in ("train", "test"):
        path = root / f"cifar102_{part}.npz"
        arrays = read_npz(path, ("images", "labels"))
        images.append(checked_images(path, "images", arrays["images"]))
        labels.append(whole_labels(arrays["labels"], f"{path}: labels", len(images[-1])))
        refuse_unknown(labels[-1], len(CIFAR10_CLASSES), path)
        names += [f"{part}_{i:05d}" for i in range(len(images[-1]))]
    test, preprocessing = in_memory(config, np.concatenate(images), np.concatenate(labels), names)
    train = no_examples(preprocessing.image_shape)
    return Source("cifar10_2", CIFAR10_CLASSES, train, test, None, preprocessing)
