"""A window without any record: are there logs of other days, and where are they switched on?"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bot.interpret import Conclusion, Question, coverage
from bot.interpret.coverage import LOGS
from bot.interpret.said import during, period
from bot.knowledge import Knowledge
from bot.model import Gap, NextStep, Verdict, Window

FINDINGS = "connection_findings"


def conclude(question: Question, table: Knowledge) -> Conclusion:
    """No data: nothing was logged in the window; `table` is queries/knowledge/connection_findings.toml."""
    window, logged = question.command.window, question.logged
    nothing = f"Nothing was logged {during(window.start, window.end)}{_about(question)}"
    if logged is None:
        found = table["no-logs"].finding({})
        headline = f"{nothing}, nor was any record of other days found."
    else:
        found = table["logs-elsewhere"].finding({"when": during(logged.start, logged.end)})
        headline = f"{nothing}; the logs at hand cover {period(logged.start, logged.end)}."
    return Conclusion(
        verdict=Verdict.NO_DATA,
        headline=headline,
        findings=(found,),
        gaps=(connectivity_gap(),),
        next_steps=wider(question),
        provisional_until=coverage.provisional(question),
    )


def connectivity_gap() -> Gap:
    """What is unknown without Connection records."""
    return Gap(
        "How any connection ended",
        "No Connection record was logged in the window.",
        "Log Source Settings of the resource: switch on ConnectivityLogs, and send AllLogs in a diagnostic setting.",
        LOGS,
    )


def wider(question: Question) -> tuple[NextStep, ...]:
    """The same question where logs are, or over the last seven days."""
    command, logged = question.command, question.logged
    window = command.window
    steps = []
    if logged is not None and (logged.start < window.start or logged.end > window.end):
        # The last day of what is there is where people look first.
        start = max(logged.start, logged.end - timedelta(days=1))
        if (last := Window(start, logged.end)) != window:
            steps.append(NextStep("Look where the logs are", replace(command, window=last).line))
    elif window.span < timedelta(days=7):
        wide = Window(window.end - timedelta(days=7), window.end)
        steps.append(NextStep("Look in the last 7 days", replace(command, window=wide).line))
    return tuple(steps)


def _about(question: Question) -> str:
    resource = question.command.resource
    return f" about a resource named {resource!r} (check the name)" if resource else ""
