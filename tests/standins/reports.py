"""Invented reports for tests of the faces: one per verdict, one huge, one hostile."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.model import (
    Candidate,
    Cause,
    Chart,
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
    Ruled,
    Ruling,
    Scope,
    Series,
    Severity,
    Target,
    Verdict,
    Window,
)

DOCS = "https://learn.microsoft.com/azure/azure-signalr/signalr-howto-diagnostic-logs"
START = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
WINDOW = Window.ending(START + timedelta(hours=2), timedelta(hours=2))
TARGET = Target(
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg"
    "/providers/Microsoft.SignalRService/SignalR/chat-prod"
)
COMMAND = "why-dropped 5gHk_r2Lq-0Zw1 --from 2026-11-23T10:00Z --to 2026-11-23T12:00Z"
EVENTS = (
    ("ConnectionConnected", "Connection connected", "198.51.100.7"),
    ("ConnectionAborted", "Connection aborted. Reason: Connection ping timeout.", "198.51.100.7"),
)
HOSTILE = (
    "<!channel> <@U0000000001> *bold* _it_ ~no~ `code` :x: &amp; <https://example.com|click> "
    "\u202egnp.exe\x00\x1b[31m\ud800 | a | b |\n# heading\n```\nfence\n```\n![x](https://example.com/x.png) <b>"
)


CHART = Chart(
    "Connections dropped",
    "connections a minute",
    tuple(f"10:{minute:02d}" for minute in range(0, 60, 3)),
    (
        Series("Client", tuple(float(minute * 7 % 40) for minute in range(20))),
        Series("Server", (0.0,) * 19 + (3.0,)),
    ),
)
RULINGS = (
    Ruling(Family.QUOTA, "connection-limit", Ruled.OUT, "None of 12,000 closes says that the limit was reached."),
    Ruling(
        Family.AUTH,
        "wrong-audience",
        Ruled.UNKNOWN,
        "No Authorization record was logged in the window.",
        "Authorization",
    ),
)


def timeline(rows: int) -> Evidence:
    shown = tuple((START + timedelta(minutes=row % 100, milliseconds=120), *EVENTS[row % 2]) for row in range(rows))
    return Evidence(
        "Timeline", "Every record about it.", ("TimeGenerated", "OperationName", "Message", "From"), shown, rows
    )


def finding_report() -> Report:
    ping = Finding(
        "ping-timeout",
        Family.NET,
        Severity.ERROR,
        "The service stopped hearing pings from this client",
        "The service closes a connection when it hears nothing for a while. Usually the network between the two "
        "ends dropped packets, the client's machine slept, or its process was too busy to answer.",
        (
            "Check the network at 198.51.100.7: proxy idle timeouts, VPN, Wi-Fi.",
            "Turn on automatic reconnect in the client.",
        ),
        (Link("Unexpected connection dropping", DOCS + "#unexpected-connection-dropping"),),
        (
            Evidence("The ending", "One record states it: Connection ping timeout.", (), (), 1),
            Evidence(
                "Who else",
                "36 of 41 drops within a minute came from 198.51.100.0/24.",
                ("From", "drops"),
                (("198.51.100.7", 20), ("198.51.100.9", 16)),
                2,
            ),
        ),
        Scope(36, "connections", START, START + timedelta(seconds=40), (Fact("network", "198.51.100.0/24"),)),
    )
    return Report(
        query="why-dropped",
        command=COMMAND,
        target=TARGET,
        window=WINDOW,
        verdict=Verdict.FINDING,
        headline="Dropped by a ping timeout after 12 min 4 s, with 35 others from one network",
        cause=Cause(Family.NET, "ping-timeout", Confidence.HIGH),
        further=(Cause(Family.QUOTA, "connection-limit", Confidence.HIGH),),
        facts=(
            Fact("Connection", "5gHk_r2Lq-0Zw1"),
            Fact("Lifetime", "12 min 4 s"),
            Fact("User", "kim@example.com"),
            Fact("Address", "198.51.100.7"),
            Fact("Hub", "chat"),
            Fact("Transport", "WebSockets"),
            Fact("Came back", "after 8 s, as 7xTT_Zq1"),
        ),
        findings=(ping,),
        rulings=RULINGS,
        timeline=timeline(2),
        chart=CHART,
        gaps=(
            Gap(
                "Did the client's process stall?",
                "Resource logs see only the service's side.",
                "The client's own log.",
                Link("Client logging", "https://learn.microsoft.com/aspnet/core/signalr/diagnostics"),
            ),
        ),
        next_steps=(
            NextStep("See this network's drops", "drops --ip 198.51.100.0/24 --since 2h"),
            NextStep("Follow this user", "user kim@example.com --since 2h"),
        ),
        notes=("3 lines of the archive could not be read.",),
        provisional_until=START + timedelta(hours=2, minutes=10),
        coverage=(Coverage("ConnectivityLogs", 10_000, START, START + timedelta(hours=2)),),
        kql=(
            RanQuery(
                "opening",
                "Why a connection dropped",
                'let connection = "5gHk_r2Lq-0Zw1";\nSignalRServiceDiagnosticLogs\n'
                "| where ConnectionId == connection\n| order by TimeGenerated asc",
                2,
                timedelta(milliseconds=340),
                "https://portal.azure.com/#blade/Example",
            ),
        ),
        total=timedelta(milliseconds=420),
    )


def undecided_report() -> Report:
    return replace(
        finding_report(),
        verdict=Verdict.UNDECIDED,
        headline="Its ending was never logged",
        cause=None,
        findings=(),
        timeline=timeline(1),
        candidates=(
            Candidate(Family.NET, "ping-timeout", "Its neighbours timed out.", "The client's own log."),
            Candidate(Family.SERVICE, "reload", "A reload began a minute later.", "The activity log."),
        ),
        facts=(),
    )


def no_data_report() -> Report:
    return replace(
        finding_report(),
        verdict=Verdict.NO_DATA,
        headline="Nothing was logged in this window",
        cause=None,
        findings=(),
        timeline=None,
        facts=(),
        gaps=(
            Gap(
                "Why are there no records?",
                "No resource log arrived.",
                "Switch on ConnectivityLogs under Diagnostic settings.",
            ),
        ),
    )


def error_report() -> Report:
    return replace(
        no_data_report(),
        verdict=Verdict.ERROR,
        headline="Log Analytics refused us",
        gaps=(),
        kql=(),
        notes=("Ask for the role Log Analytics Reader on the workspace.",),
    )


def ok_report() -> Report:
    return replace(finding_report(), verdict=Verdict.OK, headline="Closed by the client, as expected", findings=())


def huge_report() -> Report:
    report = finding_report()
    long = "The service stopped hearing pings. " * 400
    finding = replace(
        report.findings[0],
        meaning=long,
        fixes=(long,) * 40,
        evidence=tuple(Evidence(f"Evidence {n}", long, ("a",), ((1,),), 1) for n in range(60)),
    )
    return replace(
        report,
        headline=long,
        findings=(finding,) * 200,
        timeline=timeline(10_000),
        facts=tuple(Fact(f"Fact {n}", long) for n in range(80)),
        candidates=tuple(Candidate(Family.APP, "app-close", long, long) for _ in range(40)),
        gaps=tuple(Gap(long, long, long) for _ in range(40)),
        notes=(long,) * 40,
        further=report.further * 40,
        rulings=tuple(Ruling(Family.APP, long, Ruled.OUT, long) for _ in range(40)),
        chart=Chart(long, long, tuple(f"{n} {long}" for n in range(90)), (Series(long, (1.0,) * 90),) * 20),
        next_steps=tuple(NextStep(f"Step {n} " + long, f"drops --since {n + 1}h") for n in range(40)),
    )


def hostile_report(text: str = HOSTILE) -> Report:
    """A report in which every text that could come from a log line or a command is `text`."""
    piece = Evidence(text, text, (text, "b"), ((text, text), (None, "")), 2)
    reach = Scope(2, text, START, START, (Fact(text, text),))
    found = Finding(text, Family.APP, Severity.WARNING, text, text, (text,), (Link(text, text),), (piece,), reach)
    return replace(
        finding_report(),
        command=text,
        target=Target(text),
        headline=text,
        facts=(Fact(text, text),),
        findings=(found,),
        candidates=(Candidate(Family.NET, text, text, text),),
        timeline=piece,
        gaps=(Gap(text, text, text, Link(text, text)),),
        next_steps=(NextStep(text, text),),
        notes=(text,),
        chart=Chart(text, text, (text,) * 30, (Series(text, (1.0,) * 30),) * 9),
        further=(Cause(Family.APP, text, Confidence.LOW),),
        rulings=(Ruling(Family.APP, text, Ruled.UNKNOWN, text, text),),
        kql=(RanQuery("opening", text, text, 1, timedelta(0), text),),
    )


def help_page() -> Page:
    return Page(
        "What this bot answers",
        (
            ("", "Ask about Azure SignalR Service. Times are in your time zone unless they name one."),
            ("/signalr why-dropped <connId>", "Why did a connection drop?"),
            ("/signalr help <command>", "What a command takes, with examples."),
            ("/signalr version", "Which version this is."),
        ),
        (NextStep("See examples", "help why-dropped"),),
    )
