from __future__ import annotations

from pathlib import Path

import pytest

from tf_dlth.config.study import StudyConfig
from tf_dlth.errors import UserError
from tf_dlth.reporting.paper import published
from tf_dlth.studies.verdicts.claims import CLAIMS, MATCHED, TICKET, Claim, require_known
from tf_dlth.studies.verdicts.measures import Accuracy, Column

SINGLE = {"small", "random", "layerwise", "equal", "base_then_aug"}


@pytest.mark.parametrize("name", CLAIMS)
def test_a_claim_reads_as_a_sentence_and_leads_to_the_paper(name: str) -> None:
    claim = CLAIMS[name]
    assert claim.text[0].isupper() and claim.text.endswith(".") and len(claim.text) > 30
    assert claim.source == "ours" or claim.source.split()[0] in ("Figure", "Figures", "Table", "Tables", "Section")
    assert bool(claim.plain) == bool(claim.plain_label)
    assert all(published(path) is not None for path in claim.published)
    StudyConfig(name="s", base="b.yaml", claims=(name,))


def sides(claim: Claim) -> list[tuple[str, int]]:
    """Class of models and sign of every term of the difference."""
    terms = [(str(t.network), t.sign) for t in claim.higher] + [(str(t.network), -t.sign) for t in claim.lower]
    return sorted(terms)


@pytest.mark.parametrize("name", CLAIMS)
def test_no_accuracy_of_a_ticket_faces_networks_that_did_not_choose_as_often(name: str) -> None:
    """Either both sides chose, or what choosing gains dense networks, matched less dense, is taken off."""
    claim = CLAIMS[name]
    terms = (*claim.higher, *claim.lower)
    accuracy = all(isinstance(t.measure, Accuracy | Column) for t in terms) and claim.unit[:6] == "points"
    if not accuracy or not any(t.network.best for t in terms):
        return
    choosers = sum(sign for network, sign in sides(claim) if network.startswith("the ticket of"))
    assert choosers == 0
    if any(t.network.arm in SINGLE for t in terms):
        assert [(str(MATCHED), -1), (str(TICKET), 1)] == [t for t in sides(claim) if t[0].startswith("the ticket")]


def test_the_page_has_every_claim() -> None:
    page = (Path(__file__).parents[3] / "docs" / "verdicts.md").read_text(encoding="utf-8")
    assert [line.split("`")[1] for line in page.splitlines() if line.startswith("| `")] == list(CLAIMS)
    assert f"The list has {len(CLAIMS)} claims" in page


def test_names() -> None:
    require_known([])
    require_known(CLAIMS)
    with pytest.raises(UserError, match=r"no claim ticket-beats-mached; did you mean ticket-beats-matched, "):
        require_known(["gap-grows", "ticket-beats-mached"])
    with pytest.raises(UserError, match=r"no claim 0; did you mean ticket-beats-matched, gap-grows, .*augmix\?"):
        require_known(["0"])
