"""What a study says of the paper's claims: a fixed list, one rule that decides, one correction for all of it."""

from __future__ import annotations

from tf_dlth.studies.verdicts.claims import CLAIMS, Claim, require_known
from tf_dlth.studies.verdicts.judging import Beside, Cell, Judged, judge_study

__all__ = ["CLAIMS", "Beside", "Cell", "Claim", "Judged", "judge_study", "require_known"]
