"""What every written face shares: words for causes, reach and periods, and tables without what all rows repeat."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.interpret.said import during
from bot.model import Evidence, Fact, Family, Finding, Ruled, Ruling, Scope, Severity
from bot.render import wording
from bot.render.folding import Folded, folded
from tests.standins import reports

START = datetime(2026, 11, 23, 23, 59, tzinfo=UTC)
CLOSED = ("Closed (UTC)", "Connection", "Reason", "User")


@pytest.mark.parametrize(
    ("evidence", "left"),
    [
        pytest.param(
            Evidence(
                "x", "", CLOSED, ((START, "a", "ping", ""), (START + timedelta(milliseconds=5), "b", "ping", None))
            ),
            Folded(
                ("Closed (UTC)", "Connection"),
                ((START.time(), "a"), ((START + timedelta(milliseconds=5)).time(), "b")),
                "2026-11-23",
                (("Reason", "ping"), ("User", wording.NOTHING)),
            ),
            id="a date and values that all rows share are said once",
        ),
        pytest.param(
            Evidence("x", "", CLOSED, ((START, "a", "ping", "kim"), (START + timedelta(hours=1), "a", "stop", "kim"))),
            Folded(
                ("Closed (UTC)", "Reason"),
                ((START, "ping"), (START + timedelta(hours=1), "stop")),
                "",
                (("Connection", "a"), ("User", "kim")),
            ),
            id="times of two days keep their dates",
        ),
        pytest.param(
            Evidence("x", "", ("Side", "Reason"), (("Client", "ping"),)),
            Folded(("Side", "Reason"), (("Client", "ping"),), "", ()),
            id="a single row keeps its columns",
        ),
        pytest.param(
            Evidence("x", "", ("Side", "Hub"), (("Client",), ("Client", "chat"))),
            Folded(("Side", "Hub"), (("Client", None), ("Client", "chat")), "", ()),
            id="the first column stays, and a short row is filled up",
        ),
    ],
)
def test_what_all_rows_share_stands_above_the_table(evidence: Evidence, left: Folded) -> None:
    assert folded(evidence) == left


def test_the_caption_says_the_day_and_what_is_the_same() -> None:
    table = Folded(("Closed (UTC)",), (), "2026-11-23", (("Reason", "ping"), ("User", wording.NOTHING)))
    assert table.caption == "On 2026-11-23 (UTC). The same in these rows: Reason ping; User none."


@pytest.mark.parametrize(
    ("title", "headline", "repeated"),
    [
        pytest.param(
            "The limit was reached", "The limit was reached: 9 refused.", True, id="a title within the headline"
        ),
        pytest.param("App server a lost all", "App server a crashed at 10:00, 9 clients.", False, id="other words"),
        pytest.param("\U0001f600", "\U0001f600", True, id="the same text without words"),
        pytest.param("\U0001f600", "The limit was reached.", False, id="no words at all"),
    ],
)
def test_a_title_that_repeats_the_headline_is_known(title: str, headline: str, repeated: bool) -> None:
    assert wording.repeats(title, headline) is repeated


@pytest.mark.parametrize(
    ("scope", "said"),
    [
        (Scope(1, "addresses", START, START), "1 address, 2026-11-23 23:59 UTC"),
        (Scope(1, "messages", START, START, (Fact("hub", "chat"),)), "1 message, 2026-11-23 23:59 UTC; hub chat"),
        (
            Scope(1200, "client connections", START, START + timedelta(seconds=9)),
            "1,200 client connections, 2026-11-23 23:59 to 23:59:09 UTC",
        ),
    ],
    ids=["one address", "one message of a hub", "many connections"],
)
def test_the_reach_of_a_finding_agrees_with_its_number(scope: Scope, said: str) -> None:
    assert wording.scope(scope) == said


def test_rulings_of_one_reason_share_a_line() -> None:
    unknown = Ruling(Family.QUOTA, "message-quota", Ruled.UNKNOWN, "No Throttling record was logged.", "Throttling")
    given = (
        Ruling(Family.HUB, "hub-exception", Ruled.OUT, "No close carries an error."),
        replace(unknown, code="connection-limit"),
        Ruling(Family.SERVICE, "service-reload", Ruled.OUT, "No close names a reload."),
        unknown,
    )
    assert wording.rulings(given) == [
        ("Ruled out", "hub exception, service reload"),
        ("Not ruled out", "connection limit, message quota (No Throttling record was logged)"),
    ]


@pytest.mark.parametrize(
    ("last", "said"),
    [
        (START, "at 2026-11-23 23:59:00 UTC"),
        (START + timedelta(seconds=9), "from 2026-11-23 23:59:00 to 23:59:09 UTC"),
        (START + timedelta(minutes=2), "from 2026-11-23 23:59:00 to 2026-11-24 00:01:00 UTC"),
    ],
    ids=["one moment", "one day", "past midnight"],
)
def test_a_period_says_each_date_once(last: datetime, said: str) -> None:
    assert during(START, last) == said


def test_what_carries_the_cause_is_read_first_then_what_alarms() -> None:
    report = reports.finding_report()
    cause = replace(report.findings[0], severity=Severity.WARNING)
    calm = Finding("overview", Family.UNKNOWN, Severity.INFO, "How connections ended", "All said goodbye.")
    grave = replace(cause, code="connection-limit", severity=Severity.CRITICAL)
    report = replace(report, findings=(calm, grave, cause))
    assert (
        [finding.code for finding in wording.ordered(report)],
        [finding.code for finding in report.findings if wording.is_background(finding, report)],
    ) == (["ping-timeout", "connection-limit", "overview"], ["overview"])
