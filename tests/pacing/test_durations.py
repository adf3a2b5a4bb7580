from __future__ import annotations

import pytest

from tf_dlth.errors import UserError
from tf_dlth.pacing.durations import at_least, parse_duration, shown


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("30m", 1800), ("2h", 7200), ("1.5h", 5400), ("0.5m", 30), (" 20m ", 1200)]
)
def test_times_as_they_are_written(text: str, seconds: float) -> None:
    assert parse_duration(text, "--budget") == seconds


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("30", "--budget 30: 30 of what? write 30m for minutes, 30s or 30h"),
        ("1.5", "--budget 1.5: 1.5 of what? write 1.5m for minutes, 1.5s or 1.5h"),
        ("half an hour", "--budget half an hour: write a time as 30m, 90s or 2h"),
        ("-3m", "--budget -3m: write a time as 30m, 90s or 2h"),
        ("", "--budget : write a time as 30m, 90s or 2h"),
        ("nan", "--budget nan: write a time as 30m, 90s or 2h"),
        ("0s", "--budget 0s: must be more than nothing and at most 10,000,000s; write such as 30m"),
        (f"{10**400}m", None),
    ],
)
def test_what_is_no_time(text: str, message: str | None) -> None:
    with pytest.raises(UserError) as raised:
        parse_duration(text, "--budget")
    assert message is None or str(raised.value) == message


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "1 s"), (41.4, "41 s"), (99, "99 s"), (120, "2 min"), (1079, "18 min"), (5900, "98 min"),
        (6000, "1.7 h"), (7200, "2 h"), (170_000, "47.2 h"), (180_000, "2 days"), (10**7, "116 days"),
    ],
)  # fmt: skip
def test_times_as_they_are_read(seconds: float, text: str) -> None:
    assert shown(seconds) == text


@pytest.mark.parametrize("seconds", [0.4, 7.0, 59.2, 99.0, 100.5, 3600.0, 3601.0])
def test_a_time_that_an_option_takes_is_enough(seconds: float) -> None:
    assert seconds <= parse_duration(at_least(seconds), "--budget") < seconds + 60
