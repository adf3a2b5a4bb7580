from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tf_dlth.data import load_data
from tf_dlth.data.images import open_image, prepare
from tf_dlth.errors import UserError
from tf_dlth.models import variables
from tf_dlth.models.build import features
from tf_dlth.tickets import saved_model
from tf_dlth.tickets.saved_model import open_saved_model
from tf_dlth.tickets.ticket import load_ticket

SERVE = """
import sys
for name in ("tf_dlth", "tensorflow_model_optimization", "tf_keras"):
    sys.modules[name] = None  # an import raises
import json
import numpy as np
import tensorflow as tf

folder, images, out = sys.argv[1:]
model = tf.saved_model.load(folder)
signature = model.signatures["serving_default"]
(spec,) = signature.structured_input_signature[1].values()
assert spec.dtype == tf.uint8 and spec.name == "images" and spec.shape.as_list() == [None, 8, 8, 1], spec
x = tf.constant(np.load(images))
served = signature(images=x)
assert set(served) == {"logits", "probabilities"}
features = model.signatures["features"](images=x)
assert set(features) == {"features"}
small = {f"first_{n}": signature(images=x[:n])["logits"] for n in (1, 7)}
encoded = tf.stack([tf.io.encode_png(image) for image in x[:7]])
seen = model.signatures["predict_image"](encoded=encoded)
assert set(seen) == {"probabilities"}
np.savez(out, features=features["features"], seen=seen["probabilities"], **small, **served)
"""


def test_r14_it_serves_where_this_package_cannot_be_imported(finished, tmp_path: Path):
    ticket = load_ticket(finished.path)
    images = load_data(finished.config.data).test.read(np.arange(64))
    np.save(tmp_path / "images.npy", images)
    folder = ticket.path / "saved_model"
    subprocess.run(
        [sys.executable, "-I", "-c", SERVE, folder, tmp_path / "images.npy", tmp_path / "out.npz"],
        check=True,
        cwd=tmp_path,
        env={"TF_CPP_MIN_LOG_LEVEL": "3", "PATH": "/usr/bin:/bin"},
    )
    served = np.load(tmp_path / "out.npz")
    penultimate, logits = (tensor.numpy() for tensor in features(ticket.model())(images, training=False))
    np.testing.assert_allclose(served["logits"], logits, atol=1e-5)
    for n in (1, 7):
        np.testing.assert_allclose(served[f"first_{n}"], logits[:n], atol=1e-5)
    np.testing.assert_allclose(served["features"], penultimate, atol=1e-5)
    exponentials = np.exp(logits - logits.max(-1, keepdims=True))
    np.testing.assert_allclose(served["probabilities"], exponentials / exponentials.sum(-1, keepdims=True), atol=1e-5)
    np.testing.assert_allclose(served["seen"], served["probabilities"][:7], atol=1e-6)
    assert logits.std() > 0


@pytest.mark.parametrize("signature", ["serving_default", "features"])
@pytest.mark.parametrize("shape", [(2, 16, 8, 1), (2, 8, 8, 3), (8, 8, 1)])
def test_images_of_another_size_are_refused_by_the_graph(finished, signature: str, shape: tuple[int, ...]):
    """Loaded as a user would; convolutions would answer for any size, and differently."""
    loaded = tf.saved_model.load(str(finished.path / "iteration_00" / "saved_model"))
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"images must be \[N, 8, 8, 1\]: resize them as assets/"):
        loaded.signatures[signature](images=tf.zeros(shape, tf.uint8))


def test_photographs_are_resized_as_the_ticket_says(finished):
    pictures = [Image.effect_noise((40, 30), 90), Image.effect_noise((9, 50), 90).convert("RGB")]
    encoded, seen = [], []
    for picture, form in zip(pictures, ("PNG", "JPEG"), strict=True):
        picture.save(out := io.BytesIO(), form)
        encoded.append(out.getvalue())
        preprocessing = load_ticket(finished.path).manifest.preprocessing
        seen.append(prepare(open_image(out.getvalue(), form), preprocessing, form))
    loaded = tf.saved_model.load(str(load_ticket(finished.path).path / "saved_model"))
    found = loaded.signatures["predict_image"](encoded=tf.constant(encoded))["probabilities"]
    expected = loaded.signatures["serving_default"](images=tf.constant(np.stack(seen)))["probabilities"]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_assets(finished):
    assets = finished.path / "iteration_00" / "saved_model" / "assets"
    assert (assets / "class_names.txt").read_text().splitlines() == list("0123456789")
    manifest = json.loads((finished.path / "iteration_00" / "ticket.json").read_text())
    assert json.loads((assets / "preprocessing.json").read_text()) == manifest["preprocessing"]


def test_no_keras_object_is_inside(finished):
    """Its machinery would ask for Keras when it is loaded, and Lambdas in it run code."""
    for folder in finished.path.glob("iteration_*/saved_model"):
        assert not (folder / "keras_metadata.pb").exists()
        assert b"tf_keras" not in (folder / "saved_model.pb").read_bytes()


def test_class_names_that_are_not_as_many_as_the_logits(finished, tmp_path: Path):
    folder = Path(shutil.copytree(finished.path / "iteration_00" / "saved_model", tmp_path / "served"))
    with (folder / "assets" / "class_names.txt").open("a") as file:
        file.write("another\n")
    with pytest.raises(UserError, match=r"class_names\.txt is damaged: 11 names for 10 classes"):
        open_saved_model(folder)


def test_a_second_one_with_other_weights_is_not_traced_again(finished, tmp_path: Path):
    ticket = load_ticket(finished.path)
    serving = saved_model.Serving(ticket.model(), ticket.manifest.class_names, ticket.manifest.preprocessing)
    images = np.zeros((2, 8, 8, 1), np.uint8)
    for kind in ("last", "heldout"):
        variables.assign(serving.model, ticket.weights(kind))
        saved_model.write(tmp_path / kind, serving)
        served = saved_model.open_saved_model(tmp_path / kind).logits(tf.constant(images)).numpy()
        np.testing.assert_allclose(served, ticket.model(kind)(images, training=False), atol=1e-5)
    assert serving.module.serve.experimental_get_tracing_count() == 1
