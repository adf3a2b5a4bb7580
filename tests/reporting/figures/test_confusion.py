from __future__ import annotations

import numpy as np
import pytest

from tf_dlth.reporting.figures.confusion import confusion_matrix
from tf_dlth.reporting.figures.rendering import rendered


def test_colours_are_shares_of_the_true_class_and_numbers_are_images():
    axes = confusion_matrix(np.array([[3, 1], [0, 0]]), ["cat", "dog"]).axes[0]
    np.testing.assert_allclose(np.asarray(axes.images[0].get_array()), [[75, 25], [0, 0]])
    assert [(text.get_text(), text.get_position()) for text in axes.texts] == [("3", (0, 0)), ("1", (1, 0))]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["cat", "dog"]


@pytest.mark.parametrize("name", ["$\\frac{", "a" * 200, "<b>&", "犬"])
def test_any_name_can_be_drawn(name: str):
    figure = confusion_matrix(np.eye(2, dtype=int), [name, "dog"])
    assert rendered(figure, "svg")
    assert len(figure.axes[0].get_yticklabels()[0].get_text()) <= 18


@pytest.mark.parametrize(("classes", "numbers", "names"), [(20, 20, 20), (21, 0, 21), (41, 0, 0)])
def test_many_classes(classes: int, numbers: int, names: int):
    axes = confusion_matrix(np.eye(classes, dtype=int), [f"class {i}" for i in range(classes)]).axes[0]
    assert len(axes.texts) == numbers
    assert len([label for label in axes.get_yticklabels() if label.get_text().startswith("class")]) == names
