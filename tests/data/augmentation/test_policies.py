"""The policy tables against literals typed a second time, in another form."""

from __future__ import annotations

import numpy as np
import pytest

from tf_dlth.data.augmentation import policies

CIFAR10 = """
1 invert .1 7 contrast .2 6
2 rotate .7 2 translate_x .3 9
3 sharpness .8 1 sharpness .9 3
4 shear_y .5 8 translate_y .7 9
5 autocontrast .5 8 equalize .9 2
6 shear_y .2 7 posterize .3 7
7 color .4 3 brightness .6 7
8 sharpness .3 9 brightness .7 9
9 equalize .6 5 equalize .5 1
10 contrast .6 7 sharpness .6 5
11 color .7 7 translate_x .5 8
12 equalize .3 7 autocontrast .4 8
13 translate_y .4 3 sharpness .2 6
14 brightness .9 6 color .2 8
15 solarize .5 2 invert 0 3
16 equalize .2 0 autocontrast .6 0
17 equalize .2 8 equalize .6 4
18 color .9 9 equalize .6 6
19 autocontrast .8 4 solarize .2 8
20 brightness .1 3 color .7 0
21 solarize .4 5 autocontrast .9 3
22 translate_y .9 9 translate_y .7 9
23 autocontrast .9 2 solarize .8 3
24 equalize .8 8 invert .1 3
25 translate_y .7 9 autocontrast .9 1
"""
IMAGENET = """
1 posterize .4 8 rotate .6 9
2 solarize .6 5 autocontrast .6 5
3 equalize .8 8 equalize .6 3
4 posterize .6 7 posterize .6 6
5 equalize .4 7 solarize .2 4
6 equalize .4 4 rotate .8 8
7 solarize .6 3 equalize .6 7
8 posterize .8 5 equalize 1 2
9 rotate .2 3 solarize .6 8
10 equalize .6 8 posterize .4 6
11 rotate .8 8 color .4 0
12 rotate .4 9 equalize .6 2
13 equalize 0 7 equalize .8 8
14 invert .6 4 equalize 1 8
15 color .6 4 contrast 1 8
16 rotate .8 8 color 1 2
17 color .8 8 solarize .8 7
18 sharpness .4 7 invert .6 8
19 shear_x .6 5 equalize 1 9
20 color .4 0 equalize .6 3
21 equalize .4 7 solarize .2 4
22 solarize .6 5 autocontrast .6 5
23 invert .6 4 equalize 1 8
24 color .6 4 contrast 1 8
25 equalize .8 8 equalize .6 3
"""


@pytest.mark.parametrize(("table", "text"), [(policies.CIFAR10, CIFAR10), (policies.IMAGENET, IMAGENET)])
def test_sub_policies(table: tuple[policies.SubPolicy, ...], text: str) -> None:
    typed = [line.split()[1:] for line in text.split("\n") if line]
    read = tuple(((a, float(p), int(i)), (b, float(q), int(j))) for a, p, i, b, q, j in typed)
    assert len(table) == 25
    assert table == read


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("shear_x", [0, 1 / 30, 2 / 30, 3 / 30, 4 / 30, 5 / 30, 6 / 30, 7 / 30, 8 / 30, 0.3]),
        ("shear_y", [0, 1 / 30, 2 / 30, 3 / 30, 4 / 30, 5 / 30, 6 / 30, 7 / 30, 8 / 30, 0.3]),
        ("translate_x", [0, 0.05035, 0.1007, 0.15106, 0.20141, 0.25176, 0.30211, 0.35247, 0.40282, 0.45317]),
        ("translate_y", [0, 0.05035, 0.1007, 0.15106, 0.20141, 0.25176, 0.30211, 0.35247, 0.40282, 0.45317]),
        ("rotate", [0, 10 / 3, 20 / 3, 10, 40 / 3, 50 / 3, 20, 70 / 3, 80 / 3, 30]),
        ("color", [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]),
        ("contrast", [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]),
        ("brightness", [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]),
        ("sharpness", [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]),
    ],
)
def test_signed_levels(name: str, values: list[float]) -> None:
    centre = 1.0 if name in ("color", "contrast", "brightness", "sharpness") else 0.0
    levels = [policies.auto_value(name, level) for level in range(10)]
    assert [c for c, _ in levels] == [centre] * 10
    np.testing.assert_allclose([d for _, d in levels], values, atol=6e-6)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("posterize", [8, 8, 7, 7, 6, 6, 5, 5, 4, 4]),
        ("solarize", [256, 227.56, 199.11, 170.67, 142.22, 113.78, 85.33, 56.89, 28.44, 0]),
        ("equalize", [0] * 10),
        ("autocontrast", [0] * 10),
        ("invert", [0] * 10),
    ],
)
def test_unsigned_levels(name: str, values: list[float]) -> None:
    levels = [policies.auto_value(name, level) for level in range(10)]
    assert [deviation for _, deviation in levels] == [0.0] * 10
    np.testing.assert_allclose([centre for centre, _ in levels], values, atol=0.005)


def test_rand_draws_from_fourteen_operations() -> None:
    assert {op.name.lower(): (low, high) for op, low, high in policies.RAND} == {
        "identity": (0, 0),
        "autocontrast": (0, 0),
        "equalize": (0, 0),
        "rotate": (-30, 30),
        "solarize": (0, 256),
        "color": (0.05, 0.95),
        "contrast": (0.05, 0.95),
        "brightness": (0.05, 0.95),
        "sharpness": (0.05, 0.95),
        "shear_x": (-0.1, 0.1),
        "shear_y": (-0.1, 0.1),
        "translate_x": (-0.1, 0.1),
        "translate_y": (-0.1, 0.1),
        "posterize": (4, 8),
    }
    assert len(policies.RAND) == 14 and policies.RAND_OPERATIONS == 4
    assert policies.RAND_FILL == 0 and policies.AUTO_FILL == 128
