"""The sections of a run's page that look at single classes and pictures."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

import numpy as np
from PIL import Image

from tf_dlth.data.images import from_array
from tf_dlth.errors import printable
from tf_dlth.evaluation.confusion import Confusion, Mistake, confusion, worst_mistakes
from tf_dlth.evaluation.judged import Judged
from tf_dlth.reporting.figures.confusion import confusion_matrix
from tf_dlth.reporting.figures.mistakes import in_words
from tf_dlth.reporting.page.content import Paragraph, Picture, Pictures, Section, Table, drawn

SHOWN, PAIRS = 12, 10
SMALL, LARGE = 128, 224
"""Pixels: smaller pictures are shown this wide, larger ones are reduced to that."""


def mistakes_sections(judged: Judged) -> list[Section]:
    """What is taken for what, class by class, and the worst mistakes as pictures."""
    names, labels = judged.subject.class_names, judged.examples.labels
    found = confusion(judged.logits, labels)
    of = f"{len(labels):,} test images, {judged.accuracy:.1%} of them right ({judged.subject.weights} weights)"
    matrix = drawn(
        "confusion", confusion_matrix(found.matrix, names), f"What is taken for what: {of}.", _in_words(found, names)
    )
    worst = worst_mistakes(judged.logits, labels, SHOWN)
    return [
        Section("What is taken for what", [matrix, *_pairs_table(found, names)]),
        Section("Class by class", [_class_table(found, names), Paragraph(EXPLAINED)]),
        Section("The worst mistakes", [_pictures(judged, worst) if worst else Paragraph("There are none.")]),
    ]


EXPLAINED = (
    "Precision: of the images that were given this class, the share that is of it. Recall: of the images of this "
    "class, the share that was given it. F1: their harmonic mean. Images: how many of the test set are of this class; "
    "with few of them every number here is rough."
)


def _in_words(found: Confusion, names: Sequence[str]) -> str:
    right, total = int(np.trace(found.matrix)), int(found.matrix.sum())
    text = f"Confusion matrix of {len(names)} classes: {right:,} of {total:,} images are right, on the diagonal."
    if found.pairs:
        true, predicted, count = found.pairs[0]
        text += f" The most frequent mistake is {names[true]} taken for {names[predicted]}, {_times(count)}."
    return text


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def _pairs_table(found: Confusion, names: Sequence[str]) -> list[Table]:
    pairs = found.pairs
    if not pairs:
        return []
    records = [{"true": names[t], "predicted": names[p], "images": n, "of": int(found.support[t])} for t, p, n in pairs]
    rows = [[r["true"], r["predicted"], f"{r['images']:,}", f"{r['of']:,}"] for r in records[:PAIRS]]
    caption = f"The most frequent mistakes{f' ({PAIRS} of {len(pairs):,} kinds)' if len(pairs) > PAIRS else ''}"
    return [Table("mistakes", caption, ("true class", "taken for", "images", "of"), rows, records)]


def _class_table(found: Confusion, names: Sequence[str]) -> Table:
    records = found.records(names)
    rows = [
        [r["class"], *(_percent(r[key]) for key in ("precision", "recall", "f1")), f"{r['support']:,}"] for r in records
    ]
    caption = "Every class on the test images"
    return Table("classes", caption, ("class", "precision %", "recall %", "F1 %", "images"), rows, records)


def _percent(value: float) -> str:
    return "-" if math.isnan(value) else f"{100 * value:.1f}"


def _pictures(judged: Judged, worst: Sequence[Mistake]) -> Pictures:
    pixels = judged.examples.read(np.array([mistake.image for mistake in worst]))
    items = [_picture(judged, mistake, image) for mistake, image in zip(worst, pixels, strict=True)]
    caption = (
        "The misclassified test images that the network is surest of, as it sees them. Look for wrong labels, for "
        "pictures that nobody could tell, and for kinds of pictures that the training images lack."
    )
    return Pictures(caption, items)


def _picture(judged: Judged, mistake: Mistake, pixels: np.ndarray) -> Picture:
    names = judged.subject.class_names
    true, predicted = names[mistake.true], names[mistake.predicted]
    name = printable(judged.examples.names[mistake.image], 80)
    image = from_array(pixels)
    if max(image.size) > LARGE:
        image.thumbnail((LARGE, LARGE), Image.Resampling.LANCZOS)
    content = io.BytesIO()
    image.save(content, "PNG", optimize=True)
    scale = max(1, SMALL // max(image.size))
    return Picture(
        content.getvalue(),
        (image.width * scale, image.height * scale),
        f"Test image {name}: {true}, taken for {predicted}",
        in_words(mistake, names),
        enlarged=scale > 1,
    )
