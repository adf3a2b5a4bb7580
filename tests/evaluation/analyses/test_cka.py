from __future__ import annotations

import numpy as np
import pytest
import tf_keras

from tf_dlth.analysis.cka import MinibatchCKA
from tf_dlth.data.examples import ArrayExamples
from tf_dlth.errors import UserError
from tf_dlth.evaluation.activations import layer_taps
from tf_dlth.evaluation.analyses.cka import analyse, some_of
from tf_dlth.evaluation.subject import open_subject
from tf_dlth.tickets.ticket import load_ticket


def examples(n: int) -> ArrayExamples:
    """Images whose one pixel is their number, class by class as files may lie."""
    numbers = np.arange(n)
    pixels = np.stack([numbers // 256, numbers % 256], 1).astype(np.uint8).reshape(n, 1, 1, 2)
    return ArrayExamples(pixels, (10 * numbers // n).astype(np.int32), map(str, numbers))


@pytest.mark.parametrize(("n", "used"), [(5, 5), (256, 256), (259, 256), (260, 260), (1047, 1047), (9000, 2000)])
def test_how_many_images(n: int, used: int):
    """At most 2,000, and no last batch of fewer than four."""
    assert len(some_of(examples(n))) == used


def test_the_images_are_the_same_in_every_call_and_of_all_classes():
    chosen = some_of(examples(9000))
    np.testing.assert_array_equal(chosen.labels, some_of(examples(9000)).labels)
    for start in range(0, 2000, 256):
        assert len(np.unique(chosen.labels[start : start + 256])) == 10
    assert len(set(chosen.names)) == 2000


def test_too_few_images():
    with pytest.raises(UserError, match="CKA needs at least 4 images, not 3"):
        some_of(examples(3))


def test_two_tickets_against_the_outputs_of_their_layers(finished, ask):
    """By taking every layer's output of all images at once, and CKA batch by batch."""
    paths = [finished.path / "iteration_02", finished.path / "iteration_00"]
    request = ask(*paths, weights="last", devices="cpu")
    found = analyse(request)
    _, everything = request.images(open_subject(str(paths[0])))
    images = some_of(everything)
    pixels = images.read(np.arange(len(images)))
    layers = list(found.records[0]["layers"])[::7]
    expected = MinibatchCKA()
    outputs = [_outputs(path, layers, pixels) for path in paths]
    for start in range(0, len(pixels), 256):
        expected.add(*([array[start : start + 256] for array in of] for of in outputs))
    matrix = np.array(found.records[0]["cka"])[::7, ::7]
    np.testing.assert_allclose(matrix, expected.matrix(), atol=1e-4)
    assert found.records[0]["n"] == 1047
    assert "1,047 of the 1,047 test images of digits" in found.notes[0]


def _outputs(path, layers: list[str], pixels: np.ndarray) -> list[np.ndarray]:
    model = load_ticket(path).model("last")
    taps = layer_taps(model)
    tapped = tf_keras.Model(model.input, [taps[name] for name in layers])
    return [output.numpy() for output in tapped(pixels.astype(np.float32), training=False)]


def test_a_ticket_with_itself(finished, ask):
    found = analyse(ask(finished.path / "iteration_01"))
    (result,) = found.results
    np.testing.assert_allclose(np.diag(result.matrix), 1)
    np.testing.assert_allclose(result.matrix, result.matrix.T)
    (record,) = found.records
    half = len(record["layers"]) // 2
    assert record["first_half_mean"] == pytest.approx(np.mean(result.matrix[:half, :half]))
    assert 1 <= record["largest_block"] <= len(record["layers"])
    assert len(found.rows) == len(record["layers"]) ** 2
    first, second = found.rows[1]["first_layer"], found.rows[1]["second_layer"]
    assert (first, second) == (record["layers"][0], record["layers"][1])
    assert found.rows[1]["cka"] == record["cka"][0][1]
