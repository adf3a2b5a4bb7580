from __future__ import annotations

from pathlib import Path

import pytest

from tf_dlth.evaluation.subject import open_subject
from tf_dlth.exporting.formats import FORMATS, Source
from tf_dlth.exporting.packages import PACKAGES
from tf_dlth.models.build import features
from tf_dlth.tickets.saved_model import open_features
from tf_dlth.tickets.ticket import load_ticket


@pytest.fixture(scope="module")
def source(finished) -> Source:
    ticket = load_ticket(finished.path / "iteration_02")
    return Source(ticket.model(), ticket.manifest)


def test_every_format_has_its_packages() -> None:
    assert FORMATS.keys() == PACKAGES.keys()


@pytest.mark.parametrize("form", FORMATS)
def test_what_is_written_is_read_back(source: Source, same, form: str, tmp_path: Path) -> None:
    tmp_path.joinpath(form).mkdir()
    FORMATS[form].write(tmp_path / form, source)
    same(FORMATS[form].read(tmp_path / form), source.model)
    assert (tmp_path / form / "assets" / "class_names.txt").read_text().split() == list("0123456789")


def test_a_compact_one_is_measured_as_a_ticket_is(source: Source, tmp_path: Path) -> None:
    """With the signatures and assets that ``evaluate``, ``predict`` and ``probe`` look for, and nothing to distrust."""
    FORMATS["compact"].write(tmp_path, source)
    subject = open_subject(str(tmp_path))
    assert subject.class_names == tuple("0123456789")
    _, preprocessing = open_features(tmp_path)
    assert preprocessing == source.manifest.preprocessing
    assert features(source.compact).output[0].shape[1] <= features(source.model).output[0].shape[1]
