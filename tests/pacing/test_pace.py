from __future__ import annotations

from tf_dlth.pacing.pace import Pace
from tf_dlth.training.schedule import Schedule

SCHEDULE = Schedule(images=100, batch_size=10, epochs=12, learning_rate=0.1, evaluate_every=5, rewind_epochs=2)


def test_every_part_of_a_search_counts() -> None:
    """Powers of ten, so that each digit of the sum is one part's count."""
    pace = Pace(compiling=1.0, epoch=10.0, evaluation=10_000.0, ticket=10_000_000.0)
    # 12 + 10 + 10 epochs; of iteration 0 the 5th, the 10th and the last are evaluated, and of the others too.
    assert pace.seconds(SCHEDULE, range(3)) == 1 + 32 * 10 + 9 * 10_000 + 3 * 10_000_000
    assert pace.seconds(SCHEDULE, range(2, 3)) == 1 + 10 * 10 + 3 * 10_000 + 10_000_000
