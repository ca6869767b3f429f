"""Reports, pages and failures as text for a terminal, compared whole with the files in tests/rendered/."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import AccessDenied, BotError, UsageError
from bot.model import (
    Candidate,
    Cause,
    Confidence,
    Coverage,
    Evidence,
    Fact,
    Family,
    Finding,
    Gap,
    Link,
    NextStep,
    Page,
    RanQuery,
    Report,
    Scope,
    Severity,
    Target,
    Verdict,
    Window,
)
from bot.render.terminal import Face, render
from tests.standins import reports

STORED = Path(__file__).parent / "rendered"
START = datetime(2026, 11, 23, 10, tzinfo=UTC)
GUIDE = "https://learn.microsoft.com/azure/azure-signalr/signalr-howto-troubleshoot-guide#client-connection-drops"
LINE = "why-dropped Ab3dE_f-9 --from 2026-11-23T10:00:00Z --to 2026-11-23T12:00:00Z"
TIMELINE = ("Time (UTC)", "After", "Event", "Level", "Message")


def moments(count: int, message: str) -> Evidence:
    rows = tuple(
        (START + timedelta(seconds=n), f"+{n}s", "ConnectionStarted", "Informational", message) for n in range(count)
    )
    return Evidence("Timeline", f"Everything logged: {count} records.", TIMELINE, rows, count)


REPORT = Report(
    query="why-dropped",
    command=LINE,
    target=Target(),
    window=Window(START, START + timedelta(hours=2)),
    verdict=Verdict.FINDING,
    headline="Dropped at 10:05:03 UTC (not expected): the service heard no ping; 41 others with it.",
    cause=Cause(Family.NET, "client-network", Confidence.MEDIUM),
    further=(Cause(Family.HUB, "hub-exception", Confidence.HIGH),),
    rulings=reports.RULINGS,
    chart=reports.CHART,
    provisional_until=START + timedelta(hours=2, minutes=10),
    candidates=(
        Candidate(
            Family.CLIENT,
            "client-gone",
            "A closed lid or a killed app says no goodbye.",
            "The client's own log.",
        ),
    ),
    facts=(
        Fact("User", "ada"),
        Fact("Lifetime", "12 min 4 s"),
        Fact("How its transport was chosen by the client", "WebSockets"),
        Fact("Hub", "お知らせ" * 12),
    ),
    findings=(
        Finding(
            "ping-timeout",
            Family.NET,
            Severity.WARNING,
            "The service heard no ping from this client",
            "A lost network, a sleeping device or a killed app all look like this from the service.",
            ("Let clients reconnect by themselves, with a random delay.", "Look at that network's proxy."),
            (Link("Client connection drops", GUIDE),),
            (
                Evidence(
                    "Who else",
                    "41 others within 5 minutes.",
                    ("Connections", "Event", "Reason", "Earliest (UTC)", "Latest (UTC)"),
                    ((41, "ConnectionAborted", "Connection ping timeout", START, START),),
                    120,
                ),
            ),
            Scope(41, "connections", START, START + timedelta(seconds=9), (Fact("address", "192.0.2.7"),)),
        ),
    ),
    timeline=moments(3, "Connection started"),
    gaps=(Gap("What the client saw", "The service logs its own side.", "The client's log.", Link("Logs", GUIDE)),),
    next_steps=(NextStep("Look in a wider window", LINE),),
    notes=("3 lines of the archive could not be read.",),
    coverage=(Coverage("Connection", 1200, START, START), Coverage("Message", 0, None, None)),
    kql=(
        RanQuery(
            "opening",
            "Records of the connection",
            "let x = 1;\nT\n| take 1",
            3,
            timedelta(0),
            "https://portal.example.com",
        ),
    ),
    engine=timedelta(milliseconds=32),
)
HOSTILE = "[bold]x[/bold] \x1b[31mred\x07\r\n:smile: <!channel> \u202egnorw\u202c\x00 漢字 \ttab"
PAGE = Page(
    "What you can ask",
    (
        ("", "Questions about Azure SignalR Service:"),
        ("why-dropped <connection-id>", "Why did this connection drop?"),
        ("help", "this page"),
    ),
    (NextStep("Help on why-dropped", "help why-dropped"),),
)


@pytest.mark.parametrize(
    ("name", "answer", "face"),
    [
        ("report-80", REPORT, Face()),
        ("report-120-kql-berlin", REPORT, Face(120, zone=ZoneInfo("Europe/Berlin"), kql=True)),
        (
            "report-of-10000-rows",
            replace(REPORT, findings=(), facts=(), timeline=moments(10_000, "x")),
            Face(),
        ),
        (
            "report-of-hostile-text",
            replace(
                REPORT,
                headline=HOSTILE,
                facts=(Fact("User", HOSTILE), Fact(HOSTILE, "x")),
                findings=(),
                candidates=(),
                timeline=moments(2, HOSTILE),
                notes=(HOSTILE,),
            ),
            Face(),
        ),
        ("page", PAGE, Face(prefix="/signalr")),
        (
            "slip",
            UsageError("There is no subcommand “why”.", "help", ["why-dropped abc"]),
            Face(suffix=" --logs x"),
        ),
        (
            "slip-with-an-odd-id",
            UsageError("Odd.", "help", ['why-dropped "$(touch x)&amp;lt;\'" 2h', 'why-dropped "-x"']),
            Face(suffix=" --logs x"),
        ),
        (
            "slip-at-the-prompt",
            UsageError("Odd.", "help", ['why-dropped "$(touch x)&amp;lt;" 2h']),
            Face(prefix="/signalr"),
        ),
        ("usage", UsageError("why-dropped needs a connection id.", "why-dropped Ab3dE_f-9 2h"), Face()),
        (
            "denied",
            AccessDenied("The workspace refused the query.", "Ask for the role Log Analytics Reader."),
            Face(),
        ),
    ],
)
def test_an_answer_reads_as_stored(name: str, answer: Report | Page | BotError, face: Face) -> None:
    assert render(answer, face) == (STORED / f"{name}.txt").read_text("utf-8")


def test_colour_adds_only_colour() -> None:
    colored = render(REPORT, Face(color=True))
    assert (re.sub(r" +(?=\n)", "", re.sub(r"\x1b\[[0-9;]*m", "", colored)), "\x1b[" in colored) == (
        render(REPORT, Face()),
        True,
    )


@given(st.text(max_size=200), st.integers(40, 200))
@settings(max_examples=100, deadline=None)
def test_no_text_reaches_the_terminal_as_control(text: str, width: int) -> None:
    report = replace(REPORT, headline=text, facts=(Fact(text, text),), timeline=moments(2, text), notes=(text,))
    shown = render(report, Face(width))
    assert re.findall("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", shown) == []
