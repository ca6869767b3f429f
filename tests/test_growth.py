"""growth: what a table of cases does not say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bot.model import Fact
from tests import cases

QUESTION = "growth --quota 100 --from 2026-11-23T10:00Z --to 2026-11-23T11:00Z"
LEAK: list[dict[str, Any]] = [
    {"repeat": 360, "every": "10s", "at": "10:00:09", "op": "ServerlessModeEntered", "id": "pulse"},
    {
        "repeat": 40, "every": "1m", "at": "10:05:00", "op": "ConnectionStarted", "id": "leak{n}",
        "UserId": "desk 1", "CallerIpAddress": "192.0.2.7", "HubName": "chat",
    },
    {"at": "10:30:00", "op": "ConnectionEnded", "id": "old", "HubName": "chat"},
]  # fmt: skip


async def test_a_leak_says_whose_how_many_since_when_and_where_to_look_next(tmp_path: Path) -> None:
    report = await cases.answer(tmp_path, LEAK, QUESTION)
    scope = report.findings[0].scope
    assert scope is not None
    assert (scope.size, f"{scope.first:%H:%M}", f"{scope.last:%H:%M}", scope.shared) == (
        40,
        "10:05",
        "10:44",
        (Fact("user", "desk 1"),),
    )
    assert [step.command for step in report.next_steps] == [
        'user "desk 1" --from 2026-11-23T10:00:00Z --to 2026-11-23T11:00:00Z',
        "why-dropped leak1 --from 2026-11-23T10:00:00Z --to 2026-11-23T11:00:00Z",
    ]


async def test_the_numbers_are_those_of_the_rows(tmp_path: Path) -> None:
    report = await cases.answer(tmp_path, LEAK, QUESTION)
    assert {fact.label: fact.value for fact in report.facts} == {
        "Clients opened and closed": "40 and 1 (change +39)",
        "Opened and not closed": "40 (100 % of the opened)",
        "Users who hold them": "1 user, 40.0 each",
        "Server connections": "0 opened, 0 closed (change +0)",
        "Known to be open at the end": "at least 40, clients and servers together",
        "Against the limit": "at least 40 % of 100",
    }


async def test_the_chart_counts_each_step_and_what_it_changed(tmp_path: Path) -> None:
    chart = (await cases.answer(tmp_path, LEAK, QUESTION)).chart
    assert chart is not None
    assert (len(chart.points), chart.points[0], chart.points[-1]) == (20, "10:03", "11:00")
    assert {series.name: (sum(series.values), series.values[-1]) for series in chart.series} == {
        "Opened": (40.0, 0.0),
        "Closed": (1.0, 0.0),
        "Change since start": (sum(chart.series[2].values), 39.0),
    }
