"""drops: what a table of cases does not say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bot.model import Report
from tests import cases

QUESTION = "drops --from 2026-11-23T10:00Z --to 2026-11-23T11:00Z"
LOST = {"op": "ConnectionAborted", "HubName": "chat"}
CRASH: list[dict[str, Any]] = [
    {**LOST, "repeat": 3, "at": "10:20:01", "id": "s{n}", "ConnectionType": "Server",
     "CallerIpAddress": "203.0.113.10", "Message": "Connection ping timeout"},
    {**LOST, "repeat": 20, "at": "10:20:02", "id": "c{n}", "UserId": "u{n}", "Message": "Server connection dropped"},
    {"repeat": 12, "at": "10:20:07", "op": "ConnectionStarted", "id": "b{n}", "UserId": "u{n}", "HubName": "chat"},
]  # fmt: skip


async def answer(tmp_path: Path, given: list[dict[str, Any]]) -> Report:
    return await cases.answer(tmp_path, given, QUESTION)


async def test_the_headline_names_the_cause_its_moment_and_its_size(tmp_path: Path) -> None:
    report = await answer(tmp_path, CRASH)
    assert report.headline == (
        "App server 203.0.113.10 crashed at 10:20:01 UTC, 20 clients with it. "
        "In all 20 drops among 20 client connections that closed (100 %)."
    )


async def test_the_tie_to_the_server_connections_is_said_to_be_a_correlation(tmp_path: Path) -> None:
    report = await answer(tmp_path, CRASH)
    proof = {evidence.step: evidence.statement for evidence in report.findings[0].evidence[:2]}
    assert proof["servers"] == (
        "3 server connections closed at 2026-11-23 10:20:01 UTC. "
        "The tie to the clients is a correlation, no record holds an id for it: "
        "20 of 20 closed within 15 s of one of these, 20 on a hub of theirs."
    )


async def test_who_came_back_is_counted_by_user_and_timed(tmp_path: Path) -> None:
    report = await answer(tmp_path, CRASH)
    assert {fact.label: fact.value for fact in report.facts}["Came back"] == (
        "12 of the 20 whose user is known connected again within 10 minutes, "
        "half of them within 5s; at most 12 in one second (10:20:07 UTC)."
    )


async def test_the_chart_counts_drops_by_kind_over_the_window(tmp_path: Path) -> None:
    chart = (await answer(tmp_path, CRASH)).chart
    assert chart is not None
    found = {
        each.name: {chart.points[n]: value for n, value in enumerate(each.values) if value} for each in chart.series
    }
    assert found == {"server connection dropped": {"10:18": 20.0}, "server ping timeout": {"10:18": 3.0}}


async def test_the_next_steps_are_ready_commands(tmp_path: Path) -> None:
    report = await answer(tmp_path, CRASH)
    assert [step.command for step in report.next_steps] == [
        "why-dropped c1 --from 2026-11-23T10:00:00Z --to 2026-11-23T11:00:00Z",
        "servers --from 2026-11-23T10:00:00Z --to 2026-11-23T11:00:00Z",
        "drops --from 2026-11-23T10:18:01Z --to 2026-11-23T10:22:02Z",
    ]


async def test_the_same_span_before_is_compared(tmp_path: Path) -> None:
    earlier = {"op": "ConnectionAborted", "at": "09:30:00", "id": "old", "Message": "Connection ping timeout"}
    report = await answer(tmp_path, [earlier, *CRASH])
    facts = {fact.label: fact.value for fact in report.facts}
    assert facts["Same span before"] == "1 drop among 1 client connection that closed (100 %)"


async def test_texts_of_any_length_stay_short_in_the_answer(tmp_path: Path) -> None:
    long = {"op": "ConnectionAborted", "at": "10:30:00", "id": "x" * 10_000, "Message": "y" * 10_000}
    report = await answer(tmp_path, [long])
    assert len(report.headline) < 400
