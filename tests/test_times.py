"""Times and durations, as typed and as written back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import UsageError
from bot.times import Moment, duration, is_moment, iso, lacks_zone, moment, quoted, span_text

BERLIN = ZoneInfo("Europe/Berlin")
KOLKATA = ZoneInfo("Asia/Kolkata")
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("2h", timedelta(hours=2)),
        ("90m", timedelta(minutes=90)),
        ("1h30m", timedelta(minutes=90)),
        ("1H 30 Min", timedelta(minutes=90)),
        ("1.5d", timedelta(hours=36)),
        ("2 weeks", timedelta(days=14)),
        ("45s", timedelta(seconds=45)),
        ("0s", timedelta(0)),
        ("9999999999999h", timedelta.max),
        ("999999999999w", timedelta.max),
        ("2", None),
        ("h", None),
        ("2x", None),
        ("2 months", None),
        ("-2h", None),
        ("٢h", None),
        ("2h!", None),
        ("", None),
    ],
)
def test_a_duration(text: str, span: timedelta | None) -> None:
    assert duration(text) == span


@given(st.timedeltas(timedelta(0), timedelta(days=40_000)))
def test_a_written_duration_reads_back(span: timedelta) -> None:
    assert duration(span_text(span)) == span


@pytest.mark.parametrize(
    ("text", "zone", "at"),
    [
        ("now", BERLIN, "2026-11-23T12:00:00Z"),
        ("2h ago", BERLIN, "2026-11-23T10:00:00Z"),
        ("-90m", BERLIN, "2026-11-23T10:30:00Z"),
        ("12:30", BERLIN, "2026-11-23T11:30:00Z"),
        ("9:05:07", BERLIN, "2026-11-23T08:05:07Z"),
        ("13:00", BERLIN, "2026-11-23T12:00:00Z"),
        ("13:01", BERLIN, "2026-11-22T12:01:00Z"),
        ("13:01Z", BERLIN, "2026-11-22T13:01:00Z"),
        ("today 14:05", BERLIN, "2026-11-23T13:05:00Z"),
        ("Yesterday, 14:05", KOLKATA, "2026-11-22T08:35:00Z"),
        ("yesterday 14:05 UTC", BERLIN, "2026-11-22T14:05:00Z"),
        ("2026-11-20T14:05", BERLIN, "2026-11-20T13:05:00Z"),
        ("2026-11-20 14:05:30.25", BERLIN, "2026-11-20T13:05:30.250000Z"),
        ("2026-11-20T14:05:30.1234567Z", BERLIN, "2026-11-20T14:05:30.123456Z"),
        ("2026-11-20t14:05:30,5z", BERLIN, "2026-11-20T14:05:30.500000Z"),
        ("2026-11-20T14:05+05:30", BERLIN, "2026-11-20T08:35:00Z"),
        ("2026-11-20T14:05\u22120800", BERLIN, "2026-11-20T22:05:00Z"),
        ("2026-11-20T14", BERLIN, "2026-11-20T13:00:00Z"),
        ("20261120T140530Z", BERLIN, "2026-11-20T14:05:30Z"),
        ("2026-07-01 14:05", BERLIN, "2026-07-01T12:05:00Z"),
        ("2026-10-25 02:30", BERLIN, "2026-10-25T00:30:00Z"),
        ("2026-10-25 02:30+01:00", BERLIN, "2026-10-25T01:30:00Z"),
    ],
)
def test_a_moment(text: str, zone: ZoneInfo, at: str) -> None:
    assert (is_moment(text), iso(moment(text, NOW, zone).at)) == (True, at)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (
            "23:30",
            Moment(datetime(2026, 11, 22, 22, 30, tzinfo=UTC), datetime(2026, 11, 23, 22, 30, tzinfo=UTC)),
        ),
        (
            "2026-10-25",
            Moment(datetime(2026, 10, 24, 22, tzinfo=UTC), day_end=datetime(2026, 10, 25, 23, tzinfo=UTC)),
        ),
        (
            "today",
            Moment(datetime(2026, 11, 22, 23, tzinfo=UTC), day_end=datetime(2026, 11, 23, 23, tzinfo=UTC)),
        ),
    ],
    ids=["a clock time to come is also kept", "the day the clocks go back has 25 hours", "today is a day"],
)
def test_what_else_a_moment_names(text: str, named: Moment) -> None:
    assert moment(text, NOW, BERLIN) == named


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("soon", "“soon” is not a time I can read."),
        ("11/23/2026 10:00", "“11/23/2026 10:00” is not a time I can read."),
        ("24:00", "“24:00” is not on the calendar or the clock."),
        ("2026-02-30", "“2026-02-30” is not on the calendar or the clock."),
        ("2026-11-20T14:05+99:00", "“2026-11-20T14:05+99:00” is not on the calendar or the clock."),
        ("2026-11-20T14:05+01:75", "“2026-11-20T14:05+01:75” is not on the calendar or the clock."),
        ("9999-12-31T23:59-10:00", "“9999-12-31T23:59-10:00” is not on the calendar or the clock."),
        ("99999999999w ago", "That is further back than any log goes: the first year is 1970."),
        ("1969-12-31T23:59:59Z", "That is further back than any log goes: the first year is 1970."),
        ("9990-01-01T00:00Z", "That is further ahead than any log goes: the last year is 9989."),
        (
            "2026-03-29 02:30",
            "02:30 on 2026-03-29 does not exist in Europe/Berlin: the clocks were put forward then.",
        ),
    ],
)
def test_a_moment_that_is_none(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        moment(text, NOW, BERLIN)
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("text", "lacks"),
    [
        ("14:05", True),
        ("yesterday", True),
        ("2026-11-23", True),
        ("2026-11-23T14:05", True),
        ("14:05Z", False),
        ("2026-11-23T14:05+01:00", False),
        ("now", False),
        ("2h ago", False),
        ("soon", False),
    ],
)
def test_a_moment_without_a_zone(text: str, lacks: bool) -> None:
    assert lacks_zone(text) == lacks


@pytest.mark.parametrize(("text", "shown"), [("a\x1b[31mb\u202e", "“a�[31mb�”"), ("x" * 61, "“" + "x" * 60 + "…”")])
def test_typed_text_in_a_message_is_tame(text: str, shown: str) -> None:
    assert quoted(text) == shown
